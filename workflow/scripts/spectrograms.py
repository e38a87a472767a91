"""Write the complex spectrograms of one word to a Zarr store."""

from pathlib import Path

from spokenwords.jobs.hashing import hash_of
from spokenwords.jobs.log import job_log
from spokenwords.recordings.inventory_file import usable_files
from spokenwords.spectrograms.stft import STFT
from spokenwords.spectrograms.write import write_recordings

with job_log(snakemake.log[0]):
    audio, features = snakemake.params.audio, snakemake.params.features
    inventory_path = Path(snakemake.input.inventory)
    write_recordings(
        Path(snakemake.output.store).parent,
        Path(snakemake.params.folder),
        usable_files(inventory_path),
        STFT(sample_rate=audio["sample_rate"], **features["stft"]),
        length=round(audio["seconds"] * audio["sample_rate"]),
        window=audio["window"],
        rounding=features["rounding"] or None,
        chunk_length=features["chunk_length"],
        compression=features["compression"],
        inventory_digest=hash_of(inventory_path),
        threads=snakemake.threads,
    )

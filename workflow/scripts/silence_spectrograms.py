"""Write the complex spectrograms of silence: segments of the noise recordings."""

from pathlib import Path

from spokenwords import names
from spokenwords.jobs.log import job_log
from spokenwords.spectrograms import silence
from spokenwords.spectrograms.stft import STFT

with job_log(snakemake.log[0]):
    audio, features = snakemake.params.audio, snakemake.params.features
    silence.write(
        Path(snakemake.output.store).parent,
        Path(snakemake.output.segments),
        Path(snakemake.params.folder) / names.NOISE,
        dict(snakemake.params.recordings),
        STFT(sample_rate=audio["sample_rate"], **features["stft"]),
        length=round(audio["seconds"] * audio["sample_rate"]),
        rounding=features["rounding"] or None,
        chunk_length=features["chunk_length"],
        compression=features["compression"],
        threads=snakemake.threads,
    )

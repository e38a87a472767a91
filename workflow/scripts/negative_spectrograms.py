"""Write the complex spectrograms of negatives, which are divided into sets."""

from pathlib import Path

from spokenwords.jobs import hashing
from spokenwords.jobs.log import job_log
from spokenwords.spectrograms import write_negatives
from spokenwords.spectrograms.stft import STFT

with job_log(snakemake.log[0]):
    audio, features = snakemake.params.audio, snakemake.params.features
    write_negatives.write(
        Path(snakemake.output.store).parent,
        Path(snakemake.output.segments),
        Path(snakemake.output.parts),
        [Path(folder) for folder in snakemake.params.folders],
        snakemake.params.words,
        STFT(sample_rate=audio["sample_rate"], **features["stft"]),
        length=round(audio["seconds"] * audio["sample_rate"]),
        on_unreadable=snakemake.params.on_unreadable,
        digest=hashing.digest_of_lines(
            [*snakemake.params.digest, *(Path(path).read_text() for path in snakemake.input)]
        ),
        rounding=features["rounding"] or None,
        chunk_length=features["chunk_length"],
        compression=features["compression"],
        threads=snakemake.threads,
    )

"""Measure acoustic properties of each test recording."""

from pathlib import Path

from spokenwords.jobs.log import job_log
from spokenwords.recordings import acoustics, manifest

with job_log(snakemake.log[0]):
    measured = acoustics.table(
        manifest.read(snakemake.input.test),
        manifest.read(snakemake.input.train),
        Path(snakemake.params.folder),
        **snakemake.params.audio,
    )
    measured.to_csv(snakemake.output.properties, index=False, float_format="%.6g")

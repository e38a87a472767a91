"""What each test recording is like."""

from pathlib import Path

from spokenwords import manifest, progress, properties

with progress.job_log(snakemake.log[0]):
    measured = properties.table(
        manifest.read(snakemake.input.test),
        manifest.read(snakemake.input.train),
        Path(snakemake.resources.folder),
        **snakemake.params.audio,
    )
    measured.to_csv(snakemake.output.properties, index=False, float_format="%.6g")

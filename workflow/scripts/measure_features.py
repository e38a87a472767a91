"""Measure the sizes of the spectrogram stores of one `features` entry."""

from pathlib import Path

from spokenwords.jobs.log import job_log
from spokenwords.spectrograms import sizes
from spokenwords.spectrograms.read import open_store

with job_log(snakemake.log[0]):
    stores = [open_store(Path(path).parent) for path in snakemake.input.stores]
    sizes.sizes(stores).to_csv(snakemake.output.sizes, index=False)

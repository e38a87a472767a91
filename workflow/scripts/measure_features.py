"""What the spectrogram stores of some features take on disk."""

from pathlib import Path

from spokenwords import features, progress
from spokenwords.store import open_store

with progress.job_log(snakemake.log[0]):
    stores = [open_store(Path(path).parent) for path in snakemake.input.stores]
    features.sizes(stores).to_csv(snakemake.output.sizes, index=False)

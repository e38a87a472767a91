"""How a split divides each word's recordings, and whether speakers are heard in training too."""

from spokenwords import manifest, progress
from spokenwords.plots import dataset, style
from spokenwords.splits import SETS

with progress.job_log(snakemake.log[0]):
    manifests = {name: manifest.read(snakemake.input[name]) for name in SETS}
    style.save(dataset.split(manifests), snakemake.output.plot)

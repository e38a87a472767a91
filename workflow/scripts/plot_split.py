"""Plot of a split: how it divides each word's recordings, and the speakers."""

from spokenwords.jobs.log import job_log
from spokenwords.recordings import manifest
from spokenwords.recordings.splits import SETS
from spokenwords.report.plots import dataset, style

with job_log(snakemake.log[0]):
    manifests = {name: manifest.read(snakemake.input[name]) for name in SETS}
    style.save(dataset.split(manifests), snakemake.output.plot)

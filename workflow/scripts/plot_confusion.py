"""The confusion table as a heat map."""

from spokenwords import confusion, plots, progress

with progress.job_log(snakemake.log[0]):
    table = confusion.read(snakemake.input.confusion)
    plots.save(plots.confusion(table), snakemake.output.plot)

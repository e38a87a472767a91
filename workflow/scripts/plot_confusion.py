"""The confusion table as a heat map."""

from spokenwords.evaluation import confusion
from spokenwords.jobs.log import job_log
from spokenwords.report.plots import style
from spokenwords.report.plots.confusion import heat_map

with job_log(snakemake.log[0]):
    table, note = confusion.for_plots(confusion.read(snakemake.input.confusion))
    style.save(heat_map(table, note), snakemake.output.plot)

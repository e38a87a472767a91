"""The alluvial plot of predictions and targets."""

from pathlib import Path

from spokenwords.evaluation import confusion
from spokenwords.jobs.log import job_log
from spokenwords.report.plots import alluvial, style

with job_log(snakemake.log[0]):
    table, note = confusion.for_plots(confusion.read(snakemake.input.confusion))
    figure = alluvial.draw(table, note=note)
    style.save(figure, snakemake.output.plot, snakemake.output.image)
    template = Path(snakemake.scriptdir).parent / "report/alluvial.html"
    page = alluvial.page(template.read_text(encoding="utf-8"), table, note=note)
    Path(snakemake.output.page).write_text(page, encoding="utf-8")

"""Predictions flowing into targets."""

from pathlib import Path

from spokenwords import confusion, progress
from spokenwords.plots import alluvial, style

with progress.job_log(snakemake.log[0]):
    table, note = confusion.to_draw(confusion.read(snakemake.input.confusion))
    figure = alluvial.draw(table, note=note)
    style.save(figure, snakemake.output.plot, snakemake.output.image)
    template = Path(snakemake.resources.template).read_text(encoding="utf-8")
    page = alluvial.page(template, table, note=note)
    Path(snakemake.output.page).write_text(page, encoding="utf-8")

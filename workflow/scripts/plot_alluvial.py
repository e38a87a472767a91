"""Predictions flowing into targets."""

from pathlib import Path

from spokenwords import confusion, progress
from spokenwords.plots import alluvial, style

with progress.job_log(snakemake.log[0]):
    table = confusion.read(snakemake.input.confusion)
    style.save(alluvial.draw(table), snakemake.output.plot, snakemake.output.image)
    page = alluvial.interactive(table)
    Path(snakemake.output.interactive).write_text(page, encoding="utf-8")

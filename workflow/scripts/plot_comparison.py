"""Plots that compare all runs: metrics, words, learning curves, pairs."""

import pandas as pd

from spokenwords.evaluation import comparison
from spokenwords.jobs.log import job_log
from spokenwords.report.plots import comparison as plots
from spokenwords.report.plots import style

with job_log(snakemake.log[0]):
    names = ("runs", "seeds", "pairs", "words")
    tables = {name: comparison.read(snakemake.input[name]) for name in names}
    logs = map(pd.read_csv, snakemake.input.logs)
    logs = dict(zip(snakemake.params.runs, logs, strict=True))
    runs = tables["runs"]
    figures = {
        "accuracy": plots.measures(runs, tables["seeds"], snakemake.params.published),
        "words": plots.words(tables["words"]),
        "histories": plots.histories(logs, runs),
        "pairs": plots.pairs(tables["pairs"], runs),
    }
    for name, figure in figures.items():
        style.save(figure, snakemake.output[name])

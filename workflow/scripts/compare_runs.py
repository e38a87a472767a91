"""Comparison of all runs: metrics, spread over seeds, pairs of runs, and words."""

import json
from pathlib import Path

import pandas as pd

from spokenwords.evaluation import comparison, predictions
from spokenwords.jobs.log import job_log

with job_log(snakemake.log[0]):
    catalogue = snakemake.params.runs
    metrics = [json.loads(Path(path).read_text()) for path in snakemake.input.metrics]
    tests = dict(zip(catalogue, map(predictions.read, snakemake.input.predictions), strict=True))
    streams = {Path(path).parent.name: pd.read_csv(path) for path in snakemake.input.streams}
    runs = comparison.runs(catalogue, dict(zip(catalogue, metrics, strict=True)), streams)
    tables = {
        "runs": runs,
        "seeds": comparison.seeds(runs),
        "pairs": comparison.pairs(tests),
        "words": comparison.words(catalogue, tests),
    }
    for name, table in tables.items():
        table.to_csv(snakemake.output[name], index=False)

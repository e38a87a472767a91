"""Loss and accuracy over the epochs."""

import json
from pathlib import Path

import pandas as pd

from spokenwords.jobs.log import job_log
from spokenwords.report.plots import style, training

with job_log(snakemake.log[0]):
    summary = json.loads(Path(snakemake.input.summary).read_text())
    log = pd.read_csv(snakemake.input.log)
    figure = training.history(log, summary["kept_epoch"], note=summary["warning"])
    style.save(figure, snakemake.output.plot)

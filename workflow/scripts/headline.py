"""The report's opening page."""

import json
from pathlib import Path

import pandas as pd

from spokenwords import headline, progress, splits

ORIGINS = {
    "archive": "unpacked from the data set's archive",
    "folder": "from a folder of one's own",
    "synthetic": "synthesised by eSpeak NG",
}

with progress.job_log(snakemake.log[0]):
    runs = snakemake.params.runs
    metrics = [json.loads(Path(path).read_text()) for path in snakemake.input.metrics]
    page = headline.page(
        runs,
        dict(zip(runs, metrics, strict=True)),
        {Path(path).parent.name: splits.read_summary(path) for path in snakemake.input.splits},
        {Path(path).parent.name: pd.read_csv(path) for path in snakemake.input.features},
        pd.read_csv(snakemake.input.recordings, keep_default_na=False, dtype={"word": str}),
        ORIGINS[snakemake.params.source],
    )
    Path(snakemake.output.page).write_text(page, encoding="utf-8")

"""Divide recordings into training, validation and test sets."""

from pathlib import Path

import pandas as pd

from spokenwords.jobs.log import job_log
from spokenwords.recordings import checks, lists, speaker_table, splits

with job_log(snakemake.log[0]):
    recordings = pd.concat(
        checks.usable(checks.read(path))
        .rename_axis("row")
        .reset_index()
        .assign(word=Path(path).stem, label=label)
        for label, path in enumerate(snakemake.input.inventories)
    )
    settings = dict(snakemake.params.split)
    if settings["method"] == "official":
        files, table = list(recordings["file"]), snakemake.params.table
        settings["lists"] = table and speaker_table.official_lists(Path(table), files)
        if not settings["lists"]:
            settings["lists"] = lists.official_lists(Path(snakemake.params.folder), files)
    manifests = splits.divide(recordings, **settings)
    summary = splits.summarise(manifests)
    splits.report(snakemake.wildcards.split, settings["method"], manifests, summary)
    for name, manifest in manifests.items():
        manifest.to_csv(snakemake.output[name], index=False)
    summary.to_csv(snakemake.output.summary, index=False)

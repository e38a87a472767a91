"""The card of an exported model: what it is, its metrics, and its limits."""

import json
from pathlib import Path

import pandas as pd

from spokenwords.evaluation import confusion
from spokenwords.export import card, data
from spokenwords.jobs.log import job_log
from spokenwords.recordings import classes, manifest

with job_log(snakemake.log[0]):
    settings = snakemake.params.settings
    chosen = classes.of_stores(snakemake.input.stores, settings)
    alarms = snakemake.input.false_alarms
    # The test set has no segments of noise.
    sets = {
        name: manifest.of_classes(Path(snakemake.input[name]), chosen, snakemake.input.segments)
        for name in ("train", "valid", "test")
    }
    page = card.page(
        snakemake.wildcards.run,
        settings,
        data.origin(**snakemake.params.data, folder=Path(snakemake.params.folder).name),
        json.loads(Path(snakemake.input.summary).read_text()),
        json.loads(Path(snakemake.input.page).read_text()),
        json.loads(Path(snakemake.input.metrics).read_text()),
        confusion.read(snakemake.input.confusion),
        {name: manifest.renamed(table, chosen) for name, table in sets.items()},
        pd.read_csv(alarms) if alarms else None,
    )
    Path(snakemake.output.card).write_text(page, encoding="utf-8")

"""Which recordings a model is trained, validated and tested on."""

from pathlib import Path

import pandas as pd

from spokenwords import dataset, inventories, metadata, progress, splits

with progress.job_log(snakemake.log[0]):
    recordings = pd.concat(
        inventories.usable(inventories.read(path))
        .rename_axis("row")
        .reset_index()
        .assign(word=Path(path).stem, label=label)
        for label, path in enumerate(snakemake.input.inventories)
    )
    settings = dict(snakemake.params.split)
    if settings["method"] == "official":
        lists, table = {}, snakemake.resources.metadata
        if table:
            lists = metadata.official_lists(Path(table), list(recordings["file"]))
        folder = Path(snakemake.resources.folder)
        settings["lists"] = lists or dataset.official_lists(folder)
    manifests = splits.divide(recordings, **settings)
    summary = splits.summarise(manifests)
    splits.report(snakemake.wildcards.split, settings["method"], manifests, summary)
    for name, manifest in manifests.items():
        manifest.to_csv(snakemake.output[name], index=False)
    summary.to_csv(snakemake.output.summary, index=False)

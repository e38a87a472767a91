"""The card of an exported model: what it is, how well it does, and what it is not for."""

import json
from pathlib import Path

from spokenwords import classes, confusion, model_card, origins, progress

with progress.job_log(snakemake.log[0]):
    settings = snakemake.params.settings
    words = [Path(store).parent.stem for store in snakemake.input.stores]
    chosen = classes.choose(words, settings)
    cuts = snakemake.input.get("cuts", [])
    manifests = {name: Path(snakemake.input[name]) for name in ("train", "valid", "test")}
    page = model_card.page(
        snakemake.wildcards.run,
        settings,
        origins.of(**snakemake.params.data),
        json.loads(Path(snakemake.input.summary).read_text()),
        json.loads(Path(snakemake.input.metrics).read_text()),
        confusion.read(snakemake.input.confusion),
        # No cuts of noise are kept for the test.
        {name: chosen.renamed(chosen.manifest(path, cuts)) for name, path in manifests.items()},
    )
    Path(snakemake.output.card).write_text(page, encoding="utf-8")

"""What is taken for a word and is none, over the share of words recognised."""

from pathlib import Path

from spokenwords import (
    classes,
    device,
    false_alarms,
    loader,
    manifest,
    names,
    progress,
    scoring,
)
from spokenwords.model import Classifier
from spokenwords.plots import style
from spokenwords.plots.false_alarms import false_alarms as plot

with progress.job_log(snakemake.log[0]):
    settings = snakemake.params.settings
    place = device.choose(settings["device"], snakemake.threads)
    classifier = Classifier.load(Path(snakemake.input.model)).to(place)
    classifier.precision = device.precision(settings["precision"], place)
    chosen = classes.of_stores(snakemake.input.stores, settings)
    stores = loader.open_stores(snakemake.input.stores, snakemake.threads)
    recordings = manifest.read(Path(snakemake.input.test))
    budget = loader.as_bytes(settings["memory_budget"])
    [test] = loader.load(stores, [recordings], place, budget)
    best, probabilities = (
        found.cpu().numpy() for found in scoring.likeliest_classes(classifier, test)
    )
    said = recordings["word"]
    unknown = said.isin(settings["unknown"])
    strangers = ~said.isin(chosen.number)
    words = ~(unknown | strangers)
    parts = {"words": words, "unknown": unknown, "strangers": strangers}
    files = [
        Path(snakemake.resources.folder) / names.NOISE / name for name in snakemake.params.noise
    ]
    waveforms = false_alarms.testing_parts(files, classifier.transform.sample_rate)
    table = false_alarms.table(
        classifier,
        (best[words], probabilities[words]),
        said[words],
        (best[unknown], probabilities[unknown]),
        (best[strangers], probabilities[strangers]),
        waveforms,
        {name: recordings.loc[part, "speaker"] for name, part in parts.items()},
    )
    table.to_csv(snakemake.output.table, index=False)
    style.save(plot(table), snakemake.output.plot)

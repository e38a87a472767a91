"""What is taken for a word and is none, over the share of words recognised."""

from pathlib import Path

from spokenwords import names
from spokenwords.evaluation import false_alarms
from spokenwords.jobs.log import job_log
from spokenwords.model import device, inference
from spokenwords.model.classifier import Classifier
from spokenwords.recordings import classes, manifest
from spokenwords.report.plots import style
from spokenwords.report.plots.false_alarms import false_alarms as plot
from spokenwords.spectrograms import in_memory

with job_log(snakemake.log[0]):
    settings = snakemake.params.settings
    place = device.choose(settings["device"], snakemake.threads)
    classifier = Classifier.load(Path(snakemake.input.model)).to(place)
    classifier.precision = device.precision(settings["precision"], place)
    chosen = classes.of_stores(snakemake.input.stores, settings)
    stores = in_memory.open_stores(snakemake.input.stores, snakemake.threads)
    recordings = manifest.read(Path(snakemake.input.test))
    budget = in_memory.as_bytes(settings["memory_budget"])
    [test] = in_memory.load(stores, [recordings], place, budget)
    best, probabilities = (
        found.cpu().numpy() for found in inference.likeliest_classes(classifier, test)
    )
    said = recordings["word"]
    unknown = said.isin(settings["unknown"])
    strangers = ~said.isin(chosen.number)
    words = ~(unknown | strangers)
    parts = {"words": words, "unknown": unknown, "strangers": strangers}
    folder = Path(snakemake.params.folder) / names.NOISE
    files = [folder / name for name in snakemake.params.noise]
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

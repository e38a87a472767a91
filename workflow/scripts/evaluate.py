"""Predictions for the test set, metrics, and the confusion table."""

import json
import time
from pathlib import Path

from spokenwords.evaluation import confusion, metrics, predictions
from spokenwords.jobs.device_name import device_name
from spokenwords.jobs.log import job_log
from spokenwords.model import device, inference
from spokenwords.model.classifier import Classifier
from spokenwords.recordings import classes, manifest
from spokenwords.spectrograms import in_memory

with job_log(snakemake.log[0]):
    start = time.monotonic()
    settings = snakemake.params.settings
    place = device.choose(settings["device"], snakemake.threads)
    classifier = Classifier.load(Path(snakemake.input.model)).to(place)
    classifier.precision = device.precision(settings["precision"], place)
    chosen = classes.of_stores(snakemake.input.stores, settings)
    recordings = manifest.of_classes(Path(snakemake.input.test), chosen)
    stores = in_memory.open_stores(snakemake.input.stores, snakemake.threads)
    budget = in_memory.as_bytes(settings["memory_budget"])
    [test] = in_memory.load(stores, [recordings], place, budget, chosen.number)
    shifts = inference.shifts_within(settings["test_shift_seconds"], classifier.transform)
    outcomes = inference.outcomes(classifier, test, shifts, len(predictions.PLACES))
    table = predictions.table(
        manifest.renamed(recordings, chosen),
        classifier.words,
        outcomes.classes.cpu().numpy(),
        outcomes.probabilities.cpu().numpy(),
        outcomes.label_probabilities.cpu().numpy(),
    )
    table.to_csv(snakemake.output.predictions, index=False)
    pairs = confusion.count(table, classifier.words)
    pairs.to_csv(snakemake.output.confusion, index=False)
    figures = metrics.of_predictions(table, classifier.words, outcomes.losses.cpu().numpy())
    figures["model"] = {"parameters": classifier.parameter_count()}
    figures["training"] = json.loads(Path(snakemake.input.training).read_text())
    figures["evaluation"] = {
        "device": device_name(place),
        "precision": str(classifier.precision).removeprefix("torch."),
        "seconds": round(time.monotonic() - start, 2),
    }
    figures["versions"] = metrics.versions()
    Path(snakemake.output.metrics).write_text(json.dumps(figures, indent=2))

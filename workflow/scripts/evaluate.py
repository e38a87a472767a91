"""Predictions for the test set, metrics, and the confusion table."""

import json
import time
from pathlib import Path

from spokenwords import (
    classes,
    confusion,
    device,
    evaluation,
    loader,
    manifest,
    predictions,
    progress,
    scoring,
)
from spokenwords.model import Classifier

with progress.job_log(snakemake.log[0]):
    start = time.monotonic()
    settings = snakemake.params.settings
    place = device.choose(settings["device"], snakemake.threads)
    classifier = Classifier.load(Path(snakemake.input.model)).to(place)
    classifier.precision = device.precision(settings["precision"], place)
    chosen = classes.of_stores(snakemake.input.stores, settings)
    recordings = manifest.of_classes(Path(snakemake.input.test), chosen)
    stores = loader.open_stores(snakemake.input.stores, snakemake.threads)
    budget = loader.as_bytes(settings["memory_budget"])
    [test] = loader.load(stores, [recordings], place, budget, chosen.number)
    shifts = scoring.shifts_within(settings["test_shift_seconds"], classifier.transform)
    outcomes = scoring.outcomes(classifier, test, shifts, len(predictions.PLACES))
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
    metrics = evaluation.metrics(table, classifier.words, outcomes.losses.cpu().numpy())
    metrics["model"] = {"parameters": classifier.parameter_count()}
    metrics["training"] = json.loads(Path(snakemake.input.training).read_text())
    metrics["evaluation"] = {
        "device": device.describe(place),
        "precision": str(classifier.precision).removeprefix("torch."),
        "seconds": round(time.monotonic() - start, 2),
    }
    metrics["versions"] = evaluation.versions()
    Path(snakemake.output.metrics).write_text(json.dumps(metrics, indent=2))

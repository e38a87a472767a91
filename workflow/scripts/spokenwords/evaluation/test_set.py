"""The evaluation of a classifier on its test set: predictions, confusions and metrics."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from spokenwords.evaluation import confusion, metrics, predictions
from spokenwords.model import inference
from spokenwords.model.device import device_name
from spokenwords.recordings import classes, manifest
from spokenwords.spectrograms import in_memory

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier


@dataclass(frozen=True)
class Evaluation:
    """The tables of `predictions` and `confusion`, and what metrics.json contains."""

    predictions: pd.DataFrame
    confusion: pd.DataFrame
    metrics: dict[str, Any]


def evaluate(
    classifier: "Classifier",
    stores: Sequence[str],
    test: Path,
    settings: Mapping[str, Any],
    training: Mapping[str, Any],
    threads: int,
) -> Evaluation:
    """Evaluate the classifier on the recordings of the manifest `test`.

    `stores` are the zarr.json files of all words, `settings` those of the run, and `training` the
    summary of its training.
    """
    start = time.monotonic()
    chosen = classes.of_stores(stores, settings)
    recordings = manifest.of_classes(test, chosen)
    budget = in_memory.as_bytes(settings["memory_budget"])
    [spectrograms] = in_memory.load(
        in_memory.open_stores(stores, threads),
        [recordings],
        classifier.device,
        budget,
        chosen.number,
    )
    shifts = inference.shifts_within(settings["test_shift_seconds"], classifier.transform)
    outcomes = inference.outcomes(classifier, spectrograms, shifts, len(predictions.PLACES))
    table = predictions.table(
        manifest.renamed(recordings, chosen),
        classifier.words,
        outcomes.classes.cpu().numpy(),
        outcomes.probabilities.cpu().numpy(),
        outcomes.label_probabilities.cpu().numpy(),
    )
    figures = metrics.of_predictions(table, classifier.words, outcomes.losses.cpu().numpy())
    figures["model"] = {"parameters": classifier.parameter_count()}
    figures["training"] = dict(training)
    figures["evaluation"] = {
        "device": device_name(classifier.device),
        "precision": str(classifier.precision).removeprefix("torch."),
        "seconds": round(time.monotonic() - start, 2),
    }
    figures["versions"] = metrics.versions()
    return Evaluation(table, confusion.count(table, classifier.words), figures)

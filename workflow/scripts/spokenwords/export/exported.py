"""An exported model with its description and its measurements."""

import hashlib
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spokenwords.evaluation import intervals, metrics
from spokenwords.export import latency, onnx_model, parity
from spokenwords.model import thresholds
from spokenwords.model.device import device_name

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier


@dataclass(frozen=True)
class Exported:
    """The ONNX file, its `onnx_model.description`, and what export.json contains."""

    model: bytes
    description: dict[str, Any]
    summary: dict[str, Any]


def export(
    classifier: "Classifier",
    stored: pd.DataFrame,
    folder: Path,
    threshold: float,
    window: str,
    threads: int,
) -> Exported:
    """Export a classifier on the CPU, compare the result with PyTorch, and time it.

    `stored` are the evaluation's predictions for recordings in `folder`, which are cut to their
    `window`; words are accepted from `threshold` on. Raises `UserError` if the exported model
    differs from PyTorch (`parity.check`).
    """
    files = list(stored["file"])
    model = onnx_model.to_onnx(classifier, threshold)
    description = onnx_model.description(classifier, threshold)
    running = onnx_model.session(model, threads)
    found = parity.compare(classifier, running, folder, stored, window)
    difference = parity.check(found.to_pytorch, files)
    timed = parity.load(classifier, folder, files[: latency.BATCH_SIZE], window)
    packages = ("onnx", "onnxscript", "onnxruntime")
    summary = {
        "bytes": len(model),
        "sha256": hashlib.sha256(model).hexdigest(),
        "opset": onnx_model.OPSET,
        **description,
        "kept": float((classifier.confidences >= threshold).mean()) if threshold else 1.0,
        "false_alarms": _false_alarms(classifier, threshold),
        "window": window,
        "transform": asdict(classifier.transform),
        "parameters": classifier.parameter_count(),
        "parity": {
            "recordings": len(files),
            "largest_difference": difference,
            "limit": parity.LIMIT,
        },
        "test": parity.on_test_set(found, stored, classifier.words),
        # The device's name ends with PyTorch's threads; the timing uses one.
        "latency": {"processor": device_name(classifier.device).partition(",")[0], "threads": 1}
        | latency.measure(model, timed),
        "versions": metrics.versions() | {name: version(name) for name in packages},
    }
    return Exported(model, description, summary)


def _false_alarms(classifier: "Classifier", threshold: float) -> dict[str, float] | None:
    """Return false alarms per hour of negatives with their 95 % interval, if they were counted."""
    if not classifier.false_alarms:
        return None
    counts, hours = classifier.false_alarms
    # The highest threshold that is not above this one: there are not fewer.
    place = np.searchsorted(thresholds.COUNTED, threshold, side="right") - 1
    rate, (low, high) = intervals.of_rate(int(counts[place]), hours)
    return {"per_hour": rate, "low": low, "high": high, "hours": hours}

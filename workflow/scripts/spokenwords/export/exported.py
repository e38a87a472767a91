"""An exported model with its description and its measurements."""

import hashlib
import logging
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spokenwords.evaluation import intervals, metrics
from spokenwords.export import latency, onnx_model, parity, quantized
from spokenwords.model import thresholds
from spokenwords.model.device import device_name

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier


logger = logging.getLogger("spokenwords")


@dataclass(frozen=True)
class Exported:
    """The ONNX file, its `onnx_model.description`, and what export.json contains.

    `quantized` is the model in 8 bits, or None if it is too inaccurate.
    """

    model: bytes
    quantized: bytes | None
    description: dict[str, Any]
    summary: dict[str, Any]


def export(
    classifier: "Classifier",
    stored: pd.DataFrame,
    train: pd.DataFrame,
    folder: Path,
    threshold: float,
    window: str,
    threads: int,
) -> Exported:
    """Export a classifier on the CPU, compare the result with PyTorch, and time it.

    `stored` are the evaluation's predictions for recordings in `folder`, which are cut to their
    `window`; words are accepted from `threshold` on. The model in 8 bits is calibrated on
    recordings of the training manifest `train`, and left out if its accuracy is more than
    `quantized.LIMIT` below. Raises `UserError` if the exported model differs from PyTorch
    (`parity.check`).
    """
    files = list(stored["file"])
    model = onnx_model.to_onnx(classifier, threshold)
    description = onnx_model.description(classifier, threshold)
    running = onnx_model.session(model, threads)
    found = parity.compare(classifier, running, folder, stored, window)
    difference = parity.check(found.to_pytorch, files)
    tested = parity.on_test_set(found.answers, stored, classifier.words)
    timed = parity.load(classifier, folder, files[: latency.BATCH_SIZE], window)

    calibration = quantized.calibration_files(train)
    logger.info(f"Quantising to 8 bits, calibrated on {len(calibration):,} training recordings.")
    small = quantized.quantized(model, parity.load(classifier, folder, calibration, window))
    running = onnx_model.session(small, threads)
    answers = parity.answers(classifier, running, folder, files, window)
    small_tested = parity.on_test_set(answers, stored, classifier.words)
    accurate = quantized.is_accurate(small_tested["accuracy"], tested["accuracy"])
    if not accurate:
        logger.warning(
            f"model.int8.onnx is not written: its accuracy is {small_tested['accuracy']:.2%}, more "
            f"than {quantized.LIMIT:.1%} below that of model.onnx, {tested['accuracy']:.2%}."
        )
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
        "test": tested | {"largest_difference_to_stored": float(found.to_stored.max())},
        # The device's name ends with PyTorch's threads; the timing uses one.
        "latency": {"processor": device_name(classifier.device).partition(",")[0], "threads": 1}
        | latency.measure(model, timed),
        "int8": {
            "written": accurate,
            "limit": quantized.LIMIT,
            "calibration_recordings": len(calibration),
            "bytes": len(small),
            "sha256": hashlib.sha256(small).hexdigest(),
            **small_tested,
            "latency": latency.measure(small, timed),
        },
        "versions": metrics.versions() | {name: version(name) for name in packages},
    }
    return Exported(model, small if accurate else None, description, summary)


def _false_alarms(classifier: "Classifier", threshold: float) -> dict[str, float] | None:
    """Return false alarms per hour of negatives with their 95 % interval, if they were counted."""
    if not classifier.false_alarms:
        return None
    counts, hours = classifier.false_alarms
    # The highest threshold that is not above this one: there are not fewer.
    place = np.searchsorted(thresholds.COUNTED, threshold, side="right") - 1
    rate, (low, high) = intervals.of_rate(int(counts[place]), hours)
    return {"per_hour": rate, "low": low, "high": high, "hours": hours}

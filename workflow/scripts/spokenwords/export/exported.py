"""An exported model with its description and its measurements."""

import hashlib
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from spokenwords.evaluation import metrics
from spokenwords.export import latency, onnx_model, parity
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
    share: float,
    window: str,
    threads: int,
) -> Exported:
    """Export a classifier on the CPU, compare the result with PyTorch, and time it.

    `stored` are the evaluation's predictions for recordings in `folder`, which are cut to their
    `window`; the threshold accepts `share` of the correct validation answers. Raises `UserError` if
    the exported model differs from PyTorch (`parity.check`).
    """
    files = list(stored["file"])
    model = onnx_model.to_onnx(classifier, share)
    description = onnx_model.description(classifier, share)
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
        "kept": share,
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

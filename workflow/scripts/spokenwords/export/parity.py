"""Comparison of the exported model with PyTorch and with the stored predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pandas as pd
import torch

from spokenwords.errors import UserError
from spokenwords.evaluation import intervals, predictions
from spokenwords.export import onnx_model
from spokenwords.jobs.progress import Progress
from spokenwords.recordings import audio

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier

BATCH_SIZE = 64
LIMIT = 1e-4  # of a probability; rounding in float32 changes it by about 1e-6


def load(classifier: "Classifier", folder: Path, files: list[str], window: str) -> np.ndarray:
    """Load recordings `files` of `folder` for the classifier: float32 [recording, samples].

    Longer ones are cut to their `window` (see `audio.excerpt`). Raises `UserError` if one is no
    longer usable.
    """
    waveforms = np.empty((len(files), classifier.samples), np.float32)
    for number, file in enumerate(files):
        with audio.usable_before(file):
            waveforms[number] = audio.load(
                folder / file, classifier.transform.sample_rate, classifier.samples, window
            )
    return waveforms


@dataclass(frozen=True)
class Comparison:
    """Results of ONNX Runtime compared with PyTorch and with stored predictions, [recording] each.

    `to_pytorch` is the largest difference of a probability of any class, `to_stored` that of a
    stored probability. `answers` are the numbers of the likeliest classes.
    """

    to_pytorch: np.ndarray
    to_stored: np.ndarray
    answers: np.ndarray


@torch.inference_mode()
def compare(
    classifier: "Classifier",
    running: onnxruntime.InferenceSession,
    folder: Path,
    stored: pd.DataFrame,
    window: str,
) -> Comparison:
    """Run the exported model on the recordings in `folder` that have `stored` predictions.

    PyTorch's probabilities are computed as in the workflow, but without rounding of spectrograms:
    SciPy's transform, then the classifier, which must be on the CPU, in evaluation mode and in
    float32. Stored probabilities were computed from rounded spectrograms, in the evaluation's
    precision, and averaged over shifts if the run does so; they have six decimals and exist for the
    likeliest classes and the target. Raises `UserError` as `load` does.
    """
    number = {name: place for place, name in enumerate(classifier.words)}
    parts = []
    progress = Progress("Comparing", len(stored), "recordings")
    # Batch by batch: all probabilities of a thousand words would take gigabytes.
    for start in range(0, len(stored), BATCH_SIZE):
        rows = stored[start : start + BATCH_SIZE]
        waveforms = load(classifier, folder, list(rows["file"]), window)
        spectrograms = classifier.transform.complex_spectrogram(waveforms)
        expected = classifier(torch.from_numpy(spectrograms)).softmax(dim=1).numpy()
        found = onnx_model.probabilities(running, waveforms)
        differences = [
            found[np.arange(len(rows)), rows[name].map(number)] - rows[probability]
            for name, probability in (("target", "target_probability"), *predictions.PLACES)
            if name in rows
        ]
        largest = np.abs(expected - found).max(axis=1), np.abs(differences).max(axis=0)
        parts.append((*largest, found.argmax(axis=1)))
        progress.advance(len(rows))
    return Comparison(*map(np.concatenate, zip(*parts, strict=True)))


def check(differences: np.ndarray, files: Sequence[str]) -> float:
    """Return the largest of the differences to PyTorch [recording].

    Raises `UserError` if it is above `LIMIT` or not finite.
    """
    # argmax returns a NaN if there is one.
    worst = int(differences.argmax())
    if not differences[worst] <= LIMIT:
        raise UserError(
            f"ONNX Runtime's probabilities differ from PyTorch's by up to {differences[worst]:.2g} "
            f"(recording {files[worst]}), more than {LIMIT:g}, so the model is not exported. Check "
            "that the installed packages are those of envs/run.txt. If they are, float32 is too "
            "coarse for this model: try another representation."
        )
    return float(differences[worst])


def answers(
    classifier: "Classifier",
    running: onnxruntime.InferenceSession,
    folder: Path,
    files: list[str],
    window: str,
) -> np.ndarray:
    """Return the numbers of the likeliest classes of recordings [recording]; see `load`."""
    parts = []
    progress = Progress("Testing", len(files), "recordings")
    for start in range(0, len(files), BATCH_SIZE):
        waveforms = load(classifier, folder, files[start : start + BATCH_SIZE], window)
        parts.append(onnx_model.probabilities(running, waveforms).argmax(axis=1))
        progress.advance(len(waveforms))
    return np.concatenate(parts)


def on_test_set(
    answers: np.ndarray, stored: pd.DataFrame, classes: Sequence[str]
) -> dict[str, Any]:
    """Return metrics of an exported model, given the numbers of its answers [recording].

    accuracy, accuracy_interval (95 %); same_answers, the share of recordings with the likeliest
    class of the stored predictions.
    """
    names = np.array(classes, object)[answers]
    correct = names == stored["target"].to_numpy(object)
    return {
        "accuracy": float(correct.mean()),
        "accuracy_interval": intervals.of_share(correct, stored["speaker"]),
        "same_answers": float((names == stored["prediction"].to_numpy(object)).mean()),
    }

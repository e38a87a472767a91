"""Whether the exported model gives what PyTorch does, and what was stored as predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import torch

from spokenwords.errors import UserError
from spokenwords.evaluation import intervals, predictions
from spokenwords.export import onnx_model
from spokenwords.jobs import progress
from spokenwords.model.classifier import Classifier
from spokenwords.recordings import audio

BATCH_SIZE = 64
# Of a probability. Rounding in float32 makes about a millionth.
LIMIT = 1e-4


def load(classifier: Classifier, folder: Path, files: list[str], window: str) -> np.ndarray:
    """Recordings `files` in `folder` as the classifier takes them: float32 [recording, samples].

    Longer ones are cut to their `window` (see `audio.excerpt`). Raises `UserError` when one is no
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
    """What ONNX Runtime makes of recordings, beside PyTorch and what was stored, [recording] each.

    `to_pytorch` and `to_stored` are the largest differences of a probability: of any class, and of
    those that predictions keep. `answers` are the numbers of the classes that it finds likeliest.
    """

    to_pytorch: np.ndarray
    to_stored: np.ndarray
    answers: np.ndarray


@torch.inference_mode()
def compare(
    classifier: Classifier,
    running: onnxruntime.InferenceSession,
    folder: Path,
    stored: pd.DataFrame,
    window: str,
) -> Comparison:
    """What ONNX Runtime makes of the recordings in `folder` that `stored` predictions are of.

    PyTorch's probabilities are made as everywhere in this workflow, but for the rounding of stored
    spectrograms: SciPy's transform, the classifier, which is to be on the CPU, in evaluation mode
    and in float32. Those stored were made from rounded spectrograms, in the evaluation's precision,
    averaged over shifts where the run has the test do so, and are kept to six decimals, those of
    the likeliest classes and of the target. Recordings are loaded as `load` does it, which raises
    `UserError` when one is no longer usable.
    """
    number = {name: place for place, name in enumerate(classifier.words)}
    parts = []
    done = progress.Progress("Comparing", len(stored), "recordings")
    # Batch by batch: all probabilities of a thousand words would take gigabytes.
    for start in range(0, len(stored), BATCH_SIZE):
        rows = stored[start : start + BATCH_SIZE]
        waveforms = load(classifier, folder, list(rows["file"]), window)
        spectrograms = classifier.transform.complex_spectrogram(waveforms)
        expected = classifier(torch.from_numpy(spectrograms)).softmax(dim=1).numpy()
        found = onnx_model.probabilities(running, waveforms)
        kept = [
            found[np.arange(len(rows)), rows[name].map(number)] - rows[probability]
            for name, probability in (("target", "target_probability"), *predictions.PLACES)
            if name in rows
        ]
        largest = np.abs(expected - found).max(axis=1), np.abs(kept).max(axis=0)
        parts.append((*largest, found.argmax(axis=1)))
        done.advance(len(rows))
    return Comparison(*map(np.concatenate, zip(*parts, strict=True)))


def check(differences: np.ndarray, files: Sequence[str]) -> float:
    """The largest of the differences to PyTorch [recording].

    Raises `UserError` where it is beyond `LIMIT`, or no number.
    """
    # NaN, where there is one, counts as the largest.
    worst = int(differences.argmax())
    if not differences[worst] <= LIMIT:
        raise UserError(
            f"ONNX Runtime's probabilities differ from PyTorch's by up to {differences[worst]:.2g} "
            f"(recording {files[worst]}), more than {LIMIT:g}; the model is not exported. Check "
            "that the packages installed are those of envs/run.txt; if they are, float32 is too "
            "coarse for what the model computes, and another representation may do better."
        )
    return float(differences[worst])


def on_test_set(
    found: Comparison, stored: pd.DataFrame, classes: Sequence[str]
) -> dict[str, object]:
    """How well the exported model does, and how it agrees with the evaluation's predictions.

    accuracy, accuracy_interval (95 %); same_answers (share of recordings whose likeliest class is
    the same), and largest_difference_to_stored (of a probability that predictions keep).
    """
    answers = np.array(classes, object)[found.answers]
    right = answers == stored["target"].to_numpy(object)
    return {
        "accuracy": float(right.mean()),
        "accuracy_interval": intervals.of_share(right, stored["speaker"]),
        "same_answers": float((answers == stored["prediction"].to_numpy(object)).mean()),
        "largest_difference_to_stored": float(found.to_stored.max()),
    }

"""Whether the exported model gives what PyTorch does, and what was stored as predictions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import torch

from spokenwords import audio, evaluation, predictions, progress
from spokenwords.errors import UserError
from spokenwords.export import onnx_model
from spokenwords.model import Classifier

BATCH_SIZE = 64
# Of a probability. Rounding in float32 makes about a millionth.
LIMIT = 1e-4


def load(classifier: Classifier, folder: Path, files: list[str]) -> np.ndarray:
    """Recordings `files` in `folder` as the classifier takes them: float32 [recording, samples].

    Raises `UserError` when one is no longer usable.
    """
    waveforms = np.empty((len(files), classifier.samples), np.float32)
    for number, file in enumerate(files):
        with audio.usable_before(file):
            waveforms[number] = audio.load(
                folder / file, classifier.transform.sample_rate, classifier.samples
            )
    return waveforms


@torch.inference_mode()
def compare(
    classifier: Classifier,
    running: onnxruntime.InferenceSession,
    folder: Path,
    files: list[str],
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities by PyTorch and by ONNX Runtime, [recording, class] each.

    PyTorch's are made as everywhere in this workflow, but for the rounding of stored spectrograms:
    recordings `files` in `folder`, SciPy's transform, the classifier. It is to be on the CPU, in
    evaluation mode and in float32. Raises `UserError` when a recording is no longer usable.
    """
    expected, found = [], []
    done = progress.Progress("Comparing", len(files), "recordings")
    for start in range(0, len(files), BATCH_SIZE):
        waveforms = load(classifier, folder, files[start : start + BATCH_SIZE])
        spectrograms = classifier.transform.complex_spectrogram(waveforms)
        scores = classifier(torch.from_numpy(spectrograms))
        expected.append(scores.softmax(dim=1).numpy())
        found.append(onnx_model.probabilities(running, waveforms))
        done.advance(len(waveforms))
    return np.concatenate(expected), np.concatenate(found)


def check(expected: np.ndarray, found: np.ndarray, files: list[str]) -> float:
    """The largest difference of a probability [recording, class].

    Raises `UserError` where it is beyond `LIMIT`, or no number.
    """
    differences = np.abs(expected - found).max(axis=1)
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
    found: np.ndarray, stored: pd.DataFrame, classes: Sequence[str]
) -> dict[str, object]:
    """How well `found` [recording, class] does, and how it agrees with what was evaluated.

    `stored` are the predictions of the same recordings. They were made from rounded spectrograms,
    in the evaluation's precision, averaged over shifts where the run has the test do so, and are
    kept to six decimals, those of the likeliest classes and of the target. accuracy,
    accuracy_interval (95 %); same_answers (share of recordings whose likeliest class is the same),
    and largest_difference_to_stored (of a probability that was kept).
    """
    answers = np.array(classes, object)[found.argmax(axis=1)]
    correct = int((answers == stored["target"].to_numpy(object)).sum())
    number = {name: place for place, name in enumerate(classes)}
    kept = [("target", "target_probability"), *predictions.PLACES]
    differences = [
        found[np.arange(len(found)), stored[name].map(number)] - stored[probability]
        for name, probability in kept
        if name in stored
    ]
    return {
        "accuracy": correct / len(stored),
        "accuracy_interval": evaluation.accuracy_interval(correct, len(stored)),
        "same_answers": float((answers == stored["prediction"].to_numpy(object)).mean()),
        "largest_difference_to_stored": float(np.abs(differences).max()),
    }

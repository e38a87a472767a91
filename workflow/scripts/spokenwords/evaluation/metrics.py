"""Metrics of a classifier and their intervals."""

import platform
from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array
from sklearn.metrics import precision_recall_fscore_support

from spokenwords.evaluation import calibration, intervals


def macro_f1_interval(
    targets: np.ndarray, guesses: np.ndarray, speakers: Sequence
) -> tuple[float, float]:
    """Return the interval of macro F1 (`intervals.bootstrap`); words are numbers [recording].

    A word that is missing in a bootstrap sample is left out of its mean.
    """
    group, words = intervals.groups(speakers), 1 + max(targets.max(), guesses.max())

    def counted(labels: np.ndarray, chosen: np.ndarray | slice = np.s_[:]) -> csr_array:
        """The number of chosen recordings per speaker and label [speaker, word]."""
        places = group[chosen], labels[chosen]
        shape = (1 + group.max(), words)
        return coo_array((np.ones(len(places[0]), dtype=int), places), shape=shape).tocsr()

    of_hits = counted(targets, targets == guesses)
    of_targets, of_guesses = counted(targets), counted(guesses)

    def means_of(samples: np.ndarray) -> np.ndarray:
        """Macro F1 of each bootstrap sample [sample, speaker]."""
        hits, present = samples @ of_hits, samples @ of_targets
        either = present + samples @ of_guesses
        f1 = np.divide(2 * hits, either, out=np.zeros(hits.shape), where=present > 0)
        return f1.sum(axis=1) / (present > 0).sum(axis=1)

    return intervals.bootstrap(means_of, of_targets.shape[0])


def of_predictions(table: pd.DataFrame, words: list[str], losses: np.ndarray) -> dict:
    """Return loss, accuracy and macro F1 with 95 % intervals over speakers, and metrics per word.

    `table` is that of `predictions.table`, `losses` are in nats [recording]. Precision is 0 for a
    word that was never predicted, recall is 0 for a word without recordings; macro F1 is the mean
    over words with recordings.
    """
    correct, speakers = table["target"] == table["prediction"], table["speaker"]
    precision, recall, f1, recordings = precision_recall_fscore_support(
        table["target"], table["prediction"], labels=words, zero_division=0
    )
    number = {word: i for i, word in enumerate(words)}
    targets, guesses = (table[side].map(number).to_numpy() for side in ("target", "prediction"))
    return {
        "recordings": len(table),
        "correct": int(correct.sum()),
        "loss": float(losses.mean()),
        "loss_interval": intervals.of_mean(losses, speakers),
        "accuracy": float(correct.mean()),
        "accuracy_interval": intervals.of_share(correct, speakers),
        "macro_f1": float(f1[recordings > 0].mean()),
        "macro_f1_interval": macro_f1_interval(targets, guesses, speakers),
        "expected_calibration_error": calibration.expected_error(calibration.of(table)),
        "words": {
            word: {
                "recordings": int(recordings[i]),
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
            }
            for i, word in enumerate(words)
        },
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that the metrics depend on."""
    packages = ("torch", "numpy", "scikit-learn", "zarr", "numcodecs", "snakemake")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}

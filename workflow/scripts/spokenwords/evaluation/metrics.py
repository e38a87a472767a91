"""How well a classifier does: metrics and their intervals."""

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
    """The interval of macro F1 (`intervals.bootstrap`); words are numbers [recording].

    A word that a draw does not have is left out of its mean.
    """
    group, words = intervals.groups(speakers), 1 + max(targets.max(), guesses.max())

    def counted(labels: np.ndarray, chosen: np.ndarray | slice = np.s_[:]) -> csr_array:
        """How many of the chosen recordings each speaker has of each label [speaker, word]."""
        places = group[chosen], labels[chosen]
        shape = (1 + group.max(), words)
        return coo_array((np.ones(len(places[0]), dtype=int), places), shape=shape).tocsr()

    of_hits = counted(targets, targets == guesses)
    of_said, of_guessed = counted(targets), counted(guesses)

    def means_of(draws: np.ndarray) -> np.ndarray:
        """Macro F1 of each of the draws [draw, speaker]."""
        hits, there = draws @ of_hits, draws @ of_said
        either = there + draws @ of_guessed
        f1 = np.divide(2 * hits, either, out=np.zeros(hits.shape), where=there > 0)
        return f1.sum(axis=1) / (there > 0).sum(axis=1)

    return intervals.bootstrap(means_of, of_said.shape[0])


def of_predictions(table: pd.DataFrame, words: list[str], losses: np.ndarray) -> dict:
    """Loss, accuracy and macro F1 with 95 % intervals over speakers, and each word's figures.

    `table` is that of `predictions.table`, `losses` (nats) [recording] theirs. A word's precision
    is 0 where it was never predicted, its recall 0 where it was never said; macro F1 is the mean
    over words that were said.
    """
    right, speakers = table["target"] == table["prediction"], table["speaker"]
    precision, recall, f1, said = precision_recall_fscore_support(
        table["target"], table["prediction"], labels=words, zero_division=0
    )
    number = {word: i for i, word in enumerate(words)}
    targets, guesses = (table[side].map(number).to_numpy() for side in ("target", "prediction"))
    return {
        "recordings": len(table),
        "correct": int(right.sum()),
        "loss": float(losses.mean()),
        "loss_interval": intervals.of_mean(losses, speakers),
        "accuracy": float(right.mean()),
        "accuracy_interval": intervals.of_share(right, speakers),
        "macro_f1": float(f1[said > 0].mean()),
        "macro_f1_interval": macro_f1_interval(targets, guesses, speakers),
        "expected_calibration_error": calibration.expected_error(calibration.of(table)),
        "words": {
            word: {
                "recordings": int(said[i]),
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
            }
            for i, word in enumerate(words)
        },
    }


def versions() -> dict[str, str]:
    """Versions of what the figures depend on."""
    packages = ("torch", "numpy", "scikit-learn", "zarr", "zarrs", "snakemake")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}

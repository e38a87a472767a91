"""How well a classifier does: metrics and their intervals."""

import platform
from importlib.metadata import version

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array
from scipy.stats import bootstrap
from sklearn.metrics import precision_recall_fscore_support
from statsmodels.stats.proportion import proportion_confint

from spokenwords import calibration

# Of each bootstrap interval that has to be drawn.
RESAMPLES = 1000
# Resamples drawn at a time, a part of them: all at once can be gigabytes.
DRAWN = 100
LEVEL = 0.95


def accuracy_interval(correct: int, count: int) -> tuple[float, float]:
    """The interval of an accuracy of `correct` out of `count` (Wilson 1927).

    A bootstrap interval has no width where all recordings are right, however few they are.
    """
    low, high = proportion_confint(correct, count, alpha=1 - LEVEL, method="wilson")
    return float(low), float(high)


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """The percentile bootstrap interval of the mean of `values` [N]."""
    if len(values) < 2:
        return float(values.mean()), float(values.mean())
    found = bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=DRAWN,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(1),
    )
    return tuple(map(float, found.confidence_interval))


def macro_f1_interval(targets: np.ndarray, guesses: np.ndarray) -> tuple[float, float]:
    """The percentile bootstrap interval of macro F1; words are numbers [N].

    Drawing recordings with replacement makes the counts of the pairs (target, prediction)
    multinomial: these are drawn, however many recordings there are. A word that a draw does not
    have is left out of its mean.
    """
    pairs, counts = np.unique(np.stack([targets, guesses]), axis=1, return_counts=True)
    said, guessed = pairs
    words = 1 + pairs.max()

    def sums_of(labels: np.ndarray, counted: np.ndarray) -> csr_array:
        """A matrix [pair, word]: draws [draw, pair] times it are sums over the pairs of a label."""
        places = (np.arange(len(labels)), labels)
        return coo_array((counted, places), shape=(len(labels), words)).tocsr()

    ones = np.ones(len(said), dtype=int)
    of_hits = sums_of(said, (said == guessed).astype(int))
    of_said, of_guessed = sums_of(said, ones), sums_of(guessed, ones)

    def means_of(draws: np.ndarray) -> np.ndarray:
        """Macro F1 of each of the draws [draw, pair]."""
        hits, there = draws @ of_hits, draws @ of_said
        either = there + draws @ of_guessed
        f1 = np.divide(2 * hits, either, out=np.zeros(hits.shape), where=there > 0)
        return f1.sum(axis=1) / (there > 0).sum(axis=1)

    generator, shares = np.random.default_rng(1), counts / counts.sum()
    means = np.concatenate(
        [
            means_of(generator.multinomial(counts.sum(), shares, size=DRAWN))
            for _ in range(RESAMPLES // DRAWN)
        ]
    )
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def metrics(table: pd.DataFrame, words: list[str], losses: np.ndarray) -> dict:
    """Loss, accuracy and macro F1 with 95 % intervals, and each word's figures.

    `table` is that of `predictions.table`, `losses` (nats) [recording] theirs. A word's precision
    is 0 where it was never predicted, its recall 0 where it was never said; macro F1 is the mean
    over words that were said.
    """
    correct, count = int((table["target"] == table["prediction"]).sum()), len(table)
    precision, recall, f1, said = precision_recall_fscore_support(
        table["target"], table["prediction"], labels=words, zero_division=0
    )
    number = {word: i for i, word in enumerate(words)}
    numbers = (table[side].map(number).to_numpy() for side in ("target", "prediction"))
    return {
        "recordings": count,
        "correct": correct,
        "loss": float(losses.mean()),
        "loss_interval": mean_interval(losses),
        "accuracy": correct / count,
        "accuracy_interval": accuracy_interval(correct, count),
        "macro_f1": float(f1[said > 0].mean()),
        "macro_f1_interval": macro_f1_interval(*numbers),
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

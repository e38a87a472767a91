"""How well a classifier does: predictions and metrics."""

import platform
from importlib.metadata import version

import numpy as np
import pandas as pd
import torch
from scipy.stats import binom
from sklearn.metrics import precision_recall_fscore_support


def predictions(manifest: pd.DataFrame, words: list[str], scores: torch.Tensor) -> pd.DataFrame:
    """A row a recording: file, speaker, target, prediction, and each word's probability.

    The probability columns are named `p(<word>)`, so that a word cannot clash with another column.
    """
    probabilities = scores.softmax(dim=1).cpu().numpy()
    table = pd.DataFrame(
        {
            "file": manifest["file"],
            "speaker": manifest["speaker"],
            "target": manifest["word"],
            "prediction": np.array(words, dtype=object)[probabilities.argmax(axis=1)],
        }
    ).reset_index(drop=True)
    columns = pd.DataFrame(probabilities, columns=[f"p({word})" for word in words]).round(6)
    return pd.concat([table, columns], axis=1)


def accuracy_interval(correct: int, count: int, level: float = 0.95) -> tuple[float, float]:
    """The percentile bootstrap interval of an accuracy of `correct` out of `count`.

    Drawing `count` outcomes, right or wrong, with replacement makes the number of right ones
    binomial, so the interval that resampling approaches is known without it (Efron and Tibshirani,
    An Introduction to the Bootstrap, 1993, §13.3).
    """
    low, high = binom.interval(level, count, correct / count)
    return float(low) / count, float(high) / count


def metrics(table: pd.DataFrame, words: list[str], loss: float) -> dict:
    """Loss, accuracy with its 95 % bootstrap interval, macro F1 and each word's figures.

    `table` has the columns target and prediction. A word's precision is 0 where it was never
    predicted, its recall 0 where it was never said; macro F1 leaves out words that were neither.
    """
    correct, count = int((table["target"] == table["prediction"]).sum()), len(table)
    precision, recall, f1, said = precision_recall_fscore_support(
        table["target"], table["prediction"], labels=words, zero_division=0
    )
    known = (said > 0) | np.isin(words, table["prediction"])
    return {
        "recordings": count,
        "correct": correct,
        "loss": loss,
        "accuracy": correct / count,
        "accuracy_interval": list(accuracy_interval(correct, count)),
        "macro_f1": float(f1[known].mean()),
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

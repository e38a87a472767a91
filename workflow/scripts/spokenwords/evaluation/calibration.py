"""Calibration: whether probabilities equal shares of correct answers, and selective answers."""

import numpy as np
import pandas as pd

from spokenwords.evaluation import intervals

BINS = 15  # as in Guo et al. (see `expected_error`)


def of(predictions: pd.DataFrame) -> pd.DataFrame:
    """One row per recording: speaker, confidence (the prediction's probability), correct.

    `predictions` has the columns speaker, target, prediction and probability.
    """
    return pd.DataFrame(
        {
            "speaker": predictions["speaker"],
            "confidence": predictions["probability"],
            "correct": predictions["target"] == predictions["prediction"],
        }
    )


def reliability(answers: pd.DataFrame) -> pd.DataFrame:
    """Confidence and accuracy of the answers (see `of`) in confidence bins of equal width.

    One row per bin with recordings: low, high (its edges; the upper one is included), recordings,
    confidence (mean), accuracy, accuracy_low and accuracy_high (`intervals.of_share`).
    """
    number = np.ceil(answers["confidence"] * BINS).clip(1, BINS).astype(int) - 1
    groups = answers.groupby(number.to_numpy())
    table = groups.agg(
        recordings=("correct", "size"),
        confidence=("confidence", "mean"),
        correct=("correct", "sum"),
    )
    several = answers["speaker"].nunique() > 1
    bounds = [
        intervals.of_share(group["correct"], group["speaker"], several) for _, group in groups
    ]
    low, high = np.array(bounds).T
    return pd.DataFrame(
        {
            "low": table.index / BINS,
            "high": (table.index + 1) / BINS,
            "recordings": table["recordings"],
            "confidence": table["confidence"],
            "accuracy": table["correct"] / table["recordings"],
            "accuracy_low": low,
            "accuracy_high": high,
        }
    ).reset_index(drop=True)


def expected_error(answers: pd.DataFrame) -> float:
    """Return the expected calibration error: mean distance of accuracy from confidence in the bins.

    Bins are weighted by recordings: C. Guo et al., "On Calibration of Modern Neural Networks"
    (2017), eq. 3.
    """
    table = reliability(answers)
    distances = (table["accuracy"] - table["confidence"]).abs()
    return float(np.average(distances, weights=table["recordings"]))


def coverage(answers: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of the most confident answers.

    One row per confidence that occurs, highest first: threshold, answered (share of recordings with
    at least this confidence), accuracy (of these). The complement is the risk-coverage curve
    (R. El-Yaniv and Y. Wiener, "On the Foundations of Noise-free Selective Classification", 2010).
    """
    counts = answers.groupby("confidence")["correct"].agg(["size", "sum"])
    counts = counts.sort_index(ascending=False).cumsum()
    return pd.DataFrame(
        {
            "threshold": counts.index,
            "answered": (counts["size"] / len(answers)).to_numpy(),
            "accuracy": (counts["sum"] / counts["size"]).to_numpy(),
        }
    )

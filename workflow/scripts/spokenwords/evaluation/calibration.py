"""Whether a classifier's probabilities can be believed, and what it gains by not answering."""

import numpy as np
import pandas as pd

from spokenwords.evaluation import intervals

BINS = 15  # as Guo et al. have it


def of(predictions: pd.DataFrame) -> pd.DataFrame:
    """A row a recording: speaker, confidence (the prediction's probability), correct.

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
    """Confidence and accuracy of the answers (see `of`) in bins of equally wide confidence.

    A row a bin that has recordings: low, high (its edges; the higher belongs to it), recordings,
    confidence (mean), accuracy, accuracy_low and accuracy_high (its `intervals.of_share`).
    """
    number = np.ceil(answers["confidence"] * BINS).clip(1, BINS).astype(int) - 1
    groups = answers.groupby(number.to_numpy())
    table = groups.agg(
        recordings=("correct", "size"), confidence=("confidence", "mean"), right=("correct", "sum")
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
            "accuracy": table["right"] / table["recordings"],
            "accuracy_low": low,
            "accuracy_high": high,
        }
    ).reset_index(drop=True)


def expected_error(answers: pd.DataFrame) -> float:
    """The expected calibration error: the mean distance of accuracy from confidence over the bins.

    Weighted by recordings: C. Guo et al., "On Calibration of Modern Neural Networks" (2017), eq. 3.
    """
    table = reliability(answers)
    distances = (table["accuracy"] - table["confidence"]).abs()
    return float(np.average(distances, weights=table["recordings"]))


def coverage(answers: pd.DataFrame) -> pd.DataFrame:
    """Accuracy where only the most confident answers are given.

    A row a confidence that occurs, highest first: threshold, answered (the share of recordings at
    least so confident), accuracy (of these). Its complement is known as the risk-coverage curve
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

"""The confidence threshold, and the answers that follow from it: a word, `unknown` or `silence`.

Out-of-vocabulary words get probabilities too, of which one is the largest. So a word is reported
only if its probability reaches the threshold; otherwise the answer is `unknown`.
"""

import math

import numpy as np

from spokenwords.names import UNKNOWN

# Predicted class (its number) and its probability, each [recording].
Best = tuple[np.ndarray, np.ndarray]


def best(probabilities: np.ndarray) -> Best:
    """Return the likeliest classes, given probabilities [recording, class]; of equals the first."""
    return probabilities.argmax(axis=1), probabilities.max(axis=1)


def confidences(
    numbers: np.ndarray,
    probabilities: np.ndarray,
    labels: np.ndarray,
    classes: list[str],
    non_words: list[str],
) -> np.ndarray:
    """Return the confidences of correct answers to words, ascending, float32 [answer].

    - `numbers`, `probabilities`: predicted class and its probability [recording]
    - `labels`: true classes [recording]
    - `non_words`: names of `classes` that are not words
    """
    words = ~np.isin(np.array(classes, dtype=object), non_words)
    right = (numbers == labels) & words[labels]
    return np.sort(probabilities[right]).astype(np.float32)


def threshold(confidences: np.ndarray, kept: float) -> float:
    """Return the confidence threshold that accepts the share `kept` of the correct answers.

    `confidences` are those of the correct answers to validation recordings of words. Without any,
    the threshold is 0: all answers are accepted.
    """
    if not len(confidences):
        return 0.0
    given = max(1, math.ceil(kept * len(confidences) - 1e-9))
    return float(np.sort(confidences)[-given])


# Thresholds at which false alarms are counted: those near 1 are the ones that matter.
COUNTED = 1 - np.logspace(0, -6, 121)


def of_target(counts: np.ndarray, hours: float, per_hour: float) -> float:
    """Return the lowest of the thresholds `COUNTED` with at most `per_hour` false alarms per hour.

    `counts` are the false alarms at each, in so many `hours` of sound. So are those at all higher
    thresholds. It is 1 if none of them is low enough.
    """
    above = np.flatnonzero(counts > per_hour * hours)
    lowest = above[-1] + 1 if len(above) else 0
    return float(COUNTED[lowest]) if lowest < len(COUNTED) else 1.0


def answer(
    numbers: np.ndarray,
    probabilities: np.ndarray,
    classes: list[str],
    non_words: list[str],
    threshold: float,
) -> np.ndarray:
    """Return the answers [recording]: names of classes, or `UNKNOWN`.

    - `numbers`, `probabilities`: predicted class and its probability [recording]
    - `non_words`: names of `classes` that are not words
    - `threshold`: words with a lower probability become `UNKNOWN`
    """
    answers = np.array(classes, dtype=object)[numbers]
    doubtful = (probabilities < threshold) & ~np.isin(answers, non_words)
    answers[doubtful] = UNKNOWN
    return answers

"""What a classifier answers: a word, `unknown` or `silence`.

A recording of something else than the words that a classifier knows still gets probabilities, and
one of them is the largest. So an answer counts only from a confidence on; it is `unknown` below.
"""

import math

import numpy as np

from spokenwords.classes import UNKNOWN

# The share of right answers on the validation set that the threshold keeps, unless told otherwise.
KEPT = 0.95


def confidences(
    probabilities: np.ndarray, labels: np.ndarray, classes: list[str], no_words: list[str]
) -> np.ndarray:
    """Confidences of the right answers to recordings of words, rising, float32 [answer].

    `probabilities` [recording, class] are those of recordings whose classes are numbered by
    `labels` [recording]. Of `classes`, `no_words` are those that stand for none.
    """
    words = ~np.isin(np.array(classes, dtype=object), no_words)
    right = (probabilities.argmax(axis=1) == labels) & words[labels]
    return np.sort(probabilities[right].max(axis=1)).astype(np.float32)


def threshold(confidences: np.ndarray, kept: float = KEPT) -> float:
    """The lowest confidence that counts, so that the share `kept` of right answers do.

    `confidences` are those of the right answers to validation recordings of words. Without any,
    no answer is doubted: the threshold is 0.
    """
    if not len(confidences):
        return 0.0
    given = max(1, math.ceil(kept * len(confidences) - 1e-9))
    return float(np.sort(confidences)[-given])


def answer(
    probabilities: np.ndarray, classes: list[str], no_words: list[str], threshold: float
) -> np.ndarray:
    """The answers [recording] to probabilities [recording, class].

    The likeliest class, but `UNKNOWN` where that is a word with a probability below `threshold`.
    Of `classes`, `no_words` are those that stand for none.
    """
    best = np.array(classes, dtype=object)[probabilities.argmax(axis=1)]
    doubtful = (probabilities.max(axis=1) < threshold) & ~np.isin(best, no_words)
    best[doubtful] = UNKNOWN
    return best

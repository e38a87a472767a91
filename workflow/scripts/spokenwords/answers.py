"""What a classifier answers: a word, `unknown` or `silence`.

A recording of something else than the words that a classifier knows still gets probabilities, and
one of them is the largest. So an answer counts only from a confidence on; it is `unknown` below.
"""

import math

import numpy as np

from spokenwords.classes import UNKNOWN

# The share of right answers on the validation set that the threshold keeps, unless told otherwise.
KEPT = 0.95
# How many classes are told of a recording, with their probabilities, where there are as many.
LIKELIEST = 3


def likeliest(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The number of the likeliest class, and its probability, of [recording, class]."""
    return probabilities.argmax(axis=1), probabilities.max(axis=1)


def confidences(
    likeliest: np.ndarray,
    probabilities: np.ndarray,
    labels: np.ndarray,
    classes: list[str],
    no_words: list[str],
) -> np.ndarray:
    """Confidences of the right answers to recordings of words, rising, float32 [answer].

    `likeliest` [recording] are the numbers of the likeliest classes, with their `probabilities`,
    of recordings whose own classes are numbered by `labels`. Of `classes`, `no_words` are those
    that stand for none.
    """
    words = ~np.isin(np.array(classes, dtype=object), no_words)
    right = (likeliest == labels) & words[labels]
    return np.sort(probabilities[right]).astype(np.float32)


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
    likeliest: np.ndarray,
    probabilities: np.ndarray,
    classes: list[str],
    no_words: list[str],
    threshold: float,
) -> np.ndarray:
    """The answers [recording], given the likeliest classes' numbers and their probabilities.

    A class's name, but `UNKNOWN` where that is a word with a probability below `threshold`. Of
    `classes`, `no_words` are those that stand for none.
    """
    best = np.array(classes, dtype=object)[likeliest]
    doubtful = (probabilities < threshold) & ~np.isin(best, no_words)
    best[doubtful] = UNKNOWN
    return best

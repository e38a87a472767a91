"""What a classifier answers: a word, `unknown` or `silence`.

A recording of something else than the words that a classifier knows still gets probabilities, and
one of them is the largest. So an answer counts only from a confidence on; it is `unknown` below.
"""

import math

import numpy as np

from spokenwords.names import UNKNOWN

# Of each recording the number of the likeliest class, and its probability, [recording] each.
Best = tuple[np.ndarray, np.ndarray]


def best(probabilities: np.ndarray) -> Best:
    """The likeliest classes, of probabilities [recording, class]; of equals the first."""
    return probabilities.argmax(axis=1), probabilities.max(axis=1)


def confidences(
    numbers: np.ndarray,
    probabilities: np.ndarray,
    labels: np.ndarray,
    classes: list[str],
    no_words: list[str],
) -> np.ndarray:
    """Confidences of the right answers to recordings of words, rising, float32 [answer].

    `numbers` and `probabilities` [recording] are the likeliest classes (`Best`) of recordings whose
    own classes are numbered by `labels`. Of `classes`, `no_words` are those that stand for none.
    """
    words = ~np.isin(np.array(classes, dtype=object), no_words)
    right = (numbers == labels) & words[labels]
    return np.sort(probabilities[right]).astype(np.float32)


def threshold(confidences: np.ndarray, kept: float) -> float:
    """The lowest confidence that counts, so that the share `kept` of right answers do.

    `confidences` are those of the right answers to validation recordings of words. Without any,
    no answer is doubted: the threshold is 0.
    """
    if not len(confidences):
        return 0.0
    given = max(1, math.ceil(kept * len(confidences) - 1e-9))
    return float(np.sort(confidences)[-given])


def answer(
    numbers: np.ndarray,
    probabilities: np.ndarray,
    classes: list[str],
    no_words: list[str],
    threshold: float,
) -> np.ndarray:
    """The answers [recording], given the likeliest classes (`Best`).

    A class's name, but `UNKNOWN` where that is a word with a probability below `threshold`. Of
    `classes`, `no_words` are those that stand for none.
    """
    answers = np.array(classes, dtype=object)[numbers]
    doubtful = (probabilities < threshold) & ~np.isin(answers, no_words)
    answers[doubtful] = UNKNOWN
    return answers

"""What a classifier answers, and from which confidence on."""

import numpy as np
import pytest

from spokenwords import answers

CLASSES = ["bed", "cat", "unknown", "silence"]
NO_WORDS = ["unknown", "silence"]
PROBABILITIES = np.array(
    [
        [0.6, 0.2, 0.1, 0.1],
        [0.4, 0.3, 0.2, 0.1],
        [0.1, 0.1, 0.5, 0.3],
        [0.1, 0.2, 0.3, 0.4],
        [0.1, 0.9, 0.0, 0.0],
    ]
)


def test_confidences_are_those_of_right_answers_to_words():
    labels = np.array([0, 1, 2, 3, 1])
    found = answers.confidences(PROBABILITIES, labels, CLASSES, NO_WORDS)
    np.testing.assert_allclose(found, [0.6, 0.9], rtol=1e-6)


@pytest.mark.parametrize(
    ("kept", "expected"), [(1.0, 1), (0.95, 6), (0.5, 51), (0.25, 76), (0.0, 100)]
)
def test_the_threshold_keeps_the_share(kept, expected):
    assert answers.threshold(np.arange(1, 101), kept) == expected


def test_few_confidences_still_keep_the_share():
    confidences = np.array([0.3, 0.5, 0.9])
    assert answers.threshold(confidences, 0.9) == 0.3
    assert answers.threshold(confidences, 0.6) == 0.5


def test_without_confidences_no_answer_is_doubted():
    assert answers.threshold(np.empty(0)) == 0


def test_doubtful_words_are_unknown():
    found = answers.answer(PROBABILITIES, CLASSES, NO_WORDS, threshold=0.6)
    assert found.tolist() == ["bed", "unknown", "unknown", "silence", "cat"]


def test_a_threshold_of_zero_doubts_nothing():
    found = answers.answer(PROBABILITIES[:2], CLASSES, NO_WORDS, threshold=0)
    assert found.tolist() == ["bed", "bed"]


def test_no_recordings():
    assert answers.answer(np.empty((0, 4)), CLASSES, NO_WORDS, 0.5).tolist() == []

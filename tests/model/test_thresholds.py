"""The confidence threshold, and the answers that follow from it."""

import numpy as np
import pytest

from spokenwords.model import thresholds

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


def test_confidences_are_those_of_correct_answers_to_words():
    labels = np.array([0, 1, 2, 3, 1])
    found = thresholds.confidences(*thresholds.best(PROBABILITIES), labels, CLASSES, NO_WORDS)
    np.testing.assert_allclose(found, [0.6, 0.9], rtol=1e-6)


@pytest.mark.parametrize(
    ("kept", "expected"), [(1.0, 1), (0.95, 6), (0.5, 51), (0.25, 76), (0.0, 100)]
)
def test_threshold_accepts_the_share(kept, expected):
    assert thresholds.threshold(np.arange(1, 101), kept) == expected


def test_threshold_of_few_confidences_accepts_the_share():
    confidences = np.array([0.3, 0.5, 0.9])
    assert thresholds.threshold(confidences, 0.9) == 0.3
    assert thresholds.threshold(confidences, 0.6) == 0.5


def test_without_confidences_all_answers_are_accepted():
    assert thresholds.threshold(np.empty(0), 0.95) == 0


def test_words_below_the_threshold_are_unknown():
    found = thresholds.answer(*thresholds.best(PROBABILITIES), CLASSES, NO_WORDS, threshold=0.6)
    assert found.tolist() == ["bed", "unknown", "unknown", "silence", "cat"]


def test_threshold_of_zero_accepts_everything():
    found = thresholds.answer(*thresholds.best(PROBABILITIES[:2]), CLASSES, NO_WORDS, threshold=0)
    assert found.tolist() == ["bed", "bed"]


def test_threshold_applies_to_words_alone():
    random = np.random.default_rng(1)
    probabilities = random.dirichlet(np.ones(4), 500)
    likeliest = [CLASSES[row.tolist().index(max(row))] for row in probabilities]
    for threshold in (0.0, 0.3, 0.6, 0.9, 1.1):
        found = thresholds.answer(*thresholds.best(probabilities), CLASSES, NO_WORDS, threshold)
        for row, best, answer in zip(probabilities, likeliest, found, strict=True):
            counts = best in NO_WORDS or max(row) >= threshold
            assert answer == (best if counts else "unknown")


def test_words_below_the_threshold_are_unknown_without_a_class_of_that_name():
    best = thresholds.best(np.array([[0.6, 0.4], [0.2, 0.8]]))
    found = thresholds.answer(*best, ["bed", "cat"], [], threshold=0.7)
    assert found.tolist() == ["unknown", "cat"]


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.95, 1.0])
def test_number_of_accepted_answers(kept):
    """Of the recordings that the threshold follows from."""
    random = np.random.default_rng(2)
    labels = random.integers(4, size=200)
    # In the precision that classifiers keep confidences in.
    probabilities = random.dirichlet(np.ones(4), 200).astype(np.float32)
    known = thresholds.confidences(*thresholds.best(probabilities), labels, CLASSES, NO_WORDS)
    found = thresholds.answer(
        *thresholds.best(probabilities), CLASSES, NO_WORDS, thresholds.threshold(known, kept)
    )
    right = found == np.array(CLASSES)[labels]
    words = labels < 2
    assert (right & words).sum() == np.ceil(round(kept * len(known), 6))


def test_no_recordings():
    assert (
        thresholds.answer(*thresholds.best(np.empty((0, 4))), CLASSES, NO_WORDS, 0.5).tolist() == []
    )


def test_the_threshold_of_a_target_is_the_lowest_from_which_on_it_is_met():
    counts = np.zeros(len(thresholds.COUNTED), int)
    counts[:10], counts[12] = 50, 7
    # In two hours: 3 an hour are exceeded up to number 12, 4 only up to number 9.
    assert thresholds.of_target(counts, 2, 3) == thresholds.COUNTED[13]
    assert thresholds.of_target(counts, 2, 4) == thresholds.COUNTED[10]
    assert thresholds.of_target(counts, 2, 25) == thresholds.COUNTED[0] == 0
    counts[-1] = 7
    assert thresholds.of_target(counts, 2, 3) == 1

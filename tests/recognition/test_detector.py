"""From the probabilities of windows to words and their times."""

import numpy as np
import pytest
import tones
from hypothesis import given
from hypothesis import strategies as st

from spokenwords.model import thresholds
from spokenwords.recognition import detector
from spokenwords.recognition.detector import Detector, smoothed


def test_smoothing_is_the_mean_over_neighbours():
    windows = np.array([[1, 0], [0, 1], [0.5, 0.5], [0.25, 0.75]], np.float32)
    expected = [[1 / 2, 1 / 2], [1.5 / 3, 1.5 / 3], [0.75 / 3, 2.25 / 3], [0.75 / 2, 1.25 / 2]]
    assert smoothed(windows) == pytest.approx(np.array(expected))
    assert smoothed(windows[:1]).tolist() == [[1, 0]]
    assert smoothed(windows[:0]).shape == (0, 2)
    assert windows[0].tolist() == [1, 0]


@pytest.fixture(autouse=True)
def unsmoothed(monkeypatch):
    """Probabilities are given as smoothed."""
    monkeypatch.setattr(detector, "smoothed", lambda windows: windows)


def events(confidences):
    """The words found, each with the number of its window, where windows have these answers.

    The answer to a window is given as (word, probability) or as nothing, which is silence.
    """
    starts, windows = 100 * np.arange(len(confidences)), rows(confidences)
    length = starts[-1] + 1000
    return places(detector.events(CLASSIFIER, starts, windows, length, tones.THRESHOLD))


def rows(confidences):
    windows = np.zeros((len(confidences), 5))
    windows[:, 4] = 0.5
    for row, answer in zip(windows, confidences, strict=True):
        if answer:
            row[:] = (1 - answer[1]) / 4
            row[CLASSIFIER.words.index(answer[0])] = answer[1]
    return windows


def places(events):
    return [(event.word, round(10 * event.start)) for event in events]


CLASSIFIER, NOTHING = tones.classifier(), None


def test_the_most_probable_window_of_a_word_is_taken():
    assert events([NOTHING, ("low", 0.91), ("low", 0.99), ("low", 0.95), NOTHING]) == [("low", 2)]


def test_of_equals_the_earliest_is_taken():
    assert events([NOTHING, *[("low", 0.95)] * 3]) == [("low", 1)]


def test_a_word_counts_from_the_threshold_on():
    assert events([("low", tones.THRESHOLD - 1e-6), NOTHING]) == []
    assert events([("low", tones.THRESHOLD), NOTHING]) == [("low", 0)]


def test_classes_that_stand_for_no_word_are_not_found():
    assert events([("unknown", 0.99), ("silence", 0.99)]) == []


def test_other_words_are_hidden_up_to_half_a_window_away():
    near = [("low", 0.99), *[NOTHING] * 4, ("high", 0.95)]
    assert events(near) == [("low", 0)]
    far = [("low", 0.99), *[NOTHING] * 5, ("high", 0.95)]
    assert events(far) == [("low", 0), ("high", 6)]


def test_a_more_probable_word_counts_instead_up_to_three_tenths_of_a_window_later():
    assert events([("low", 0.95), *[NOTHING] * 2, ("high", 0.99)]) == [("high", 3)]
    assert events([("low", 0.95), *[NOTHING] * 3, ("high", 0.99)]) == [("low", 0)]
    assert events([("low", 0.95), *[NOTHING] * 5, ("high", 0.99)]) == [("low", 0), ("high", 6)]


def test_of_probabilities_that_differ_by_arithmetic_the_earliest_is_taken():
    assert events([("low", 0.95), ("low", 0.95 + 1e-7), ("low", 0.95 - 1e-7)]) == [("low", 0)]


def test_the_same_word_is_hidden_where_windows_overlap():
    near = [("low", 0.99), *[NOTHING] * 8, ("low", 0.95)]
    assert events(near) == [("low", 0)]
    far = [("low", 0.99), *[NOTHING] * 9, ("low", 0.95)]
    assert events(far) == [("low", 0), ("low", 10)]


def test_what_is_hidden_hides_nothing():
    chain = [("low", 0.99), *[NOTHING] * 4, ("high", 0.97), *[NOTHING] * 4, ("low", 0.95)]
    assert events(chain) == [("low", 0), ("low", 10)]
    # The second `low` is hidden by the first one, and does not replace `high`.
    chain = [("low", 0.99), *[NOTHING] * 5, ("high", 0.95), NOTHING, ("low", 0.97)]
    assert events(chain) == [("low", 0), ("high", 6)]


def by_the_rule(answers):
    """The events, each decided by the rule as it is stated."""

    def hidden(i, word):
        return any(i - j <= 5 or (word == other and i - j < 10) for other, j in found if j <= i)

    found = []
    for i, answer in enumerate(answers):
        if not answer or hidden(i, answer[0]):
            continue
        rivals = [
            rival
            for j, rival in enumerate(answers[i + 1 : i + 4], i + 1)
            if rival and rival[1] > answer[1] and not hidden(j, rival[0])
        ]
        if not rivals:
            found.append((answer[0], i))
    return found


ANSWERS = st.lists(
    st.none()
    | st.tuples(st.sampled_from(["low", "middle"]), st.integers(900, 999).map(lambda p: p / 1000)),
    min_size=1,
    max_size=60,
)


@given(ANSWERS, st.data())
def test_events_follow_the_rule_in_whatever_pieces_windows_come(answers, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answers)))))
    stream, found = Detector(CLASSIFIER, tones.THRESHOLD), []
    for part in np.split(np.arange(len(answers)), cuts):
        found += stream.feed(100 * part, rows(answers)[part])
    found += stream.finish(1000 + 100 * len(answers))
    assert places(found) == by_the_rule(answers)


def test_an_event_is_known_four_windows_later():
    """With smoothing, which needs the next window, and the three windows that it is compared to."""
    stream = Detector(CLASSIFIER, tones.THRESHOLD)
    answers = [NOTHING, ("low", 0.95), *[NOTHING] * 10]
    known = [
        i for i, row in enumerate(rows(answers)) if stream.feed(np.array([100 * i]), row[None])
    ]
    assert known == [1 + 4]


def test_without_a_threshold_every_likeliest_word_counts():
    assert thresholds.threshold(np.empty(0, np.float32), 0.95) == 0
    windows = np.full((1, 5), 0.2, np.float32)
    [event] = detector.events(CLASSIFIER, np.zeros(1, int), windows, 1000, 0.0)
    assert (event.word, event.probabilities.max()) == ("low", pytest.approx(0.2))

"""Windows, their probabilities, and the words that are found in them."""

import weakref
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest
import tones
import torch
from tones import sound

from spokenwords.errors import UserError
from spokenwords.model import thresholds
from spokenwords.recognition import sliding_window


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as threads:
        yield threads


@pytest.fixture
def found(pool):
    """A function that finds the words in a waveform."""

    def found(waveform, gain=10.0):
        classifier = tones.classifier(gain)
        [windows] = sliding_window.probabilities(classifier, [waveform], pool)
        means = sliding_window.smoothed(windows)
        return sliding_window.events(classifier, means, len(waveform), tones.THRESHOLD)

    return found


# Windows.


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, []),
        (1, [0]),
        (999, [0]),
        (1000, [0]),
        (1001, [0, 1]),
        (1099, [0, 99]),
        (1100, [0, 100]),
        (1101, [0, 100, 101]),
        (2000, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]),
    ],
)
def test_windows_start_a_step_apart_and_the_last_one_ends_at_the_end(length, expected):
    assert sliding_window.starts(length, tones.classifier()).tolist() == expected


def one_by_one(classifier, waveform):
    """The probabilities of a recording's windows, each computed for itself."""
    if len(waveform) <= 1000:
        cuts = [waveform]
    else:
        places = sorted({*range(0, len(waveform) - 1000, 100), len(waveform) - 1000})
        cuts = [waveform[place : place + 1000] for place in places]
    values = []
    for cut in cuts:
        padded = np.concatenate([cut, np.zeros(1000 - len(cut), np.float32)])
        spectrogram = classifier.transform.complex_spectrogram(padded[None])
        with torch.inference_mode():
            values.append(classifier(torch.from_numpy(spectrogram)).softmax(dim=1)[0].numpy())
    return np.array(values)


LENGTHS = [1, 400, 0, 1000, 1001, 5230, 0, 0, 1500, 700, 2000, 0]


@pytest.mark.parametrize("batch", [1, 3, 7, 64])
def test_probabilities_do_not_depend_on_how_windows_are_put_together(
    make_classifier, monkeypatch, pool, batch
):
    monkeypatch.setattr(sliding_window, "BATCH", batch)
    classifier = make_classifier(pixels=33 * 51).eval()
    generator = np.random.default_rng(1)
    waveforms = [generator.normal(size=length).astype(np.float32) for length in LENGTHS]
    results = list(sliding_window.probabilities(classifier, iter(waveforms), pool))
    assert len(results) == len(LENGTHS)
    for waveform, result in zip(waveforms, results, strict=True):
        if len(waveform):
            assert result == pytest.approx(one_by_one(classifier, waveform), abs=1e-6)
        else:
            assert result.shape == (0, 3)


def test_without_recordings_or_samples_there_is_nothing(pool):
    classifier, empty = tones.classifier(), np.empty(0, np.float32)
    assert list(sliding_window.probabilities(classifier, [], pool)) == []
    assert [
        len(result) for result in sliding_window.probabilities(classifier, [empty] * 2, pool)
    ] == [0] * 2


def test_a_recording_is_let_go_before_the_next_one_is_read(pool):
    """Hours of sound are in memory once."""
    references = []

    def waveforms():
        for seconds in (20, 0.5, 30, 3):
            assert all(reference() is None for reference in references)
            waveform = sound(seconds)
            references.append(weakref.ref(waveform))
            yield waveform
            del waveform

    assert len(list(sliding_window.probabilities(tones.classifier(), waveforms(), pool))) == 4
    assert len(references) == 4


def test_scores_that_are_not_finite_are_reported(pool):
    classifier = tones.classifier(gain=float("nan"))
    with pytest.raises(UserError, match="not finite"):
        list(sliding_window.probabilities(classifier, [sound(1)], pool))


def test_a_classifier_that_is_being_trained_answers_as_when_it_is_tested(make_classifier, pool):
    classifier, waveform = make_classifier(pixels=33 * 51), sound(3, [("low", 1, 2)])
    classifier.train()
    [result] = sliding_window.probabilities(classifier, [waveform], pool)
    assert result == pytest.approx(one_by_one(classifier.eval(), waveform), abs=1e-6)


def test_a_long_scan_reports_its_progress(pool, messages, monkeypatch):
    now = iter(range(0, 10_000, 6))
    monkeypatch.setattr("spokenwords.jobs.progress.time.monotonic", lambda: next(now))
    list(sliding_window.probabilities(tones.classifier(), [sound(0.5), sound(30)], pool))
    # 291 windows, and before them the one of the first recording.
    assert "Scanning: 63 of 291 windows (22%), 10.5 per second, 22 s left" in messages


# Reading ahead.


class Begun(list):
    """What a pool was asked to do; it is done at once."""

    def submit(self, function, item):
        self.append(item)
        done = Future()
        done.set_result(function(item))
        return done


def test_what_is_computed_ahead_comes_in_order_and_weighs_no_more_than_there_is_room():
    begun, results = Begun(), []
    weights = {1: 2, 2: 2, 3: 100, 4: 3, 5: 1, 6: 1, 7: 4}
    for result in sliding_window.ahead(begun, lambda item: 10 * item, weights, 5, weights.get):
        results.append((result, len(begun)))
    # 1 and 2 weigh 4, 3 waits until it is alone, 4 to 6 weigh 5, and 5 to 7 would be 6.
    assert results == [(10, 2), (20, 2), (30, 3), (40, 6), (50, 6), (60, 7), (70, 7)]


def test_an_error_of_what_is_computed_ahead_is_raised_where_its_result_would_be(pool):
    results = sliding_window.ahead(pool, lambda item: 1 / item, [1, 2, 0, 4], 10)
    assert [next(results), next(results)] == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(results)


# From probabilities to words.


def test_smoothing_is_the_mean_over_neighbours():
    windows = np.array([[1, 0], [0, 1], [0.5, 0.5], [0.25, 0.75]], np.float32)
    expected = [[1 / 2, 1 / 2], [1.5 / 3, 1.5 / 3], [0.75 / 3, 2.25 / 3], [0.75 / 2, 1.25 / 2]]
    assert sliding_window.smoothed(windows) == pytest.approx(np.array(expected))
    assert sliding_window.smoothed(windows[:1]).tolist() == [[1, 0]]
    assert sliding_window.smoothed(windows[:0]).shape == (0, 2)
    assert windows[0].tolist() == [1, 0]


def events(confidences):
    """The words found, each with the number of its window, where windows have these answers.

    The answer to a window is given as (word, probability) or as nothing, which is silence.
    """
    classifier = tones.classifier()
    windows = np.zeros((len(confidences), 5), np.float32)
    windows[:, 4] = 0.5
    for row, answer in zip(windows, confidences, strict=True):
        if answer:
            row[:] = (1 - answer[1]) / 4
            row[classifier.words.index(answer[0])] = answer[1]
    length = 1000 + 100 * (len(confidences) - 1)
    return [
        (event.word, round(10 * event.start))
        for event in sliding_window.events(classifier, windows, length, tones.THRESHOLD)
    ]


NOTHING = None


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
    assert events([("low", 0.95), *[NOTHING] * 4, ("high", 0.99)]) == [("high", 5)]


def test_the_same_word_is_hidden_where_windows_overlap():
    near = [("low", 0.99), *[NOTHING] * 8, ("low", 0.95)]
    assert events(near) == [("low", 0)]
    far = [("low", 0.99), *[NOTHING] * 9, ("low", 0.95)]
    assert events(far) == [("low", 0), ("low", 10)]


def test_what_is_hidden_hides_nothing():
    chain = [("low", 0.99), *[NOTHING] * 4, ("high", 0.97), *[NOTHING] * 4, ("low", 0.95)]
    assert events(chain) == [("low", 0), ("low", 10)]


def test_without_a_threshold_every_likeliest_word_counts():
    classifier = tones.classifier()
    assert thresholds.threshold(np.empty(0, np.float32), 0.95) == 0
    windows = np.full((1, 5), 0.2, np.float32)
    [event] = sliding_window.events(classifier, windows, 1000, 0.0)
    assert (event.word, event.probabilities.max()) == ("low", pytest.approx(0.2))


# From sounds to words.


@pytest.mark.parametrize("place", [0.0, 1.23, 2.34, 4.0])
def test_a_word_as_long_as_the_window_is_found_where_it_is(found, place):
    [event] = found(sound(5, [("middle", place, place + 1)]), gain=2)
    assert event.word == "middle"
    assert event.start == pytest.approx(place, abs=sliding_window.STEP / 2 + 1e-9)
    assert event.end == pytest.approx(event.start + 1)


@pytest.mark.parametrize("place", [0.0, 0.05, 3.33, 9.7])
@pytest.mark.parametrize("seconds", [0.25, 0.3])
def test_a_short_word_is_found_once_in_a_window_that_has_all_of_it(found, place, seconds):
    [event] = found(sound(10, [("high", place, place + seconds)]))
    assert event.word == "high"
    assert event.start <= place + 0.05
    assert event.end >= min(place + seconds, 10) - 0.05
    high = tones.classifier().words.index("high")
    assert tones.THRESHOLD < event.probabilities[high] <= 1


def test_words_are_found_in_order_of_time_and_as_often_as_spoken(found):
    said = [
        *[("low", 0.2, 0.5), ("high", 1.5, 1.8), ("high", 3.1, 3.4), ("low", 3.8, 4.1)],
        *[("unknown", 5.5, 6), ("middle", 7.0, 7.3)],
    ]
    events = found(sound(8.04, said))
    words = [one for one in said if one[0] != "unknown"]
    assert [event.word for event in events] == [word for word, _, _ in words]
    for event, (_, start, end) in zip(events, words, strict=True):
        assert event.start - 0.05 <= start
        assert event.end + 0.05 >= end


def test_silence_and_unknown_sounds_have_no_words(found):
    assert found(sound(10)) == []
    assert found(sound(10, [("unknown", 2, 8)])) == []


@pytest.mark.parametrize(
    ("samples", "span"), [(300, (0, 0.3)), (999, (0, 0.999)), (1000, (0, 1)), (1001, (0, 1))]
)
def test_recordings_about_as_long_as_a_window(found, samples, span):
    [event] = found(sound(2, [("low", 0, 2)])[:samples])
    assert event.word == "low"
    assert (event.start, event.end) == pytest.approx(span)


def test_a_sample_and_none(found):
    assert found(sound(1, [("low", 0, 1)])[:1]) == []
    assert found(np.empty(0, np.float32)) == []

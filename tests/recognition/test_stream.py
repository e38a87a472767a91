"""The decoder of a stream."""

from collections import deque
from dataclasses import is_dataclass

import numpy as np
import pytest
import tones
from hypothesis import given, settings
from hypothesis import strategies as st
from tones import sound

from spokenwords.recognition import detector, sliding_window
from spokenwords.recognition.detector import Detector, Event
from spokenwords.recognition.sliding_window import SlidingWindow
from spokenwords.recognition.stream import StreamDecoder


def found(waveform, gain=10.0):
    decoder = StreamDecoder(tones.classifier(gain), tones.THRESHOLD)
    return decoder.feed(waveform) + decoder.finish()


@pytest.mark.parametrize("place", [0.0, 1.23, 2.34, 4.0])
def test_a_word_as_long_as_the_window_is_found_where_it_is(place):
    [event] = found(sound(5, [("middle", place, place + 1)]), gain=2)
    assert event.word == "middle"
    assert event.start == pytest.approx(place, abs=sliding_window.STEP / 2 + 1e-9)
    assert event.end == pytest.approx(event.start + 1)


@pytest.mark.parametrize("place", [0.0, 0.05, 3.33, 9.7])
@pytest.mark.parametrize("seconds", [0.25, 0.3])
def test_a_short_word_is_found_once_in_a_window_that_has_all_of_it(place, seconds):
    [event] = found(sound(10, [("high", place, place + seconds)]))
    assert event.word == "high"
    assert event.start <= place + 0.05
    assert event.end >= min(place + seconds, 10) - 0.05
    high = tones.classifier().words.index("high")
    assert tones.THRESHOLD < event.probabilities[high] <= 1


def test_words_are_found_in_order_of_time_and_as_often_as_spoken():
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


def test_silence_and_unknown_sounds_have_no_words():
    assert found(sound(10)) == []
    assert found(sound(10, [("unknown", 2, 8)])) == []


@pytest.mark.parametrize(
    ("samples", "span"), [(300, (0, 0.3)), (999, (0, 0.999)), (1000, (0, 1)), (1001, (0, 1))]
)
def test_recordings_about_as_long_as_a_window(samples, span):
    [event] = found(sound(2, [("low", 0, 2)])[:samples])
    assert event.word == "low"
    assert (event.start, event.end) == pytest.approx(span)


def test_a_sample_and_none():
    assert found(sound(1, [("low", 0, 1)])[:1]) == []
    assert found(np.empty(0, np.float32)) == []


# Pieces.

SAID = [("low", 0.2, 0.5), ("high", 1.5, 1.8), ("high", 3.1, 3.9), ("middle", 4.0, 4.3)]


def noisy(seconds):
    """Words in noise [samples], some of them so faint that their probability is near any value."""
    samples = sound(seconds, SAID) + sound(seconds, [("middle", 6.2, 7.5), ("low", 8, 9)]) / 3
    noise = np.random.default_rng(1).normal(scale=0.05, size=len(samples))
    return (samples + noise).astype(np.float32)


def told(events):
    return [(one.word, one.start, one.end, pytest.approx(one.probability)) for one in events]


def in_pieces(decoder, samples, cuts):
    events = [event for part in np.split(samples, cuts) for event in decoder.feed(part)]
    return events + decoder.finish()


@pytest.mark.parametrize("gain", [3.0, 10.0])
@settings(max_examples=20, deadline=None)
@given(length=st.integers(1, 9500), cuts=st.lists(st.integers(0, 9500), max_size=30))
def test_events_do_not_depend_on_pieces(gain, length, cuts):
    decoder = StreamDecoder(tones.classifier(gain), 0.6)
    samples = noisy(9.5)[:length]
    whole = told(decoder.feed(samples) + decoder.finish())
    assert told(in_pieces(decoder, samples, sorted(cuts))) == whole
    assert told(in_pieces(decoder, samples, range(10, length, 10))) == whole


def test_several_words_are_found_in_what_comes_in_pieces():
    """The samples of the test above, so that it is not about nothing."""
    events = found(noisy(9.5))
    assert [event.word for event in events][:4] == ["low", "high", "high", "middle"]


def test_events_are_those_of_the_table():
    classifier, samples = tones.classifier(), noisy(9.5)
    [(starts, windows)] = sliding_window.scan(classifier, [samples])
    of_file = detector.events(classifier, starts, windows, len(samples), tones.THRESHOLD)
    assert told(of_file) == told(found(samples))


def test_an_event_comes_half_a_second_after_its_window_at_the_latest():
    """A window's smoothing needs the next one, and it is compared with the next three."""
    decoder, samples = StreamDecoder(tones.classifier(), tones.THRESHOLD), noisy(9.5)
    for first in range(0, len(samples), 10):
        for event in decoder.feed(samples[first : first + 10]):
            # Half a transform, 0.032 s, follows the middle of a window's last frame.
            assert event.end + 0.4 < (first + 10) / 1000 <= event.end + 0.45


def test_a_stream_that_is_reset_or_finished_leaves_nothing_behind():
    decoder = StreamDecoder(tones.classifier(), tones.THRESHOLD)
    samples = noisy(9.5)
    decoder.feed(sound(3.21, [("low", 2.8, 3.2)]))
    decoder.reset()
    first = told(decoder.feed(samples) + decoder.finish())
    assert first == told(decoder.feed(samples) + decoder.finish())
    assert decoder.finish() == []


def size(thing):
    """The bytes of all arrays that an object holds, and the number of all other things."""
    if isinstance(thing, np.ndarray):
        return thing.nbytes
    if isinstance(thing, (StreamDecoder, SlidingWindow, Detector, Event)) or is_dataclass(thing):
        return sum(size(value) for value in vars(thing).values())
    return sum(map(size, thing)) if isinstance(thing, (list, tuple, deque)) else 1


@pytest.mark.parametrize("kind", ["zeros", "noise", "words"])
def test_memory_does_not_grow(kind):
    decoder = StreamDecoder(tones.classifier(), tones.THRESHOLD)
    generator = np.random.default_rng(1)
    parts = {
        "zeros": lambda: np.zeros(1000, np.float32),
        "noise": lambda: generator.normal(size=1000).astype(np.float32),
        "words": lambda: sound(1, [("low", 0.2, 0.6)]),
    }
    sizes = []
    for _ in range(200):
        decoder.feed(parts[kind]())
        sizes.append(size(decoder))
    # Two seconds of samples, a spectrogram with 8 bytes for each of its values, and a few rows.
    assert max(sizes) < 2 * 4000 + 8 * 33 * 51 + 2000

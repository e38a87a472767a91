"""The windows of a stream, and their probabilities."""

import weakref
from itertools import chain

import numpy as np
import pytest
import tones
import torch
from tones import sound

from spokenwords.errors import UserError
from spokenwords.recognition import sliding_window
from spokenwords.recognition.sliding_window import SlidingWindow
from spokenwords.spectrograms.stft import STFT

# Of a second, like those of tones.py: 51 frames, a step is 5 of them.
FRAMES, HOP, STEP = 51, 20, 100


def windows(classifier, waveform, pieces=None):
    """The windows of a waveform that arrives in pieces: their starts and spectrograms."""
    stream = SlidingWindow(classifier)
    cuts = np.split(waveform, pieces or [])
    return list(chain(*map(stream.feed, cuts), stream.finish()))


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, []),
        (1, [0]),
        (999, [0]),
        (1000, [0]),
        (1019, [0]),
        (1020, [0, 20]),
        (1099, [0, 80]),
        (1100, [0, 100]),
        (1119, [0, 100]),
        (1120, [0, 100, 120]),
        (2000, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]),
    ],
)
def test_windows_start_a_step_apart_and_the_last_one_ends_with_the_last_frame(length, expected):
    classifier = tones.classifier()
    found = windows(classifier, sound(3)[:length])
    assert [start for start, _ in found] == expected
    assert SlidingWindow(classifier).count(length) == len(expected)


def transform(n_fft=64, hop=20):
    return STFT(1000, n_fft, min(n_fft, 50) / 1000, hop / 1000, normalized=True)


@pytest.mark.parametrize("length", [1, 40, 1000, 1001, 1130, 3517])
@pytest.mark.parametrize("made", [transform(), transform(63), transform(64, 70), transform(30, 7)])
def test_windows_are_parts_of_the_spectrogram_of_the_whole(made, length):
    classifier = tones.classifier()
    classifier.transform = made
    waveform = np.random.default_rng(1).normal(size=length).astype(np.float32)
    padded = np.concatenate([waveform, np.zeros(max(0, 1000 - length), np.float32)])
    whole = made.complex_spectrogram(padded)
    for pieces in (None, list(range(0, length, 10)), [1, 2, 700, 701]):
        found = windows(classifier, waveform, pieces)
        assert len(found) == SlidingWindow(classifier).count(length)
        for start, spectrogram in found:
            first = start // made.hop_length
            part = whole[..., first : first + len(made.time(1000))]
            np.testing.assert_allclose(spectrogram, part, atol=1e-6)
        assert first + spectrogram.shape[2] == whole.shape[2]


def test_each_frame_is_computed_once(monkeypatch):
    computed, original = [], STFT.whole_frames

    def counted(self, samples):
        frames = original(self, samples)
        computed.append(frames.shape[-1])
        return frames

    monkeypatch.setattr(STFT, "whole_frames", counted)
    windows(tones.classifier(), sound(7.77), [30, 1234, 5000])
    assert sum(computed) == 7770 // HOP + 1


def one_by_one(classifier, waveform):
    """The probabilities of a recording's windows, each computed for itself."""
    padded = np.concatenate([waveform, np.zeros(max(0, 1000 - len(waveform)), np.float32)])
    whole = classifier.transform.complex_spectrogram(padded)
    last = whole.shape[2] - FRAMES
    values = []
    for first in sorted({*range(0, last, STEP // HOP), last}):
        part = torch.from_numpy(whole[None, ..., first : first + FRAMES].copy())
        with torch.inference_mode():
            values.append(classifier(part).softmax(dim=1)[0].numpy())
    return np.array(values)


LENGTHS = [1, 400, 0, 1000, 1001, 5230, 0, 0, 1500, 700, 2000, 0]


@pytest.mark.parametrize("batch", [1, 3, 7, 64])
def test_probabilities_do_not_depend_on_how_windows_are_put_together(
    make_classifier, monkeypatch, batch
):
    monkeypatch.setattr(sliding_window, "BATCH", batch)
    classifier = make_classifier(pixels=33 * 51).eval()
    generator = np.random.default_rng(1)
    waveforms = [generator.normal(size=length).astype(np.float32) for length in LENGTHS]
    results = list(sliding_window.scan(classifier, iter(waveforms)))
    assert len(results) == len(LENGTHS)
    for waveform, (starts, result) in zip(waveforms, results, strict=True):
        assert len(starts) == len(result)
        if len(waveform):
            assert result == pytest.approx(one_by_one(classifier, waveform), abs=1e-6)
        else:
            assert result.shape == (0, 3)


def test_without_recordings_or_samples_there_is_nothing():
    classifier, empty = tones.classifier(), np.empty(0, np.float32)
    assert list(sliding_window.scan(classifier, [])) == []
    assert [len(result) for _, result in sliding_window.scan(classifier, [empty] * 2)] == [0] * 2


def test_a_recording_is_let_go_before_the_next_one_is_read():
    """Hours of sound are in memory once."""
    references = []

    def waveforms():
        for seconds in (20, 0.5, 30, 3):
            assert all(reference() is None for reference in references)
            waveform = sound(seconds)
            references.append(weakref.ref(waveform))
            yield waveform
            del waveform

    assert len(list(sliding_window.scan(tones.classifier(), waveforms()))) == 4
    assert len(references) == 4


def test_scores_that_are_not_finite_are_reported():
    classifier = tones.classifier(gain=float("nan"))
    with pytest.raises(UserError, match="not finite"):
        list(sliding_window.scan(classifier, [sound(1)]))


def test_a_classifier_that_is_being_trained_answers_as_when_it_is_tested(make_classifier):
    classifier, waveform = make_classifier(pixels=33 * 51), sound(3, [("low", 1, 2)])
    classifier.train()
    [(_, result)] = sliding_window.scan(classifier, [waveform])
    assert result == pytest.approx(one_by_one(classifier.eval(), waveform), abs=1e-6)


def test_a_long_scan_reports_its_progress(messages, monkeypatch):
    now = iter(range(0, 10_000, 6))
    monkeypatch.setattr("spokenwords.jobs.progress.time.monotonic", lambda: next(now))
    list(sliding_window.scan(tones.classifier(), [sound(0.5), sound(30)]))
    # 291 windows, and before them the one of the first recording.
    assert "Scanning: 63 of 291 windows (22%), 10.5 per second, 22 s left" in messages

"""Labelled streams: what is in them, and how events are matched with it."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tones

from spokenwords.evaluation import intervals, labelled_stream, stream_scores
from spokenwords.evaluation.labelled_stream import Source, Spoken, build
from spokenwords.recognition import sliding_window

RATE = 1000


def burst(frequency, first, seconds=1.0):
    """A tone of a tenth of a second in silence."""
    samples = np.zeros(round(seconds * RATE), np.float32)
    time = np.arange(100) / RATE
    samples[first : first + 100] = np.sin(2 * np.pi * frequency * time)
    return samples


def words(*files):
    return [
        Source(lambda file=file: burst(100, 200 + 10 * file), f"word{file % 2}", f"{file}", "ann")
        for file in files
    ]


def noise(seed=0, scale=0.1):
    return np.random.default_rng(seed).normal(scale=scale, size=30 * RATE).astype(np.float32)


def test_words_are_where_the_labels_are_and_as_loud_as_is_said(monkeypatch):
    monkeypatch.setattr(labelled_stream, "NOISE_DBFS", (-60, -60))
    sources = words(*range(8))
    sound, spoken, _ = build(sources, [], [noise()], 0.1, RATE, seed=1)
    silent = build([], [], [noise()], 0.1, RATE, seed=1)[0]
    assert len(sound) == 360 * RATE
    assert Counter(one.file for one in spoken).most_common()[-1][1] >= len(spoken) // 8
    assert [one.word for one in spoken] == [f"word{int(one.file) % 2}" for one in spoken]
    middles = np.array([one.middle for one in spoken])
    # Of recordings of 1 s with gaps of 0.5 to 2.5 s, and words up to 0.07 s apart in them.
    assert np.diff(middles).min() > 1.4 and np.diff(middles).max() < 3.6
    for one in spoken:
        around = slice(round((one.middle - 0.125) * RATE), round((one.middle + 0.125) * RATE))
        power = np.square(sound[around] - silent[around], dtype=np.float64).mean()
        background = np.square(silent, dtype=np.float64).mean()
        # Between 0 and 30 dB, with the difference of single seconds of noise.
        assert -1 < 10 * np.log10(power / background) < 31


def test_recordings_that_are_no_words_have_no_labels():
    others = [Source(lambda: burst(200, 300), file="other")]
    _, spoken, unspoken = build(words(1, 2), others, [], 0.5, RATE, seed=2)
    total = 1800 / 2.5
    # Four of ten, within four standard deviations.
    assert len(spoken) == pytest.approx(0.4 * total, abs=4 * np.sqrt(0.24 * total) + 20)
    assert len(unspoken) == pytest.approx(0.6 * total, abs=4 * np.sqrt(0.24 * total) + 20)
    assert {one.file for one in unspoken} == {"other"}
    sound, spoken, _ = build([], others, [], 0.01, RATE, seed=2)
    assert spoken == [] and np.abs(sound).max() > 0
    assert build([], [], [], 0.01, RATE, seed=2)[1] == []


def test_a_stream_follows_from_its_seed():
    one, same, other = (
        build(words(1, 2, 3), [], [noise()], 0.01, RATE, seed)[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_silent_recordings_are_left_out():
    silent = Source(lambda: np.zeros(RATE, np.float32), "word1", "1", "ann")
    assert build([silent], [], [], 0.01, RATE, seed=1)[1] == []


def event(word, start):
    return SimpleNamespace(word=word, start=start, end=start + 1.0)


@pytest.mark.parametrize(
    ("events", "outcomes", "kinds"),
    [
        ([], ["missed", "missed"], []),
        ([("yes", 9.6), ("no", 12.4)], ["found", "found"], ["found", "found"]),
        # The middle of the word is 0.5 s from that of the window, or a little more.
        ([("yes", 9.0), ("yes", 10.01)], ["found", "missed"], ["found", "false alarm"]),
        ([("no", 9.6)], ["mistaken", "missed"], ["mistaken"]),
        ([("no", 9.4), ("up", 9.8)], ["mistaken", "missed"], ["mistaken", "mistaken"]),
        ([("yes", 9.2), ("yes", 9.8)], ["found", "missed"], ["found", "repeated"]),
        ([("no", 9.2), ("yes", 9.8)], ["found", "missed"], ["false alarm", "found"]),
        ([("yes", 30.0), ("no", 31.0)], ["missed", "missed"], ["false alarm", "false alarm"]),
    ],
)
def test_events_are_matched_with_the_closest_word(events, outcomes, kinds):
    spoken = [Spoken("yes", 10.0, "a", "ann"), Spoken("no", 13.0, "b", "ben")]
    found = stream_scores.matched([event(*one) for one in events], spoken)
    assert found == (outcomes, kinds)


def test_scores_are_those_of_the_decoder_at_each_threshold():
    classifier = tones.classifier(gain=10.0)
    classifier.confidences = np.linspace(0.9, 0.99, 100, dtype=np.float32)
    said = [("low", 2.3, 2.5), ("high", 6.3, 6.5), ("middle", 10.3, 10.5)]
    sound = tones.sound(36, said)
    # One of them is not expected, one is expected as another, and one is never said.
    spoken = [
        *(Spoken("low", 2.4, "a", "ann"), Spoken("low", 6.4, "b", "ann")),
        Spoken("high", 20.0, "c", "ben"),
    ]
    [scan] = sliding_window.scan(classifier, [sound])
    table = stream_scores.score(classifier, scan, len(sound), spoken, used=0.9)
    first = table.iloc[0]
    assert first["share"] == 1 and first["threshold"] == 0.9
    pd.testing.assert_series_equal(first, table.iloc[1], check_names=False, rtol=1e-6)
    none = stream_scores.score(classifier, scan, len(sound), spoken, used=1.0).iloc[0]
    assert none[["share", "found", "missed", "false_alarms"]].tolist() == [0, 0, 3, 0]
    counts = ["words", "recordings", "found", "mistaken", "missed", "repeated", "false_alarms"]
    assert first[counts].tolist() == [3, 3, 1, 1, 1, 0, 1]
    assert first["recall"] == pytest.approx(1 / 3)
    expected = intervals.of_share(np.array([True, False, False]), ["ann", "ann", "ben"])
    assert first[["recall_low", "recall_high"]].tolist() == pytest.approx(expected)
    # One in 36 s.
    assert first["per_hour"] == pytest.approx(100)
    assert first[["per_hour_low", "per_hour_high"]].tolist() == pytest.approx(
        [2.53, 557.2], rel=0.01
    )


def test_noise_with_pauses_hides_no_words():
    """Levels are those of the noise around, not of a pause in it."""
    pauses = np.zeros(30 * RATE, np.float32)
    pauses[:RATE] = 0.1 * np.random.default_rng(1).normal(size=RATE)
    sound, spoken, _ = build(words(1, 2), [], [pauses], 0.05, RATE, seed=1)
    for one in spoken:
        middle = round(one.middle * RATE)
        power = np.square(sound[middle - 50 : middle + 50], dtype=np.float64).mean()
        assert 10 * np.log10(power) > labelled_stream.NOISE_DBFS[0] - 1

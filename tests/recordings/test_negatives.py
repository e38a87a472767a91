"""Negatives: which files they are, and how they are divided into sets."""

import unicodedata
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from spokenwords.errors import UserError
from spokenwords.recordings import negatives

RATE = 1000


@pytest.fixture
def touch(tmp_path):
    def touch(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    return touch


def test_recordings_at_any_depth_but_not_those_of_words(tmp_path, touch):
    touch("talk.mp3", "a/b/c/rain.flac", "dog/1.wav", "notes.txt", ".hidden.wav")
    decomposed = unicodedata.normalize("NFD", "größe")
    touch("Yes/1.wav", f"deep/{decomposed}/1.wav", "_background_noise_/hum.wav", ".git/1.wav")
    found = negatives.files(tmp_path, ["yes", "GRÖSSE", "größe"])
    assert found == ["a/b/c/rain.flac", "dog/1.wav", "talk.mp3"]


def test_names_that_are_no_text(tmp_path, touch):
    touch("other/\udcff.wav")
    with pytest.raises(UserError, match="not in UTF-8"):
        negatives.files(tmp_path, ["yes"])


@pytest.mark.parametrize("names", [[], ["yes/1.wav"], ["notes.txt"]])
def test_without_any_the_folder_is_named(tmp_path, touch, names):
    touch(*names)
    with pytest.raises(
        UserError, match=rf"{tmp_path} \(config key dataset.negatives\) contains no"
    ):
        negatives.files(tmp_path, ["yes"])


def test_a_long_recording_is_divided_in_time():
    assert negatives.parts("0/talk.mp3", 100_000, RATE) == [
        ("0/talk.mp3", "train", 0, 60_000),
        ("0/talk.mp3", "valid", 60_000, 20_000),
        ("0/talk.mp3", "test", 80_000, 20_000),
    ]


def test_short_recordings_of_a_speaker_are_in_one_set_as_a_whole():
    rows = [
        row
        for speaker in range(400)
        for take in range(2)
        for row in negatives.parts(f"0/dog{take}/{speaker:08x}_nohash_{take}.wav", 30_000, RATE)
    ]
    assert {row[2:] for row in rows} == {(0, 30_000)}
    first, second = rows[::2], rows[1::2]
    assert [row[1] for row in first] == [row[1] for row in second]
    counts = Counter(row[1] for row in first)
    # Within four standard deviations of 60, 20 and 20 %.
    assert counts["train"] == pytest.approx(240, abs=40)
    assert counts["valid"] == pytest.approx(80, abs=32)
    assert counts["test"] == pytest.approx(80, abs=32)


def test_the_sound_of_a_set_is_joined_up_to_a_limit(tmp_path, write_noise):
    folder = tmp_path / "recordings"
    sounds = {}
    for number, name in enumerate(("a.wav", "b.wav", "c.wav")):
        write_noise(name, seed=number, seconds=2, rate=RATE)
        sounds[name] = negatives.audio.mono(folder / name, RATE)
    rows = [("0/a.wav", "valid", 500, 1000), ("0/b.wav", "train", 0, 2000)]
    rows += [("0/c.wav", "valid", 0, 2000)]
    table = pd.DataFrame(rows, columns=negatives.COLUMNS)
    found = negatives.stream(table, [folder], "valid", RATE, longest=60)
    expected = np.concatenate([sounds["a.wav"][500:1500], sounds["c.wav"]])
    np.testing.assert_array_equal(found, expected)
    # Of 3 s: the first has a share of 0.5 s, which is not half of the other.
    limited = negatives.stream(table, [folder], "valid", RATE, longest=1.5)
    np.testing.assert_array_equal(limited, expected[:1000])
    assert len(negatives.stream(table, [folder], "test", RATE, longest=60)) == 0


def test_limited_sound_is_of_all_recordings(tmp_path, write_noise):
    write_noise("talk.wav", seed=0, seconds=200, rate=RATE)
    for number in range(20):
        write_noise(f"dog/{number:02}.wav", seed=1, seconds=5, rate=RATE)
    rows = [("0/talk.wav", "valid", 0, 200_000)]
    rows += [(f"0/dog/{number:02}.wav", "valid", 0, 5000) for number in range(20)]
    table = pd.DataFrame(rows, columns=negatives.COLUMNS)
    found = negatives.stream(table, [tmp_path / "recordings"], "valid", RATE, longest=60)
    # A fifth: 40 s of the long one, and four of the short ones.
    assert len(found) == 60_000

"""Stores of negatives: segments, their sets, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from conftest import SMALL

from spokenwords.errors import UserError
from spokenwords.recordings import audio, negatives
from spokenwords.spectrograms import write_negatives as stores
from spokenwords.spectrograms.read import open_store

RATE = SMALL.sample_rate


def parts(*rows):
    return pd.DataFrame(rows, columns=negatives.COLUMNS)


def test_segments_overlap_by_half_and_stay_within_their_part():
    table = stores.segments(
        parts(
            ("long", "train", 100, 2600),
            ("short", "train", 0, 400),
            ("long", "valid", 2700, 1000),
            ("long", "test", 3700, 5000),
        ),
        1000,
    )
    assert table.to_numpy().tolist() == [
        *(["long", "train", start, start + 1000] for start in (100, 600, 1100, 1600)),
        ["short", "train", 0, 400],
        ["long", "valid", 2700, 3700],
    ]


def test_a_set_has_a_limited_number_of_segments_from_all_of_its_sound(monkeypatch):
    monkeypatch.setitem(stores.MOST, "train", 50)
    rows = [(f"clip{number}", "train", 0, 800) for number in range(200)]
    table = stores.segments(parts(*rows, ("long", "train", 0, 400_000)), 1000)
    assert len(table) == 50
    starts = table.loc[table["file"] == "long", "start"]
    assert starts.min() < 40_000 and starts.max() > 360_000
    assert table["file"].nunique() > 10


@pytest.fixture
def write(tmp_path, write_noise):
    """Write negatives: a long recording, and clips of ten speakers."""
    folder = tmp_path / "recordings"
    write_noise("talk.wav", seed=0, seconds=40)
    for speaker in range(10):
        write_noise(f"dog/{speaker:08x}_nohash_0.wav", seed=speaker + 1, seconds=0.7)
    write_noise("yes/00000000_nohash_0.wav", seed=11)

    def write(on_unreadable="error"):
        path, segments, table = (tmp_path / name for name in ("n.zarr", "n.csv", "parts.csv"))
        storage = {"rounding": 16, "chunk_length": 8, "compression": "zstd"}
        options = {"length": 1000, "on_unreadable": on_unreadable, "digest": "0" * 64}
        stores.write(path, segments, table, [folder], ["yes"], SMALL, **options, **storage)
        return open_store(path), pd.read_csv(segments), pd.read_csv(table)

    return write


def test_rows_are_the_spectrograms_of_segments(write, tmp_path):
    store, segments, table = write()
    assert list(segments["file"]) == store.files
    assert list(segments["row"]) == list(range(len(store.files)))
    assert not table["file"].str.contains("yes").any()
    assert set(segments["set"]) == {"train", "valid"}
    talk = audio.mono(tmp_path / "recordings/talk.wav", RATE)
    for start, name in ((0, "train"), (23_000, "train"), (24_000, "valid")):
        [row] = segments.index[segments["file"] == f"0/talk.wav@{start / RATE:.3f}s"]
        assert segments["set"][row] == name
        chunk = store.read(row // 8)
        expected = SMALL.complex_spectrogram(talk[start : start + 1000])
        np.testing.assert_allclose(chunk[row % 8], expected, atol=2e-3)


def test_unreadable_negatives_are_named_or_skipped(write, tmp_path, messages):
    (tmp_path / "recordings/text.wav").write_text("no sound")
    with pytest.raises(UserError, match=r"cannot be read: .*text\.wav \(a text file\)"):
        write()
    write("skip")
    assert any("text.wav" in line and "skipped" in line for line in messages)

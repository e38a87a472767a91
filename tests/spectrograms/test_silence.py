"""Segments of noise: position, level and metadata."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import SMALL

from spokenwords.errors import UserError
from spokenwords.spectrograms import silence
from spokenwords.spectrograms.read import open_store

STORAGE = {"rounding": 16, "chunk_length": 64, "compression": "zstd"}


def test_segments_stay_within_their_part():
    # Of 40 s, the first 20 are for training, the next 4 for validation.
    table = silence.segments({"tap.wav": 40_000}, sample_rate=1_000, length=1_000)
    train, valid = (table[table["set"] == name]["start"] for name in ("train", "valid"))
    assert train.tolist() == list(range(0, 19_001, 250))
    assert valid.tolist() == list(range(20_000, 23_001, 250))
    # Attenuations take turns.
    assert table["attenuation_db"].tolist()[:6] == [0, 10, 20, 30, 40, 0]


def test_segments_are_the_recordings_attenuated(write_noise, tmp_path):
    path = write_noise("_background_noise_/tap.wav", seed=1, seconds=40)
    store, table = tmp_path / "_silence_.zarr", tmp_path / "_silence_.csv"
    silence.write(store, table, path.parent, {"tap.wav": "1"}, SMALL, 1_000, **STORAGE)
    opened = open_store(store)
    values = opened.read(0)[:5].astype(float)
    samples, _ = soundfile.read(path)
    for row, factor in enumerate([1, 0.316227766, 0.1, 0.0316227766, 0.01]):
        cut = samples[row * 250 : row * 250 + 1_000]
        expected = factor * SMALL.complex_spectrogram(cut)
        np.testing.assert_allclose(values[row], expected, atol=2e-4)
    assert opened.files[4] == "_background_noise_/tap.wav@1.00s"
    rows = pd.read_csv(table)
    assert [opened.files[row] for row in rows["row"]] == rows["file"].tolist()
    assert rows[rows["set"] == "valid"]["file"].iloc[0] == "_background_noise_/tap.wav@20.00s"
    assert len(pd.read_csv(table)) == len(opened.files) == 77 + 13


def test_recordings_too_short_for_a_cut_to_validate_on(write_noise, tmp_path):
    path = write_noise("tap.wav", seed=1, seconds=9.9)
    with pytest.raises(UserError, match=r"too short for segments of silence \(valid\)"):
        silence.write(
            tmp_path / "s.zarr",
            tmp_path / "s.csv",
            path.parent,
            ["tap.wav"],
            SMALL,
            1_000,
            **STORAGE,
        )


def test_all_that_cannot_be_used_are_named(write_noise, tmp_path):
    path = write_noise("short.wav", seed=1, seconds=1.9)
    (path.parent / "text.wav").write_text("no sound")
    with pytest.raises(UserError, match=r"short\.wav \(.*text\.wav \("):
        silence.write(
            *(
                tmp_path / "s.zarr",
                tmp_path / "s.csv",
                path.parent,
                {"short.wav": "1", "text.wav": "2"},
            ),
            *(SMALL, 1_000),
            **STORAGE,
        )


def test_an_hour_of_noise_does_not_make_thousands():
    table = silence.segments({"a.wav": 3_000_000, "b.wav": 600_000}, 1_000, length=1_000)
    counts = table[table["set"] == "train"]["file"].value_counts()
    assert 1990 <= counts.sum() <= 2000
    assert counts["a.wav"] / counts["b.wav"] == pytest.approx(5, rel=0.02)


def test_a_store_of_other_noise_is_another_store(write_noise, tmp_path):
    path = write_noise("tap.wav", seed=1, seconds=20)
    texts = []
    for content in ("1", "2"):
        place = tmp_path / content / "_silence_.zarr"
        place.parent.mkdir()
        table = place.with_suffix(".csv")
        silence.write(place, table, path.parent, {"tap.wav": content}, SMALL, 1_000, **STORAGE)
        texts.append((place / "zarr.json").read_text())
    assert texts[0] != texts[1]

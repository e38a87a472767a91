"""Sizes of stores on disk."""

import pytest

from spokenwords.spectrograms import sizes
from spokenwords.spectrograms.read import open_store


def test_sizes(write_store):
    paths = [write_store("bird", 5), write_store("cat", 3)]
    table = sizes.sizes([open_store(path) for path in paths]).set_index("word")
    assert list(table.index) == ["bird", "cat", "(all)"]
    assert list(table["recordings"]) == [5, 3, 8]
    # A second at 1,000 Hz, in transforms of 64 samples every 20: 33 frequencies, 51 frames.
    assert set(table["frequencies"]) == {33} and set(table["frames"]) == {51}
    assert list(table["raw_megabytes"]) == pytest.approx(
        [4 * 2 * 33 * 51 * count / 1e6 for count in (5, 3, 8)], abs=5e-4
    )
    for path in paths:
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        assert table.loc[path.stem, "megabytes"] == pytest.approx(size / 1e6, abs=5e-4)
    everything = table.loc["(all)"]
    assert everything["megabytes"] == pytest.approx(table["megabytes"][:2].sum(), abs=1e-3)
    assert everything["kilobytes_a_recording"] == pytest.approx(
        1000 * everything["megabytes"] / 8, abs=0.1
    )

"""What figures do not tell, and names that may tell who speaks."""

import numpy as np
import pandas as pd
import pytest

from spokenwords.recordings import limits, manifest


def test_enough_recordings_are_the_fewest_with_a_narrow_interval():
    """Wilson's interval of 0.9 in the form of his paper: the roots of a quadratic equation."""

    def width(count, share=0.9, z=1.959964):
        roots = np.roots([1 + z**2 / count, -(2 * share + z**2 / count), share**2])
        return roots.max() - roots.min()

    assert width(limits.ENOUGH) < 0.1 <= width(limits.ENOUGH - 1)


def recordings(*files, known=()):
    rows = [*((file, file) for file in files), *((file, "anna") for file in known)]
    return pd.DataFrame(rows, columns=["file", "speaker"])


@pytest.mark.parametrize(
    ("files", "speaker", "renamed"),
    [
        (["hello/anna-1.wav", "hello/anna_2.wav", "bye/ben-1.wav", "bye/ben-2.wav"], "ben", None),
        (["a/anna 1.wav", "b/anna 2.wav", "a/ben 1.wav", "b/ben 2.wav"], "anna", "anna_nohash_1"),
        (
            ["a/anna (1).flac", "b/anna.2.wav", "a/bo.1.wav", "b/bo.2.wav"],
            "anna",
            "anna_nohash_(1)",
        ),
        (["a/anna-h-1.wav", "b/anna-2.wav", "a/bo-1.wav", "b/bo-2.wav"], "anna", "anna_nohash_h-1"),
        # As the Free Spoken Digit Dataset names them: the word comes first.
        (["0/0_jo_0.wav", "1/1_jo_0.wav", "0/0_theo_1.wav", "1/1_theo_1.wav"], "jo", "jo_nohash_0"),
        (["so so/So So_jo-1.wav", "a/jo-2.wav", "a/li-1.wav", "a/li-2.wav"], "jo", None),
    ],
)
def test_prefixes_that_names_share_may_be_speakers(files, speaker, renamed):
    asked = manifest.prefixed(recordings(*files))
    assert asked == min(files)
    text = limits.advice(asked)
    assert f"If {speaker} is the speaker of {asked}," in text
    assert f"lines such as {asked},{speaker}." in text
    if renamed:
        word, _, suffix = asked.partition("/")[0], *asked.rpartition(".")[1:]
        assert f"rename it to {word}/{renamed}.{suffix}," in text


@pytest.mark.parametrize(
    "files",
    [
        [],
        ["a/1.wav", "a/2.wav"],
        # One for all is what recorders call their files.
        ["a/rec-1.wav", "a/rec-2.wav", "b/rec-3.wav"],
        ["hello/hello_1.wav", "hello/hello_2.wav", "bye/bye-1.wav", "bye/bye-2.wav"],
        ["a/anna-1.wav", "a/ben-1.wav", "a/carl-1.wav"],
        # Most do not share theirs.
        ["a/x-1.wav", "a/x-2.wav", "a/y-1.wav", "a/y-2.wav", *(f"b/{n}-.wav" for n in range(4))],
    ],
)
def test_other_names_are_not_asked_about(files):
    assert manifest.prefixed(recordings(*files)) == ""
    assert "If " not in limits.advice("")


def test_speakers_that_are_known_are_not_asked_for():
    known = ["a/anna-1.wav", "a/anna-2.wav", "a/ben-1.wav", "a/ben-2.wav"]
    assert manifest.prefixed(recordings("a/1.wav", known=known)) == ""

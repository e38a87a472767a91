"""Which classes a run tells apart, and which recordings belong to them."""

import pandas as pd
import pytest

from spokenwords import classes
from spokenwords.errors import UserError

WORDS = ["bed", "cat", "dog", "up"]
ALL = {"words": "all", "unknown": [], "silence": False}


@pytest.fixture
def manifest(tmp_path):
    """A manifest of two recordings a word."""
    rows = [
        (f"{word}/{row}.wav", word, label, "ann", row)
        for label, word in enumerate(WORDS)
        for row in range(2)
    ]
    path = tmp_path / "train.csv"
    table = pd.DataFrame(rows, columns=["file", "word", "label", "speaker", "row"])
    table.to_csv(path, index=False)
    return path


@pytest.fixture
def cuts(tmp_path):
    path = tmp_path / "cuts.csv"
    rows = [("n@0.00s", "train", 0), ("n@0.25s", "train", 1), ("n@5.00s", "valid", 2)]
    pd.DataFrame(rows, columns=["file", "set", "row"]).to_csv(path, index=False)
    return str(path)


def test_all_words(manifest):
    chosen = classes.choose(WORDS, ALL)
    assert (chosen.names, chosen.no_words) == (WORDS, [])
    assert chosen.manifest(manifest)["word"].map(chosen.number).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert chosen.strangers(manifest).empty


def test_unknown_words_are_one_class(manifest):
    chosen = classes.choose(WORDS, ALL | {"unknown": ["bed", "dog"]})
    assert (chosen.names, chosen.no_words) == (["cat", "up", "unknown"], ["unknown"])
    table = chosen.manifest(manifest)
    assert table["word"].map(chosen.number).tolist() == [2, 2, 0, 0, 2, 2, 1, 1]
    assert chosen.renamed(table)["word"].tolist() == [
        *["unknown"] * 2,
        *["cat"] * 2,
        *["unknown"] * 2,
        *["up"] * 2,
    ]
    # Stores are still found by the words' own labels.
    assert table["label"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_words_that_are_left_out_are_strangers(manifest):
    chosen = classes.choose(WORDS, ALL | {"words": ["up", "cat"], "unknown": ["dog"]})
    assert chosen.names == ["cat", "up", "unknown"]
    assert set(chosen.manifest(manifest)["word"]) == {"cat", "dog", "up"}
    assert chosen.strangers(manifest)["file"].tolist() == ["bed/0.wav", "bed/1.wav"]


def test_silence_takes_the_cuts_of_the_set(manifest, cuts):
    chosen = classes.choose(WORDS, ALL | {"silence": True})
    assert (chosen.names, chosen.no_words) == ([*WORDS, "silence"], ["silence"])
    table = chosen.manifest(manifest, [cuts])
    assert table["file"].tolist()[-2:] == ["n@0.00s", "n@0.25s"]
    # Their store comes after those of the four words.
    assert table["label"].tolist()[-2:] == [4, 4]
    assert table["row"].tolist()[-2:] == [0, 1]
    assert table["word"].map(chosen.number).tolist()[-2:] == [4, 4]
    assert len(table) == 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"words": ["bed", "cow"]}, "no recordings of cow"),
        ({"unknown": ["owl", "cow"]}, "no recordings of cow, owl"),
        ({"unknown": ["bed", "cat", "dog"]}, "leaves 1 words"),
    ],
)
def test_what_does_not_fit_is_told(change, message):
    with pytest.raises(UserError, match=message):
        classes.choose(WORDS, ALL | change)


@pytest.mark.parametrize(
    ("name", "change"), [("unknown", {"unknown": ["bed"]}), ("silence", {"silence": True})]
)
def test_a_word_named_like_a_class(name, change):
    words = sorted([*WORDS, name])
    with pytest.raises(UserError, match=f"'{name}' has the name of a class"):
        classes.choose(words, ALL | change)
    # Without such a class it is a word like others, as it is when it belongs to that class.
    assert name in classes.choose(words, ALL).names
    if name == "unknown":
        chosen = classes.choose(words, ALL | {"unknown": ["unknown", "bed"]})
        assert chosen.names == ["cat", "dog", "up", "unknown"]

"""The classes of a run, and the recordings of each."""

import pandas as pd
import pytest

from spokenwords.errors import UserError
from spokenwords.recordings import classes, manifest

WORDS = ["bed", "cat", "dog", "up"]
ALL = {"words": "all", "unknown": [], "silence": False, "negatives": 0}


@pytest.fixture
def train(tmp_path):
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
def segments(tmp_path):
    path = tmp_path / "segments.csv"
    rows = [(f"n@{row}s", "train" if row < 5 else "valid", row) for row in range(6)]
    pd.DataFrame(rows, columns=["file", "set", "row"]).to_csv(path, index=False)
    return str(path)


def test_all_words(train):
    chosen = classes.choose(WORDS, ALL)
    assert (chosen.names, chosen.non_words) == (WORDS, [])
    assert manifest.of_classes(train, chosen)["word"].map(chosen.number).tolist() == [
        0,
        0,
        1,
        1,
        2,
        2,
        3,
        3,
    ]


def test_unknown_words_are_one_class(train):
    chosen = classes.choose(WORDS, ALL | {"unknown": ["bed", "dog"]})
    assert (chosen.names, chosen.non_words) == (["cat", "up", "unknown"], ["unknown"])
    table = manifest.of_classes(train, chosen)
    assert table["word"].map(chosen.number).tolist() == [2, 2, 0, 0, 2, 2, 1, 1]
    assert manifest.renamed(table, chosen)["word"].tolist() == [
        *["unknown"] * 2,
        *["cat"] * 2,
        *["unknown"] * 2,
        *["up"] * 2,
    ]
    # Stores are still found by the words' own labels.
    assert table["label"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"words": ["up"], "unknown": ["bed", "cat", "dog"]}, ["up", "unknown"]),
        ({"unknown": ["bed", "cat", "dog"]}, ["up", "unknown"]),
        ({"words": ["up"], "silence": True}, ["up", "silence"]),
        ({"words": ["up"], "unknown": ["cat"], "silence": True}, ["up", "unknown", "silence"]),
    ],
)
def test_a_single_word_and_another_class_are_enough(change, names):
    assert classes.choose(WORDS, ALL | change).names == names


def test_a_data_set_of_one_word_needs_noise():
    assert classes.choose(["up"], ALL | {"silence": True}).names == ["up", "silence"]
    with pytest.raises(UserError, match="only the class up"):
        classes.choose(["up"], ALL)


def a_split(folder, **sets):
    """Manifests of recordings (word, speaker) in a folder; who is None is not known."""
    folder.mkdir()
    for name, spoken in sets.items():
        rows = [
            (file, word, WORDS.index(word), speaker or file, row)
            for row, (word, speaker) in enumerate(spoken)
            for file in [f"{word}/{name}{row}.wav"]
        ]
        table = pd.DataFrame(rows, columns=["file", "word", "label", "speaker", "row"])
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder / "train.csv"


def test_a_word_without_training_recordings_stops_the_run(tmp_path):
    train = a_split(
        tmp_path / "by_voice",
        train=[("bed", "ann"), ("dog", "ann"), ("up", "ann")],
        valid=[("bed", "ben"), ("cat", "carl")],
        test=[("up", "dora"), ("cat", "eve"), ("cat", "carl"), ("cat", None)],
    )
    with pytest.raises(UserError) as caught:
        manifest.of_classes(train, classes.choose(WORDS, ALL))
    message = str(caught.value)
    assert message.startswith(f"{train} has no recordings of cat, but this run needs them.")
    # In which sets it is, how often, by whom.
    assert (
        "\n  cat: 4 recordings of 2 speakers, 1 of unknown speakers; valid has 1 by carl; test has "
        "3 by carl, eve\n" in message
    )
    assert "config key splits.by_voice" in message and "Add recordings" in message
    # Other sets are tested and validated on what they have.
    for name in ("valid", "test"):
        assert len(manifest.of_classes(train.with_name(f"{name}.csv"), classes.choose(WORDS, ALL)))


def test_only_classes_that_a_run_has_need_training_recordings(tmp_path):
    train = a_split(tmp_path / "s", train=[("bed", "ann"), ("dog", "ann")], test=[("cat", "ben")])
    for change in (
        {"words": ["bed", "dog"]},
        # A class of several words is learnt of those that there are.
        {"words": ["bed"], "unknown": ["cat", "dog"]},
    ):
        assert len(manifest.of_classes(train, classes.choose(WORDS, ALL | change))) == 2
    chosen = classes.choose(WORDS, ALL | {"words": ["bed"], "unknown": ["cat", "up"]})
    with pytest.raises(
        UserError,
        match=r"train\.csv has no recordings of cat, up, .*\n.*\n  up: no recordings\nAdd",
    ):
        manifest.of_classes(train, chosen)


def test_words_that_are_left_out_have_no_class(train):
    chosen = classes.choose(WORDS, ALL | {"words": ["up", "cat"], "unknown": ["dog"]})
    assert chosen.names == ["cat", "up", "unknown"]
    assert set(manifest.of_classes(train, chosen)["word"]) == {"cat", "dog", "up"}


def test_silence_takes_segments_of_the_set_as_many_as_a_class_has_recordings(train, segments):
    chosen = classes.choose(WORDS, ALL | {"silence": True})
    assert (chosen.names, chosen.non_words) == ([*WORDS, "silence"], ["silence"])
    table = manifest.of_classes(train, chosen, [segments])
    # Of the five for training, two: the first and the last.
    assert table["file"].tolist()[8:] == ["n@0s", "n@4s"]
    # Their store comes after those of the four words.
    assert table["label"].tolist()[8:] == [4, 4]
    assert table["row"].tolist()[8:] == [0, 4]
    assert table["word"].map(chosen.number).tolist()[8:] == [4, 4]
    valid = train.rename(train.with_name("valid.csv"))
    assert manifest.of_classes(valid, chosen, [segments])["file"].tolist()[8:] == ["n@5s"]


def test_a_set_without_any_of_the_words_is_reported(train):
    chosen = classes.choose(["owl", "cow", *WORDS], ALL | {"words": ["cow", "owl"]})
    with pytest.raises(UserError, match=r"train\.csv has no recordings of cow, owl, but"):
        manifest.of_classes(train, chosen)


def test_a_word_called_silence_may_be_unknown_next_to_the_class():
    words = ["bed", "cat", "silence"]
    chosen = classes.choose(words, ALL | {"unknown": ["silence"], "silence": True})
    assert chosen.names == ["bed", "cat", "unknown", "silence"]
    assert chosen.number == {"bed": 0, "cat": 1, "silence": 2, "_silence_": 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"words": ["bed", "cow"]}, "list cow, but"),
        ({"unknown": ["owl", "cow"]}, "list cow, owl, but"),
        ({"unknown": WORDS}, "no word to classify"),
        ({"unknown": WORDS, "silence": True}, "no word to classify"),
        ({"words": ["bed"]}, r"only the class bed.*`unknown: \[<word>, …\]`.*`silence: on`"),
    ],
)
def test_settings_that_do_not_fit_are_reported(change, message):
    with pytest.raises(UserError, match=message):
        classes.choose(WORDS, ALL | change)


@pytest.mark.parametrize("change", [{}, {"unknown": ["bed"]}])
def test_a_word_may_not_be_named_unknown(change):
    words = [*WORDS, "unknown"]
    with pytest.raises(UserError, match="'unknown' has the name of a non-word class"):
        classes.choose(words, ALL | change)
    chosen = classes.choose(words, ALL | {"unknown": ["unknown", "bed"]})
    assert chosen.names == ["cat", "dog", "up", "unknown"]
    assert classes.choose(words, ALL | {"words": ["cat", "dog"]}).names == ["cat", "dog"]


def test_a_word_may_not_be_named_silence_next_to_the_class():
    words = [*WORDS, "silence"]
    with pytest.raises(UserError, match="'silence' has the name of a non-word class"):
        classes.choose(words, ALL | {"silence": True})
    assert "silence" in classes.choose(words, ALL).names


def test_errors_name_the_run():
    with pytest.raises(UserError, match=r"of runs\.mine .* list cow, but"):
        classes.choose(WORDS, ALL | {"words": ["bed", "cow"], "run": "mine"})

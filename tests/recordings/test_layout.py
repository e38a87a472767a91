"""Folders that, by name or location, are probably not words."""

import os
import re
from pathlib import Path

import pytest
from copies import OVERLAY, Copy

from spokenwords.errors import UserError
from spokenwords.recordings import data_folder


@pytest.fixture
def write(tmp_path, monkeypatch):
    """A function that writes empty files into the folder `data`, and returns its relative path."""
    monkeypatch.chdir(tmp_path)

    def write(*files):
        for file in files:
            path = Path("data", file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return Path("data")

    return write


WORDS = ("up/1.wav", "no/1.wav")


def test_a_plain_folder_raises_no_doubts(write, messages):
    folder = write(
        *WORDS,
        *("test 1/1.wav", "cats (2)/1.wav", "copy/1.wav", "noisy/1.wav", "testify/1.wav"),
        *("_background_noise_/1.wav", "up/notes.txt", "README.md", "validation_list.txt"),
        # What archives and tools leave has no recordings of anybody.
        *("__MACOSX/up/._1.wav", ".git/x.wav", "up/.cache/1.wav", "._up.wav", "_docs/a.txt"),
    )
    assert list(data_folder.words(folder, "all", 1)) == [
        *("cats (2)", "copy", "no", "noisy", "test 1", "testify", "up")
    ]
    assert messages == []


# What may be meant: files beside two words, the words there are, and what is said.
DOUBTFUL = {
    "nested": (
        ["hello/anna/1.wav", "hello/anna/2.wav", "hello/ben/1.wav"],
        [],
        "The folder hello has no recordings, but its folder anna has 2 (for example "
        "hello/anna/1.wav). Recordings in subfolders of data/<word> are skipped, 3 in all. If "
        "hello is the word, rename this recording to hello/anna_nohash_1.wav. If anna is the word, "
        "rename it to anna/hello_nohash_1.wav. The part before _nohash_ is the speaker.",
    ),
    "nested beside recordings": (
        ["up/more/x/1.wav"],
        [],
        "The folder up has some recordings, and its folder more/x has 1 (up/more/x/1.wav). "
        "Recordings in subfolders of data/<word> are skipped, 1 in all. If up is the word, rename "
        "this recording to up/more_x_nohash_1.wav. If x is the word, rename it to "
        "x/up_more_nohash_1.wav. The part before _nohash_ is the speaker.",
    ),
    "words below a set": (
        ["a/b/1.wav", "test/up/1.wav"],
        [],
        "The folder test has no recordings, but its folder up has 1 (test/up/1.wav). Recordings in "
        "subfolders of data/<word> are skipped, 2 in all. If these are sets (test), put all "
        "recordings of a word into one folder data/<word>/",
    ),
    "directly": (
        ["a.wav", "b.wav"],
        [],
        "Recordings in data itself: a.wav, b.wav. Move each to data/<word>/.",
    ),
    "many directly": (
        [f"{number}.wav" for number in range(1007)],
        [],
        "Recordings in data itself: 0.wav, 1.wav, 10.wav, 100.wav, 1000.wav and 1,002 more. Move",
    ),
    "empty": (
        ["empty/", "notes/a.txt"],
        [],
        "Folders without recordings: empty, notes. Add some, or remove the folders.",
    ),
    "aside": (
        ["_silence_/1.wav", "_noise_/1.wav"],
        [],
        "Folders skipped because their names start with _: _noise_, _silence_. Rename those of "
        "words; the folder of background noise must be named _background_noise_.",
    ),
    **{
        f"named {name}": (
            [f"{name}/1.wav"],
            [name],
            f"Words that may be background noise: {name}. If they are, name them "
            "_background_noise_.",
        )
        for name in ("background_noise", "Background Noise", "backgroundnoise", "noise")
    },
    "a set": (
        ["test/1.wav", "Val/1.wav"],
        ["test", "Val"],
        "Words that may be sets: Val, test. If they are, put all recordings of a word into one "
        "folder data/<word>/ and list those of the validation and test sets in validation_list.txt "
        "and testing_list.txt next to these folders (split method `official`).",
    ),
    "case": (
        ["No/1.wav", "NO/1.wav"],
        ["No", "NO"],
        "Words that differ only in case: NO and No and no. Merge those that are the same word.",
    ),
}


@pytest.mark.parametrize(("files", "words", "says"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_folders_that_may_be_wrong_cause_a_warning(write, messages, files, words, says):
    folder = write(*WORDS, *(file for file in files if file[-1] != "/"))
    for file in files:
        if file[-1] == "/":
            (folder / file).mkdir()
    assert list(data_folder.words(folder, "all", 1)) == sorted(["up", "no", *words])
    [message] = messages
    assert message.startswith(f"Warning: {says}")
    # Words that are listed are meant.
    messages.clear()
    data_folder.words(folder, ["up", "no", *words], 1)
    assert messages == ([message] if message.startswith("Warning: The folder up") else [])


# What cannot be meant: the files there are, and what is said.
CERTAIN = {
    "sets above words": (
        ["train/up/1.wav", "train/no/1.wav", "test/up/1.wav", "val/no/1.wav"],
        r"The folder test has no recordings, but its folder up has 1 \(test/up/1.wav\)\. .* 4 in "
        r"all\. If these are sets \(test, train, val\), put all recordings of a word into one "
        "folder data/<word>/ and list .* validation_list.txt",
    ),
    "sets instead of words": (
        ["train/1.wav", "TEST/1.wav", "validation/2.wav"],
        "The folders TEST, train, validation in data have the names of sets, not words: put all",
    ),
    "speakers above words": (
        ["anna/up/1.wav", "anna/no/1.wav", "ben/up/1.wav"],
        r"The folder anna has no recordings, but its folder no has 1 \(anna/no/1.wav\).* If no is "
        "the word, rename it to no/anna_nohash_1.wav",
    ),
    "words above speakers": (
        ["up/anna/1.wav", "no/anna/1.wav"],
        r"The folder no has .*\(no/anna/1.wav\).* If no is the word, rename this recording to "
        "no/anna_nohash_1.wav",
    ),
    "a folder too high": (
        ["speech/v1/up/1.wav", "speech/v1/no/1.wav", "speech/v1/_background_noise_/1.wav"],
        r"All recordings are in data/speech/v1: name it in config key dataset.folder\.",
    ),
    "all directly": (
        ["up_1.wav", "no_1.wav"],
        r"Recordings in data itself: no_1.wav, up_1.wav\. Move each",
    ),
    "empty": (["up/a.txt"], r"Folders without recordings: up\. Add some"),
    **{
        f"copy: {copy}": (
            [*WORDS, f"{copy}/1.wav"],
            f"The folder '{re.escape(copy)}' in data looks like a copy of 'up', .* remove it or",
        )
        for copy in (
            *(
                "up - Copy",
                "up - Copy (2)",
                "up (1)",
                "up(12)",
                "Copy of up",
                "up copy",
                "up copy 2",
            ),
            *("up (copy)", "up_copy", "up-copy", "up - Kopie", "Kopie von up", "up - copia"),
        )
    },
    "Unicode": (
        ["caf\u00e9/1.wav", "cafe\u0301/1.wav"],
        r"The folders 'cafe\\u0301' and 'caf\\xe9' in data differ only in spaces or in how letters",
    ),
    "spaces": ([*WORDS, "up /1.wav"], "The folders 'up' and 'up ' in data differ only in spaces"),
}


@pytest.mark.parametrize(("files", "says"), CERTAIN.values(), ids=CERTAIN)
def test_folders_that_are_certainly_wrong_are_an_error(write, messages, files, says):
    with pytest.raises(UserError, match=says):
        data_folder.words(write(*files), "all", 1)
    assert messages == []


@pytest.mark.parametrize(
    "words", [["train", "test"], ["up", "up (1)"], ["up", "up "], ["No", "no"]]
)
def test_words_that_are_listed_are_meant(write, messages, words):
    folder = write(*(f"{word}/1.wav" for word in words), "empty.wav", "other/1.wav", "_x/1.wav")
    assert list(data_folder.words(folder, words, 1)) == sorted(words)
    assert messages == []


@pytest.mark.parametrize(
    ("wanted", "there"), [("Up", "up"), ("caf\u00e9", "cafe\u0301"), ("no", "no ")]
)
def test_a_listed_word_that_is_spelled_otherwise_is_reported(write, wanted, there):
    with pytest.raises(UserError) as error:
        data_folder.words(write(f"{there}/1.wav", "x/1.wav"), [wanted, "x"], 1)
    assert f"{wanted!a} is missing, but there is {there!a}" in str(error.value)


def test_a_listed_word_whose_recordings_lie_deeper_is_reported(write):
    with pytest.raises(UserError, match=r"of hello .* its folder anna has 1 \(hello/anna/1.wav\)"):
        data_folder.words(write(*WORDS, "hello/anna/1.wav"), ["up", "hello"], 1)


def test_what_is_no_word_may_have_any_names(write, messages):
    write(*WORDS, os.fsdecode(b"_old/\xff.wav"), os.fsdecode(b"\xff.wav"), "_x/y/1.wav")
    data_folder.words(Path("data"), "all", 1)
    assert len(messages) == 2
    assert "\\xff.wav" in messages[0]
    "".join(messages).encode()


def test_folders_of_words_are_listed_once_where_they_hold_nothing_else(write, monkeypatch):
    folder = write(*WORDS, "no/a.txt")
    listed = []
    listdir, scandir = os.listdir, os.scandir
    monkeypatch.setattr(os, "listdir", lambda path: (listed.append(str(path)), listdir(path))[1])
    monkeypatch.setattr(os, "scandir", lambda path: (listed.append(str(path)), scandir(path))[1])
    data_folder.words(folder, "all", 1)
    assert sorted(listed) == ["data", "data/no", "data/no", "data/up"]


@pytest.mark.workflow
def test_warnings_are_printed_once_before_anything_runs(write, tmp_path):
    copy = Copy(tmp_path, OVERLAY)
    copy.overlay["dataset"] = {"source": "folder", "folder": "data"}
    write(*WORDS, "stray.wav")
    done = copy.dry_run()
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Recordings in data itself: stray.wav. Move each") == 1
    write("up - Copy/1.wav")
    done = copy.dry_run()
    assert done.returncode == 1
    assert done.stdout.count("The folder 'up - Copy' in data looks like a copy of 'up'") == 1
    assert "Traceback" not in done.stdout

"""Which recordings a path stands for, and when they count as changed."""

import os
import re
import unicodedata
from pathlib import Path

import pytest

from spokenwords.errors import UserError
from spokenwords.jobs import hashing
from spokenwords.recognition import inputs
from spokenwords.recordings import doubts


@pytest.fixture
def make(tmp_path):
    """A function that makes files of these names in a folder, each with other content."""

    def make(*names):
        folder = tmp_path / "recordings"
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"content of {name!r}")
        return folder

    return make


def names(folder):
    return [str(path.relative_to(folder)) for path in inputs.recordings(folder)]


def test_a_folder_is_searched_with_all_below_it_and_sorted(make):
    folder = make("b.wav", "a/z.flac", "a/b/c/x.WAV", "a/a.FlAc", "B.wav", "c.pdf", "d.txt", "wav")
    assert names(folder) == ["B.wav", "a/a.FlAc", "a/b/c/x.WAV", "a/z.flac", "b.wav"]


def test_files_of_other_kinds_are_counted(make, messages):
    folder = make("a.wav", "b.txt", "c/d.txt", "c/e.pdf", ".hidden", "c/Thumbs.db", "f.m4a")
    assert names(folder) == ["a.wav", "f.m4a"]
    assert messages == ["Skipped 3 files of other types (.pdf, .txt)."]
    (folder / "a.wav").unlink()
    (folder / "f.m4a").unlink()
    with pytest.raises(UserError, match=r"There are no .* sound files"):
        inputs.recordings(folder)
    assert messages[1:] == messages[:1]


def test_hidden_files_and_folders_are_left_out_but_not_one_that_is_named(make):
    folder = make(".a.wav", "._b.wav", ".git/c.wav", "d/.e.flac", "f.wav", ".trash/g.wav")
    assert names(folder) == ["f.wav"]
    assert names(folder / ".trash") == ["g.wav"]
    assert inputs.recordings(folder / ".a.wav") == [folder / ".a.wav"]


ODD = [
    *("ein, zwei.wav", 'sie sagte "ja".wav', "zeile1\nzeile2.wav", "wagen\rrück.wav", " leer .wav"),
    *(
        "ünï.flac",
        "数字.wav",
        "NA.wav",
        "-rf.wav",
        "%s{}$HOME.wav",
        "*.wav",
        "a\tb.wav",
        ".wav.wav",
    ),
]


def test_odd_names(make):
    assert names(make(*ODD)) == sorted(name for name in ODD if name[0] != ".")


def test_a_folder_may_have_the_name_of_a_recording(make):
    folder = make("a.wav/b.wav")
    assert names(folder) == names(folder / "a.wav/..") == ["a.wav/b.wav"]
    assert inputs.recordings(folder / "a.wav") == [folder / "a.wav/b.wav"]


def test_paths_begin_as_the_folder_was_given(make, monkeypatch):
    folder = make("a/b.wav")
    monkeypatch.chdir(folder)
    assert inputs.recordings(Path("a")) == [Path("a/b.wav")]
    assert inputs.recordings(Path()) == [Path("a/b.wav")]
    assert inputs.recordings(Path("../recordings")) == [Path("../recordings/a/b.wav")]


def test_a_folder_that_links_lead_to_is_searched_once(make, tmp_path):
    folder = make("a/b.wav", "c/d.wav", "../other/e.wav")
    (folder / "a/round").symlink_to(folder)
    (folder / "c/twice").symlink_to(folder / "a")
    (folder / "elsewhere").symlink_to(tmp_path / "other")
    assert names(folder) == ["a/b.wav", "c/d.wav", "elsewhere/e.wav"]


def test_links_to_nowhere_and_in_circles_are_recordings_that_cannot_be_read(make):
    folder = make("a.wav")
    (folder / "b.wav").symlink_to("nowhere")
    (folder / "c.wav").symlink_to("c.wav")
    assert names(folder) == ["a.wav", "b.wav", "c.wav"]


def test_a_folder_that_may_not_be_searched_is_a_recording_that_cannot_be_read(make, monkeypatch):
    folder, scan = make("a.wav", "secret/b.wav", "z.wav"), os.listdir

    def guarded(path):
        if Path(path).name == "secret":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "listdir", guarded)
    assert names(folder) == ["a.wav", "secret", "z.wav"]


@pytest.mark.parametrize("name", ["a.wav", "a.FLAC"])
def test_a_recording_is_itself(make, name):
    folder = make("a.wav", "a.FLAC")
    assert inputs.recordings(folder / name) == [folder / name]


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_list_names_recordings_from_its_own_folder_on(make, start, end):
    folder = make("one.wav")
    lines = [
        "one.wav",
        "",
        "  ",
        "sub/zwei, drei.flac",
        "/abs/四.wav",
        "../up.wav",
        "one.wav",
    ]
    text = folder / "list.txt"
    text.write_bytes((start + end.join(lines)).encode())
    assert inputs.recordings(text) == [
        *(folder / "one.wav", folder / "sub/zwei, drei.flac", Path("/abs/四.wav")),
        *(folder / "../up.wav", folder / "one.wav"),
    ]


@pytest.mark.parametrize("name", ["list", "list.csv", ".list", "list.wav.txt"])
def test_a_list_may_have_any_other_name(make, name):
    folder = make("a.wav")
    (folder / name).write_text("a.wav\n")
    assert inputs.recordings(folder / name) == [folder / "a.wav"]


# Lists of the same two recordings, as people and programs write them.
NAMES = ["a b.wav", "sub/é.flac"]
LISTS = {
    "comments": "# mine\na b.wav  # good\n #\nsub/é.flac\n#sub/x.wav",
    "spaces": "  a b.wav \n\n\tsub/é.flac\t",
    "quotes": "\"a b.wav\"\n'sub/é.flac'",
    "backslashes": "a b.wav\nsub\\é.flac",
    "leading ./": "./a b.wav\n.\\sub\\é.flac",
    "another normal form": unicodedata.normalize("NFD", "a b.wav\nsub/é.flac"),
    "CSV": "file,answer\na b.wav,up\nsub/é.flac,no\n",
    "CSV behind a comment": "# mine\r\n\nfile,answer\na b.wav,up\nsub/é.flac,no\n",
    "CSV behind an empty line": "\nfile,answer\na b.wav,up\nsub/é.flac,no\n",
    "our table": 'file,start,answer\na b.wav,0,up\na b.wav,1,no\n"sub/é.flac",0,no\n',
    "semicolons": "answer;File\r\nup;a b.wav\r\nno;sub\\é.flac\r\n",
    "tabs": "n\tPATH\n1\ta b.wav\n2\t./sub/é.flac\n",
    "one column": "\ufefffile\na b.wav\nsub/é.flac\n",
}


@pytest.mark.parametrize("content", LISTS.values(), ids=LISTS)
def test_a_list_may_be_written_in_many_ways(make, content, tmp_path):
    folder = make(*NAMES)
    for text in (folder / "list.txt", tmp_path / "list.csv"):
        # The second counts from elsewhere.
        text.write_text(content, encoding="utf-8", newline="")
    found = inputs.recordings(folder / "list.txt")
    assert [path.resolve() for path in found] == [folder / name for name in NAMES]


@pytest.mark.parametrize(
    "name", ["#1.wav", '"a".wav', '"a.wav"', " a.wav ", "b #1.wav", "a\\b.wav", "file", "file,x"]
)
def test_a_file_that_is_called_as_a_line_has_it_is_meant(make, name):
    folder = make(name, "1.wav", "a.wav", "b", "a/b.wav", "x")
    (folder / "list.txt").write_text(f"{name}\nx\n")
    assert inputs.recordings(folder / "list.txt") == [folder / name, folder / "x"]


def test_names_of_a_table_may_have_line_ends(make):
    folder = make("a\nb.wav", "c.wav")
    (folder / "list.csv").write_text('file,answer\n"a\nb.wav",up\nc.wav,no\n')
    assert names(folder) == ["a\nb.wav", "c.wav"]
    assert inputs.recordings(folder / "list.csv") == [folder / "a\nb.wav", folder / "c.wav"]


@pytest.mark.parametrize("start", [b"\xff\xfbmp3", b"OggS\0", b"\0\0\0\x1cftypM4A "])
def test_sound_of_any_name_is_a_recording(tmp_path, start):
    (tmp_path / "song.sng").write_bytes(start)
    assert inputs.recordings(tmp_path / "song.sng") == [tmp_path / "song.sng"]


def test_paths_count_from_the_lists_folder_first_and_then_from_the_current_one(make, monkeypatch):
    folder = make("a.wav", "deeper/a.wav", "b.wav")
    text = folder / "deeper/list.txt"
    text.write_text("a.wav\nb.wav\nmissing.wav\n")
    monkeypatch.chdir(folder)
    assert inputs.recordings(text) == [
        folder / "deeper/a.wav",
        Path("b.wav"),
        folder / "deeper/missing.wav",
    ]


def test_a_list_without_existing_files_is_reported_with_the_folders_searched(make, monkeypatch):
    folder = make("up/a.wav")
    monkeypatch.chdir(folder / "up")
    (folder / "test.csv").write_text("file,word\nno/b.wav,no\nno/c.wav,no\n")
    expected = f"relative to the folder of the list, {folder}, or to {folder}/up."
    with pytest.raises(UserError, match=re.escape(expected)):
        inputs.recordings(folder / "test.csv")


@pytest.mark.parametrize(
    "content",
    ["a.wav\n".encode("utf-16"), "a.wav".encode("utf-16-le"), b"\x89PNG", b"a.wav\0b.wav"],
    ids=["UTF-16", "UTF-16 without mark", "PNG", "NUL"],
)
def test_a_file_that_is_no_list_in_utf8_is_reported(tmp_path, content):
    path = tmp_path / "song.sng"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"{re.escape(str(path))} is neither"):
        inputs.recordings(path)


def test_a_path_without_recordings_is_reported(tmp_path, make):
    empty = tmp_path / "empty"
    (empty / "deeper").mkdir(parents=True)
    (empty / "deeper/notes.txt").write_text("\n \n")
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "nowhere.wav").symlink_to("missing")
    for path, words in {
        empty: f"no {doubts.KINDS} files in the folder",
        empty / "deeper/notes.txt": "contains no recordings",
        tmp_path / "missing": "There is no recording, folder or list",
        tmp_path / "missing.wav": "There is no recording, folder or list",
        tmp_path / "missing.FLAC": "There is no recording, folder or list",
        tmp_path / "nowhere.wav": "There is no recording, folder or list",
        tmp_path / "pipe.wav": "There is no recording, folder or list",
        tmp_path / ("long" * 1000): "There is no recording, folder or list",
        tmp_path / "pipe": "There is no recording, folder or list",
    }.items():
        with pytest.raises(UserError, match=words) as caught:
            inputs.recordings(path)
        assert str(path) in str(caught.value)


# When recordings count as changed.


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache/scan.json"


def test_the_digest_depends_on_names_and_contents_only(make, cache):
    folder = make("a.wav", "b/c.flac", "notes.txt")
    before = inputs.digest(folder, cache)
    for path in folder.rglob("*"):
        os.utime(path, (1e9, 1e9))
    make("notes.txt", "more.txt", ".hidden.wav")
    assert inputs.digest(folder, cache) == before
    for change, undo in {
        lambda: (folder / "a.wav").write_text("something else"): lambda: make("a.wav"),
        lambda: make("new.wav"): lambda: (folder / "new.wav").unlink(),
        lambda: (folder / "a.wav").unlink(): lambda: make("a.wav"),
        lambda: (folder / "a.wav").rename(folder / "z.wav"): lambda: (folder / "z.wav").rename(
            folder / "a.wav"
        ),
    }.items():
        change()
        assert inputs.digest(folder, cache) != before
        undo()
        assert inputs.digest(folder, cache) == before


def test_the_order_of_a_list_counts_and_a_missing_recording_that_comes(make, cache):
    folder = make("a.wav", "b.wav")
    text, digests = folder / "list.txt", set()
    for lines in ("a.wav\nb.wav", "b.wav\na.wav", "a.wav\nb.wav\nmissing.wav"):
        text.write_text(lines)
        digests.add(inputs.digest(text, cache))
    make("missing.wav")
    digests.add(inputs.digest(text, cache))
    assert len(digests) == 4


def test_recordings_that_are_the_same_as_before_are_not_read_again(make, cache, monkeypatch):
    folder = make("a.wav", "b.wav", "c.wav")
    before, read = inputs.digest(folder, cache), []
    known = hashing.hash_of
    monkeypatch.setattr(hashing, "hash_of", lambda path: read.append(path) or known(path))
    assert inputs.digest(folder, cache) == before
    assert read == []
    (folder / "b.wav").write_text("something else")
    assert inputs.digest(folder, cache) != before
    assert set(read) == {folder / "a.wav", folder / "b.wav", folder / "c.wav"}


def test_recordings_that_are_missing_are_no_reason_to_read_the_others_again(
    make, cache, monkeypatch
):
    folder = make("a.wav", "b.wav")
    (folder / "list.txt").write_text("a.wav\nb.wav\nmissing.wav\n")
    before, read = inputs.digest(folder / "list.txt", cache), []
    monkeypatch.setattr(hashing, "hash_of", lambda path: read.append(path))
    assert inputs.digest(folder / "list.txt", cache) == before
    assert read == []


def test_names_that_are_no_text_have_a_digest_too(make, cache):
    folder = make("a.wav")
    before = inputs.digest(folder, cache)
    (folder / os.fsdecode(b"\xff.wav")).write_text("x")
    assert inputs.digest(folder, cache) != before
    assert inputs.digest(folder, cache) == inputs.digest(folder, cache)


def test_names_that_are_too_long_have_a_digest_too(make, cache):
    folder = make("a.wav")
    (folder / "list.txt").write_text(f"a.wav\n{300 * 'x'}.wav\n")
    before = inputs.digest(folder / "list.txt", cache)
    assert inputs.digest(folder / "list.txt", cache) == before

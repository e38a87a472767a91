"""The folder of recordings: words, speakers, and digests that show changes."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spokenwords.errors import UserError
from spokenwords.jobs import hashing
from spokenwords.recordings import data_folder, lists

LIBRARY = Path(data_folder.__file__).parents[2]


def write(folder, *files):
    """Files of a byte pattern of their own, as recordings: nothing here decodes them."""
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"content of {file}".encode())


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "data"
    write(path, "yes/a_nohash_0.wav", "yes/b_nohash_0.wav", "no/a_nohash_0.wav", "up/c.flac")
    return path


@pytest.fixture
def scan(folder, tmp_path):
    """Scans the folder, with a cache that lasts from call to call."""
    return lambda: data_folder.scan(folder, "all", 1, tmp_path / "cache" / "scan.json")


def test_words_are_the_folders_that_have_recordings(folder):
    write(folder, "_background_noise_/hum.wav", ".hidden/a.wav", "notes/readme.txt", "stray.wav")
    (folder / "empty").mkdir()
    assert list(data_folder.words(folder, "all", 1)) == ["no", "up", "yes"]


def test_wanted_words_are_taken_whatever_their_order(folder):
    assert list(data_folder.words(folder, ["yes", "no"], 1)) == ["no", "yes"]


def test_missing_words_are_named_together_with_those_that_are_there(folder):
    with pytest.raises(UserError, match=r"of left, right .*dataset\.words.*: no, up, yes\."):
        data_folder.words(folder, ["yes", "right", "left"], 1)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere.*dataset\.folder"):
        data_folder.words(tmp_path / "nowhere", "all", 1)


@pytest.mark.parametrize("files", [[], ["a.wav"], ["_background_noise_/a.wav", "no/a.pdf"]])
def test_a_folder_without_words_is_reported(tmp_path, files):
    write(tmp_path / "data", "readme.txt", *files)
    with pytest.raises(UserError, match=r"contains no folder of .* files"):
        data_folder.words(tmp_path / "data", "all", 1)


def test_a_single_word_is_a_data_set(tmp_path):
    """Noise can be the other class; whether a run has one is checked for each run."""
    write(tmp_path / "data", "yes/a.wav", "_background_noise_/a.wav")
    assert data_folder.words(tmp_path / "data", "all", 1) == {"yes": ["a.wav"]}


@pytest.mark.parametrize("word", ["a{b}", "a<b", "a\nb", "a\\b"])
def test_words_that_paths_of_results_cannot_hold_are_refused(folder, word):
    write(folder, f"{word}/a.wav")
    with pytest.raises(UserError, match="Rename"):
        data_folder.words(folder, "all", 1)


@pytest.mark.parametrize("word", ["001", "NA", "so so", "günstig", "はい", "can't", "v1.2"])
def test_any_other_name_of_a_word_is_accepted(folder, word):
    write(folder, f"{word}/a.wav")
    assert word in data_folder.words(folder, "all", 1)


def test_recordings_are_sound_files_in_the_order_of_their_names(tmp_path):
    write(tmp_path, "b.wav", "a.FLAC", "C.Wav", "._b.wav", ".d.wav", "e.MP3", "f.wav.txt", "wav")
    write(tmp_path, "g.ogg", "h.opus", "i.m4a", "j.webm", "k.3gp", "l.oga", "m.aiff", "n.caf")
    expected = "C.Wav a.FLAC b.wav e.MP3 g.ogg h.opus i.m4a j.webm k.3gp l.oga m.aiff n.caf"
    assert data_folder.recordings(tmp_path) == expected.split()


def test_files_that_are_no_recordings_are_counted_by_kind(tmp_path, messages):
    write(tmp_path, "yes/a.wav", "yes/a.txt", "yes/b.TXT", "no/c.pdf", "no/README", "only/d.doc")
    # Hidden files, what systems leave, folders that are no words, and what lies beside words.
    write(tmp_path, "no/.DS_Store", "no/._a.wav", "no/Thumbs.db", "no/desktop.ini")
    write(tmp_path, "_background_noise_/README.md", ".git/config.txt", "validation_list.txt")
    write(tmp_path, "yes/deeper/notes.txt")
    data_folder.report_skipped(data_folder.files_of_words(tmp_path))
    assert messages == ["Skipped 5 files of other types (.doc, .pdf, .txt, without a suffix)."]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.txt"], ["Skipped 1 file of other types (.txt)."]),
        (["a.wav", ".a.txt", "thumbs.db"], []),
        (["a.wav.part"] * 1234, ["Skipped 1,234 files of other types (.part)."]),
    ],
)
def test_one_file_or_none_that_is_no_recording(messages, names, expected):
    data_folder.report_skipped(names)
    assert messages == expected


@pytest.mark.parametrize("name", [b"na\xefve.wav", b"yes/na\xefve.wav"])
def test_names_that_are_no_text_are_refused(folder, name):
    path = os.fsencode(folder) + b"/" + (name if b"/" in name else b"\xe9t\xe9/" + name)
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    with open(path, "wb"):  # noqa: PTH123
        pass
    with pytest.raises(UserError, match=r"na\\udcefve\.wav.*UTF-8"):
        data_folder.words(folder, "all", 1)


@pytest.mark.parametrize(
    ("file", "speaker"),
    [
        ("yes/0a7c2a8d_nohash_0.wav", "0a7c2a8d"),
        ("no/0a7c2a8d_nohash_12.flac", "0a7c2a8d"),
        ("yes/anna maria_nohash_0.wav", "anna maria"),
        ("yes/001_nohash_0.wav", "001"),
        # No speakers are given: each file is its own speaker, across words too.
        ("yes/anna.wav", "yes/anna.wav"),
        ("no/anna.wav", "no/anna.wav"),
        ("yes/_nohash_0.wav", "yes/_nohash_0.wav"),
        ("a_nohash_b/anna.wav", "a_nohash_b/anna.wav"),
    ],
)
def test_speakers_stand_in_the_file_name(file, speaker):
    assert data_folder.speaker(file) == speaker


def test_digests_are_the_same_in_every_process(folder, tmp_path):
    # Sets of texts have another order in each.
    names = "".join(f"yes/{number}.wav\n" for number in range(20))
    for name in lists.OFFICIAL.values():
        (folder / name).write_text(names)
    program = (
        "import sys; from pathlib import Path;"
        "from spokenwords.recordings import data_folder, lists;"
        "folder, cache = map(Path, sys.argv[1:]);"
        "print(lists.digest_of_lists(folder), data_folder.scan(folder, 'all', 1, cache))"
    )
    found = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program, folder, tmp_path / f"{seed}.json"],
            env=os.environ | {"PYTHONPATH": str(LIBRARY), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_every_word_has_a_digest_of_its_own(scan):
    digests = scan()
    assert list(digests) == ["no", "up", "yes"]
    assert len(set(digests.values())) == 3


def test_digests_last_from_scan_to_scan(scan, folder):
    before = scan()
    os.utime(folder / "yes/a_nohash_0.wav")
    os.utime(folder / "yes/b_nohash_0.wav", (0, 0))
    (folder / "no/a_nohash_0.wav").chmod(0o600)
    assert scan() == before


def test_the_same_content_written_again_has_the_same_digest(scan, folder):
    before = scan()
    path = folder / "yes/a_nohash_0.wav"
    content = path.read_bytes()
    path.write_bytes(content)
    assert scan() == before
    path.unlink()
    path.write_bytes(content)
    assert scan() == before


def test_files_that_are_no_recordings_do_not_count(scan, folder):
    before = scan()
    write(folder, "yes/notes.txt", "yes/.a.wav", "_background_noise_/hum.wav", "LICENSE")
    assert scan() == before


def add(folder):
    write(folder, "yes/c_nohash_0.wav")


def remove(folder):
    (folder / "yes/a_nohash_0.wav").unlink()


def rename(folder):
    # Its place among the others is the same.
    (folder / "yes/a_nohash_0.wav").rename(folder / "yes/a_nohash_1.wav")


def append(folder):
    with (folder / "yes/a_nohash_0.wav").open("ab") as file:
        file.write(b"x")


def replace_with_as_many_bytes_and_the_old_times(folder):
    path = folder / "yes/a_nohash_0.wav"
    stat = path.stat()
    # The clock of a file system may tick every few milliseconds only.
    time.sleep(0.02)
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)


def exchange_two(folder):
    first, second = folder / "yes/a_nohash_0.wav", folder / "yes/b_nohash_0.wav"
    first.rename(folder / "aside")
    second.rename(first)
    (folder / "aside").rename(second)


def put_another_in_its_place(folder):
    other = folder / "other"
    path = folder / "yes/a_nohash_0.wav"
    stat = path.stat()
    other.write_bytes(path.read_bytes()[::-1])
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize(
    "change",
    [
        *(add, remove, rename, append, replace_with_as_many_bytes_and_the_old_times),
        *(exchange_two, put_another_in_its_place),
    ],
)
def test_a_change_of_a_recording_changes_its_words_digest_alone(scan, folder, change):
    before = scan()
    change(folder)
    after = scan()
    assert after.pop("yes") != before.pop("yes")
    assert after == before


def test_a_word_added_leaves_the_others(scan, folder):
    before = scan()
    write(folder, "left/a.wav")
    after = scan()
    assert after.pop("left")
    assert after == before


def test_only_wanted_words_are_scanned(scan, folder, tmp_path):
    digests = data_folder.scan(folder, ["up", "yes"], 1, tmp_path / "other.json")
    everything = scan()
    assert digests == {word: everything[word] for word in ("up", "yes")}


def test_a_moved_or_copied_folder_has_the_same_digests(scan, folder, tmp_path):
    before = scan()
    shutil.copytree(folder, tmp_path / "copied")
    folder.rename(tmp_path / "moved")
    cache = tmp_path / "cache" / "scan.json"
    for name in ("copied", "moved"):
        assert data_folder.scan(tmp_path / name, "all", 1, cache) == before
        assert data_folder.scan(tmp_path / name, "all", 1, tmp_path / f"{name}.json") == before


def test_the_order_in_which_a_file_system_lists_files_does_not_matter(scan, monkeypatch, tmp_path):
    before = scan()

    class Reversed:
        def __init__(self, path):
            self.entries = scandir(path)

        def __enter__(self):
            return reversed(list(self.entries.__enter__()))

        def __exit__(self, *exception):
            self.entries.close()

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", Reversed)
    (tmp_path / "cache" / "scan.json").unlink()
    assert list(scan().items()) == list(before.items())


def test_words_that_have_not_changed_are_not_read_again(scan, folder, monkeypatch):
    scan()
    append(folder)
    read = []
    known = hashing.hash_of
    monkeypatch.setattr(hashing, "hash_of", lambda path: (read.append(path), known(path))[1])
    scan()
    assert {path.parent for path in read} == {folder / "yes"}


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"\xff\xfe", b"[]", b"null", b"3", b'{"yes": 3}', b'{"yes": {}}'),
        *(b'{"yes": []}', b'{"yes": [0, 0, 0, 0, "0"]}', b'{"yes": ["0", "0"]}'),
        b'{"gone": ["0", "0"]}',
    ],
)
def test_a_corrupt_cache_is_rebuilt(scan, tmp_path, content):
    before = scan()
    cache = tmp_path / "cache" / "scan.json"
    good = json.loads(cache.read_text())
    cache.write_bytes(content)
    assert scan() == before
    assert json.loads(cache.read_text()) == good


def test_a_cache_that_is_not_writable_is_not_used(scan, folder, tmp_path):
    before = scan()
    (tmp_path / "file").touch()
    (tmp_path / "taken").mkdir()
    for place in (tmp_path / "file" / "scan.json", tmp_path / "taken"):
        for _ in range(2):
            assert data_folder.scan(folder, "all", 1, place) == before
    assert [path.name for path in tmp_path.rglob("*partial*")] == []


def test_the_cache_leaves_no_other_file(scan, tmp_path):
    scan()
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["scan.json"]


def test_what_cannot_be_read_is_part_of_a_word_too(scan, folder):
    before = scan()
    (folder / "yes/link.wav").symlink_to(folder / "target")
    (folder / "yes/folder.wav").mkdir()
    broken = scan()
    assert broken["yes"] != before["yes"]
    (folder / "target").write_bytes(b"content")
    mended = scan()
    assert mended["yes"] not in (before["yes"], broken["yes"])


def test_what_could_not_be_read_once_is_tried_again(scan, monkeypatch):
    def fail(file, algorithm):
        raise OSError("the network file system hung")

    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", fail)
        failed = scan()
    assert all(scan()[word] != failed[word] for word in failed)


def test_names_of_any_script_are_scanned(scan, folder):
    write(folder, "はい/ä_nohash_0.wav", "はい/new\nline.wav", "はい/ \U0001f600.wav")
    first = scan()
    assert scan() == first
    (folder / "はい/ä_nohash_0.wav").rename(folder / "はい/a\u0308_nohash_0.wav")
    assert scan()["はい"] != first["はい"]

"""Content hashes; digests of scans are tested in recordings/test_data_folder.py."""

import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from spokenwords.jobs import hashing


def test_the_hash_is_the_sha256_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    # The example of FIPS 180-4.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hashing.hash_of(tmp_path / "a") == expected
    assert hashing.hash_if_readable(tmp_path / "a") == expected
    assert hashing.hash_if_readable(tmp_path / "missing") == hashing.UNREADABLE
    with pytest.raises(FileNotFoundError):
        hashing.hash_of(tmp_path / "missing")


def test_too_many_open_files_do_not_make_a_file_unreadable(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"abc")

    def fail(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(OSError, match="Too many open files"):
        hashing.hash_if_readable(tmp_path / "a")


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 2), (64, 8), (None, 1)])
def test_files_are_read_by_a_few_threads_however_many_cores_there_are(
    tmp_path, monkeypatch, cores, threads
):
    pools = []

    def pool(count):
        pools.append(count)
        return ThreadPoolExecutor(count)

    monkeypatch.setattr(hashing, "ThreadPoolExecutor", pool)
    monkeypatch.setattr(hashing.os, "cpu_count", lambda: cores)
    (tmp_path / "a").write_bytes(b"abc")
    digest = hashing.digests({"yes": (tmp_path, ["a"])}, tmp_path / "cache.json")["yes"]
    assert digest == hashing.digest_of_lines([f"a\0{hashing.hash_of(tmp_path / 'a')}"])
    assert pools == [threads]


def test_digests_are_remembered_as_they_were_found(tmp_path):
    path = tmp_path / "new" / "words.json"
    first = hashing.remember({"yes": "1", "犬": "2"}, path)
    assert list(hashing.remembered(first, path).items()) == [("yes", "1"), ("犬", "2")]
    # Another process finds something else.
    second = hashing.remember({"yes": "3"}, path)
    assert hashing.remembered(second, path) == {"yes": "3"}
    assert hashing.remembered(first, path) is None
    assert hashing.remembered("", path) is None
    assert [found.name for found in path.parent.iterdir()] == ["words.json"]


def test_digests_that_could_not_be_written_are_not_remembered(tmp_path, monkeypatch):
    path = tmp_path / "words.json"
    hashing.remember({"yes": "1"}, path)

    def fail(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(type(path), "write_text", fail)
    second = hashing.remember({"yes": "2"}, path)
    assert hashing.remembered(second, path) is None
    path.unlink()
    assert hashing.remembered(second, path) is None


def test_changes_are_detected_in_a_folder_that_is_not_readable(tmp_path, monkeypatch):
    (tmp_path / "a.wav").write_bytes(b"1")
    names, opened = ["a.wav", "missing.wav"], hashing.state(tmp_path, ["a.wav", "missing.wav"])

    def fail(*_, **__):
        raise PermissionError("Permission denied")

    monkeypatch.setattr(hashing.os, "open", fail)
    assert hashing.state(tmp_path, names) == opened
    (tmp_path / "a.wav").write_bytes(b"12")
    assert hashing.state(tmp_path, names) != opened

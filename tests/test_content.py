"""Content hashes; what digests remember is tested with the folders they are of (test_dataset)."""

import pytest

from spokenwords import content


def test_the_hash_is_the_sha256_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    # The example of FIPS 180-4.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert content.hash_of(tmp_path / "a") == expected
    assert content.hash_of(tmp_path / "missing") == content.UNREADABLE


def test_digests_are_remembered_for_those_who_ask_the_same(tmp_path):
    path, asked = tmp_path / "new" / "words.json", ["data/犬", "all", 1]
    assert content.remembered(asked, path) is None
    content.remember({"yes": "1", "no": "2"}, asked, path)
    assert list(content.remembered(asked, path).items()) == [("yes", "1"), ("no", "2")]
    assert content.remembered(["data/犬", ["yes", "no"], 1], path) is None
    content.remember({"yes": "3"}, asked, path)
    assert content.remembered(asked, path) == {"yes": "3"}
    assert [found.name for found in path.parent.iterdir()] == ["words.json"]


@pytest.mark.parametrize("damaged", [b"", b"{", b"1", b"[1]", b"[1, 2, 3]", b"\xff", b"null"])
def test_damaged_digests_are_not_remembered(tmp_path, damaged):
    path = tmp_path / "words.json"
    path.write_bytes(damaged)
    assert content.remembered(["data", "all", 1], path) is None


def test_what_is_out_of_date_goes_where_the_new_cannot_be_written(tmp_path, monkeypatch):
    path, asked = tmp_path / "words.json", ["data", "all", 1]
    content.remember({"yes": "1"}, asked, path)

    def fail(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(type(path), "write_text", fail)
    content.remember({"yes": "2"}, asked, path)
    assert content.remembered(asked, path) is None


def test_files_of_a_folder_that_may_not_be_opened_are_told_apart(tmp_path, monkeypatch):
    (tmp_path / "a.wav").write_bytes(b"1")
    names, opened = ["a.wav", "missing.wav"], content.state(tmp_path, ["a.wav", "missing.wav"])

    def fail(*_, **__):
        raise PermissionError("Permission denied")

    monkeypatch.setattr(content.os, "open", fail)
    assert content.state(tmp_path, names) == opened
    (tmp_path / "a.wav").write_bytes(b"12")
    assert content.state(tmp_path, names) != opened

"""Folders that the workflow replaces as a whole."""

import contextlib
from pathlib import Path

import pytest

from spokenwords.errors import UserError
from spokenwords.jobs import atomic
from spokenwords.jobs.replaced_folder import MARKER, replaced_folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def make_folder(folder, name):
    with replaced_folder(folder) as staging:
        (staging / name).write_text(name)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError(28, "No space left")])
def test_an_interruption_leaves_the_folder_as_it_was(tmp_path, interruption):
    make_folder(tmp_path / "words", "old")
    with pytest.raises((KeyboardInterrupt, OSError)), replaced_folder(tmp_path / "words") as new:
        (new / "new").write_text("half")
        assert names(tmp_path / "words") == [MARKER, "old"]
        raise interruption
    assert names(tmp_path) == ["words"]
    assert names(tmp_path / "words") == [MARKER, "old"]


def test_a_failing_swap_leaves_the_folder_as_it_was(tmp_path, monkeypatch):
    make_folder(tmp_path / "words", "old")
    rename = Path.rename

    def fail_on_staging(path, target):
        if path.name.endswith(".partial"):
            raise PermissionError(path)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_on_staging)
    with pytest.raises(PermissionError):
        make_folder(tmp_path / "words", "new")
    assert names(tmp_path) == ["words"]
    assert names(tmp_path / "words") == [MARKER, "old"]


def test_a_kill_during_the_swap_is_made_good_by_the_next_call(tmp_path):
    make_folder(tmp_path / "words", "old")
    (tmp_path / "words").rename(tmp_path / ".words.former")
    left_over = atomic.beside(tmp_path / "words")
    left_over.mkdir()
    (left_over / "leftover").write_text("half")
    with contextlib.suppress(ZeroDivisionError), replaced_folder(tmp_path / "words") as new:
        assert names(new) == []
        assert names(tmp_path / "words") == [MARKER, "old"]
        raise ZeroDivisionError
    assert names(tmp_path) == ["words"]


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "words").write_text("mine")
    with pytest.raises(UserError, match="did not create"):
        make_folder(tmp_path / "words", "new")
    assert (tmp_path / "words").read_text() == "mine"


def test_empty_folders_may_be_replaced(tmp_path):
    (tmp_path / "words" / "bed" / "deeper").mkdir(parents=True)
    make_folder(tmp_path / "words", "new")
    assert names(tmp_path / "words") == [MARKER, "new"]


def test_a_link_to_another_disk_stays_a_link(tmp_path):
    (tmp_path / "disk" / "words").mkdir(parents=True)
    (tmp_path / "words").symlink_to(tmp_path / "disk" / "words")
    make_folder(tmp_path / "words", "new")
    assert (tmp_path / "words").is_symlink()
    assert names(tmp_path / "disk" / "words") == [MARKER, "new"]

"""Folders that the workflow makes, put in place whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spokenwords.errors import UserError
from spokenwords.jobs import atomic

MARKER = ".spoken-words"
MARKER_TEXT = (
    "The spoken-words workflow made this folder and replaces it as a whole when it has to make it\n"
    "again. Keep nothing of your own here.\n"
)


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty staging folder that becomes `folder` if the block ends without an exception.

    It lies beside `folder`, on the same file system. A `folder` that is there stays untouched
    until then; after an exception it still is, and the staging folder is gone.

    Raises UserError if `folder` holds files and was not made by this function.
    """
    folder = folder.resolve()  # a link to a folder on another disk stays a link
    staging = atomic.beside(folder)
    former = folder.with_name(f".{folder.name}.former")
    if former.exists() and not folder.exists():  # ended between the two renames below
        former.rename(folder)
    _require_replaceable(folder)
    if former.exists():
        shutil.rmtree(former)
    staging.mkdir(parents=True)
    try:
        yield staging
        (staging / MARKER).write_text(MARKER_TEXT)
        if folder.exists():
            folder.rename(former)
        try:
            staging.rename(folder)
        except BaseException:
            if former.exists():
                former.rename(folder)
            raise
    except BaseException:
        atomic.remove(staging)
        raise
    shutil.rmtree(former, ignore_errors=True)


def _require_replaceable(folder: Path) -> None:
    if not folder.exists() or (folder / MARKER).is_file():
        return
    if folder.is_mount():
        raise UserError(
            f"The folder {folder} is a mount point and cannot be replaced as a whole: choose a "
            "folder inside it as `dataset.folder`."
        )
    if not folder.is_dir() or any(not entry.is_dir() for entry in folder.rglob("*")):
        raise UserError(
            f"{folder} holds files that the workflow did not put there, and they would be lost: "
            "move them away or choose another `dataset.folder`."
        )

"""Folders that the workflow creates and replaces as a whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spokenwords.errors import UserError
from spokenwords.jobs import atomic

MARKER = ".spoken-words"
MARKER_TEXT = (
    "The spoken-words workflow made this folder and replaces it as a whole when it rebuilds it.\n"
    "Keep no files of your own here.\n"
)


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty staging folder, as `atomic.replacing` does, and mark it as the workflow's own.

    Raises UserError if `folder` contains files and was not made by this function.
    """
    folder = folder.resolve()  # A link to a mount point is not one itself.
    with atomic.replacing(folder) as staging:
        _require_replaceable(folder)
        staging.mkdir(parents=True)
        yield staging
        (staging / MARKER).write_text(MARKER_TEXT)


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
            f"{folder} contains files that the workflow did not create and would delete: "
            "move them elsewhere or choose another `dataset.folder`."
        )

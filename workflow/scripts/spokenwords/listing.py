"""Which recordings a path stands for: one, those in a folder, or those that a text file lists.

Without PyTorch: Snakemake asks, too.
"""

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from spokenwords import content, dataset
from spokenwords.errors import UserError


def recordings(place: Path) -> list[Path]:
    """The recordings that `place` stands for, their paths beginning as it does.

    A folder stands for the recordings in it and in all folders below, sorted by path; what is
    hidden (its name begins with a dot) is left out, and a folder that several links lead to is
    searched once; the log says what is passed over. A recording stands for itself. Any other file
    is a text that lists recordings, a path a line, which counts from the text's own folder.

    That a recording can be read, or one on a list is there, is not looked at. A folder that may not
    be searched stands for itself, as a recording that cannot be read. Raises `UserError` where
    `place` stands for nothing.
    """
    if os.path.isdir(place):  # noqa: PTH112 (Path raises where it may not look)
        others: list[str] = []
        found = sorted(_search(place, others))
        dataset.report_skipped(others)
        if not found:
            raise UserError(f"There are no {dataset.KINDS} files in the folder {place}.")
        return found
    if os.path.isfile(place):  # noqa: PTH113
        return [place] if place.suffix.lower() in dataset.SUFFIXES else _listed(place)
    raise UserError(f"There is no recording, folder or list of recordings {place}.")


def digest(place: Path, cache: Path) -> str:
    """SHA-256 over the recordings that `place` stands for: their paths and what is in them.

    `cache` is that of `content.digests`. Raises `UserError` as `recordings` does.
    """
    paths = recordings(place)
    folders: dict[str, tuple[Path, list[str]]] = {}
    for path in paths:
        folders.setdefault(str(path.parent), (path.parent, []))[1].append(path.name)
    digests = content.digests(folders, cache)
    return content.digest_of_lines([*map(str, paths), *digests.values()])


def _search(folder: Path, others: list[str]) -> Iterator[Path]:
    """The recordings in `folder` and in all folders below, unsorted.

    Names of files that are none are added to `others`.
    """
    waiting, seen = deque([folder]), set()
    while waiting:
        folder = waiting.popleft()
        try:
            found = folder.stat()
            names = sorted(os.listdir(folder))  # noqa: PTH208
        except OSError:
            yield folder
            continue
        if (identity := (found.st_dev, found.st_ino)) in seen:
            continue
        seen.add(identity)
        for name in names:
            path = folder / name
            if name[0] == ".":
                continue
            if os.path.isdir(path):  # noqa: PTH112
                waiting.append(path)
            elif dataset.is_recording(name):
                yield path
            else:
                others.append(name)


def _listed(file: Path) -> list[Path]:
    """The recordings that a text file lists."""
    try:
        text = file.read_bytes()
        if b"\0" in text:  # UTF-16, or no text at all
            raise ValueError
        lines = [line.removesuffix("\r") for line in text.decode("utf-8-sig").split("\n")]
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}).") from None
    except ValueError:
        raise UserError(
            f"{file} is neither a {dataset.KINDS} file, nor a folder, nor a text in UTF-8 that "
            "lists recordings, one a line."
        ) from None
    if not (found := [file.parent / line for line in lines if line.strip()]):
        raise UserError(f"The list {file} names no recordings.")
    return found

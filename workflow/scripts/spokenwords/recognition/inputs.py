"""Which recordings a path stands for: one, those in a folder, or those that a text file lists.

Without PyTorch: Snakemake asks, too.
"""

import os
import unicodedata
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from spokenwords.errors import UserError
from spokenwords.jobs import hashing
from spokenwords.recordings import data_folder, lists


def recordings(place: Path) -> list[Path]:
    """The recordings that `place` stands for, their paths beginning as it does.

    A folder stands for the recordings in it and in all folders below, sorted by path; what is
    hidden (its name begins with a dot) is left out, and a folder that several links lead to is
    searched once; the log says what is passed over. A recording stands for itself, by its name
    or else its content. Any other file is a text that lists recordings, one path per line, or a
    table with a column of them (see `_listed`).

    That a recording can be read, or one on a list is there, is not looked at. A folder that may not
    be searched stands for itself, as a recording that cannot be read. Raises `UserError` where
    `place` stands for nothing.
    """
    if os.path.isdir(place):  # noqa: PTH112 (Path raises where it may not look)
        others: list[str] = []
        found = sorted(_search(place, others))
        data_folder.report_skipped(others)
        if not found:
            raise UserError(f"There are no {data_folder.KINDS} files in the folder {place}.")
        return found
    if os.path.isfile(place):  # noqa: PTH113
        return [place] if place.suffix.lower() in data_folder.SUFFIXES else _listed(place)
    raise UserError(f"There is no recording, folder or list of recordings {place}.")


def asked(place: str | None, cache: Path) -> dict[str, str]:
    """Return the `place` that the config names, and the `digest` of the recordings there.

    Raises `UserError` as `recordings` does, and where the config names no place.
    """
    if place is None:
        raise UserError(
            "Config key predict.recordings is empty: name a recording, a folder, or a text file "
            "that lists recordings, as in --config 'predict={recordings: my/recordings}'."
        )
    place = os.path.expanduser(place)  # noqa: PTH111 (Path raises for unknown users)
    try:
        return {"place": place, "digest": digest(Path(place), cache)}
    except UserError as error:
        raise UserError(f"{error} Config key predict.recordings names it.") from None


def digest(place: Path, cache: Path) -> str:
    """SHA-256 over the recordings that `place` stands for: their paths and what is in them.

    `cache` is that of `hashing.digests`. Raises `UserError` as `recordings` does.
    """
    paths = recordings(place)
    folders: dict[str, tuple[Path, list[str]]] = {}
    for path in paths:
        folders.setdefault(str(path.parent), (path.parent, []))[1].append(path.name)
    digests = hashing.digests(folders, cache)
    return hashing.digest_of_lines([*map(str, paths), *digests.values()])


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
            elif data_folder.is_recording(name):
                yield path
            else:
                others.append(name)


def _listed(file: Path) -> list[Path]:
    """The recordings that a text file lists, or a table's column of them; or the file if it is one.

    A path counts from the text's own folder or, where it leads nowhere from there, from the current
    one. One that leads to a file as it is written is taken so, whatever else it could mean.
    """
    try:
        names = lists.lines(text := lists.text(file))
        [first, *_] = lists.lines(lists.body(text))
        if not os.path.exists(file.parent / first):  # noqa: PTH110 (Path's may raise)
            names = lists.entries(text)
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}).") from None
    except ValueError:
        from spokenwords.recordings import decoding  # 0.1 s that few lists need

        if decoding.is_sound(file):
            return [file]
        raise UserError(
            f"{file} is neither a {data_folder.KINDS} file, nor a folder, nor a text in UTF-8 that "
            "lists recordings, one a line."
        ) from None
    found, missing = [], []
    for name in filter(str.strip, names):
        if path := _existing(file.parent, name):
            found.append(path)
        elif readings := lists.readings(name):
            found.append(file.parent / readings[0])
            missing.append(readings[0])
    if not found:
        raise UserError(f"The list {file} names no recordings.")
    if len(missing) == len(found):
        raise UserError(
            f"Nothing that {file} lists is there, such as {missing[0]!r}: paths count from its "
            f"folder, {file.parent.absolute()}, or from {Path.cwd()}."
        )
    return found


def _existing(folder: Path, name: str) -> Path | None:
    """The path that `name` stands for: the first of its readings that leads somewhere."""
    for reading in (name, *lists.readings(name)):
        for spelled in dict.fromkeys(
            (
                reading,
                reading.replace("\\", "/"),
                *(unicodedata.normalize(form, reading) for form in ("NFC", "NFD")),
            )
        ):
            for path in (folder / spelled, Path(spelled)):
                if os.path.exists(path):  # noqa: PTH110 (Path's may raise)
                    return path
    return None

"""The recordings that a path names: one file, all files of a folder, or the entries of a list.

Snakemake uses this module, too: it must not import PyTorch.
"""

import os
import unicodedata
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from spokenwords.errors import UserError
from spokenwords.jobs import hashing
from spokenwords.recordings import data_folder, doubts, lists


def recordings(place: Path) -> list[Path]:
    """Return the paths of the recordings that `place` names, which begin as `place` does.

    - A folder: the recordings in it and in all folders below, sorted by path. Hidden files (their
      name begins with a dot) are left out, a folder that several links lead to is searched once,
      and the log lists the files that are skipped.
    - A recording, recognised by its name or else by its content: itself.
    - Any other file: a text that lists recordings, one path per line, or a table with a column of
      paths (see `_listed`).

    Recordings are not opened, and those on a list need not exist. A folder that is not readable is
    returned like a recording that is not. Raises `UserError` if `place` names no recording.
    """
    if os.path.isdir(place):  # noqa: PTH112 (Path raises if a folder is not readable)
        others: list[str] = []
        found = sorted(_search(place, others))
        data_folder.report_skipped(others)
        if not found:
            raise UserError(f"There are no {doubts.KINDS} files in the folder {place}.")
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
        raise UserError(f"{error} Correct config key predict.recordings.") from None


def digest(place: Path, cache: Path) -> str:
    """Return the SHA-256 of the paths and the content of the recordings that `place` names.

    `cache` is that of `hashing.digests`. Raises `UserError` as `recordings` does.
    """
    paths = recordings(place)
    folders: dict[str, tuple[Path, list[str]]] = {}
    for path in paths:
        folders.setdefault(str(path.parent), (path.parent, []))[1].append(path.name)
    digests = hashing.digests(folders, cache)
    return hashing.digest_of_lines([*map(str, paths), *digests.values()])


def _search(folder: Path, others: list[str]) -> Iterator[Path]:
    """Yield the recordings in `folder` and in all folders below, unsorted.

    Names of other files are added to `others`.
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
    """Return the recordings that a text or a table lists; or the file, if it is a recording itself.

    A path is relative to the folder of the list or, if there is no such file, to the current
    folder. A path that exists exactly as it is written is not interpreted in any other way.
    """
    try:
        names = lists.lines(text := lists.text(file))
        [first, *_] = lists.lines(lists.body(text))
        if not os.path.exists(file.parent / first):  # noqa: PTH110 (Path.exists may raise)
            names = lists.entries(text)
    except OSError as error:
        raise UserError(f"{file} is not readable ({error.strerror}).") from None
    except ValueError:
        from spokenwords.recordings import decoding  # 0.1 s that few lists need

        if decoding.is_sound(file):
            return [file]
        raise UserError(
            f"{file} is neither a {doubts.KINDS} file, nor a folder, nor a text in UTF-8 that "
            "lists one recording per line."
        ) from None
    found, missing = [], []
    for name in filter(str.strip, names):
        if path := _existing(file.parent, name):
            found.append(path)
        elif readings := lists.readings(name):
            found.append(file.parent / readings[0])
            missing.append(readings[0])
    if not found:
        raise UserError(f"The list {file} contains no recordings.")
    if len(missing) == len(found):
        raise UserError(
            f"None of the recordings listed in {file} exists, for example {missing[0]!r}. Paths "
            f"must be relative to the folder of the list, {file.parent.absolute()}, or to "
            f"{Path.cwd()}."
        )
    return found


def _existing(folder: Path, name: str) -> Path | None:
    """Return the file that `name` means: the first of its possible readings that exists."""
    for reading in (name, *lists.readings(name)):
        spellings = [reading, reading.replace("\\", "/")]
        spellings += [unicodedata.normalize(form, reading) for form in ("NFC", "NFD")]
        for spelled in dict.fromkeys(spellings):
            for path in (folder / spelled, Path(spelled)):
                if os.path.exists(path):  # noqa: PTH110 (Path.exists may raise)
                    return path
    return None

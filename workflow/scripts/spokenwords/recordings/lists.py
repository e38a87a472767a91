"""Lists and tables of recordings, whose names need not be spelled as those of the files are."""

import csv
import io
import logging
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from spokenwords.errors import UserError
from spokenwords.jobs.hashing import digest_of
from spokenwords.recordings.doubts import both_sides
from spokenwords.recordings.spelling import composed, key, unquoted, word

logger = logging.getLogger("spokenwords")

OFFICIAL = {"valid": "validation_list.txt", "test": "testing_list.txt"}
SEPARATORS = (",", ";", "\t")
# Names of a table's column of recordings, in lower case; of several columns the first one counts.
FILES = ("link", "file", "path")


def text(path: Path) -> str:
    """A text file in UTF-8, with or without a mark at its start.

    Raises `OSError` where it cannot be read, and `ValueError` where it is no such text.
    """
    content = path.read_bytes()
    if b"\0" in content:  # UTF-16, or no text at all
        raise ValueError
    return content.decode("utf-8-sig")


def lines(content: str) -> list[str]:
    """The lines of a text, without their ends."""
    return [line.removesuffix("\r") for line in content.split("\n")]


def body(content: str) -> str:
    """A text from its first line on that is neither empty nor a comment."""
    return re.sub(r"\A([^\S\n]*(#[^\n]*)?\n)*", "", content)


def readings(line: str) -> list[str]:
    """What a line of a list may name, the more literal first; nothing if it has only a comment.

    A comment begins with `#` at the line's start or after a space.
    """
    names = [unquoted(line.strip()), unquoted(line.partition(" #")[0].strip())]
    return [name for name in dict.fromkeys(names) if name and name[0] != "#"]


def matched(listed: Iterable[str], files: Collection[str]) -> tuple[set[str], list[str]]:
    """Those of `files` (`<word>/<name>`) that the lines of a list name, and names of no file.

    A line that is the name of a file, but for spaces, quotes and comments, stands for no other.
    """
    literal, alike = set(files), defaultdict(set)
    for file in files:
        alike[key(file)].add(file)
    found, others = set(), []
    for line in listed:
        names = readings(line)
        if exact := next((name for name in (line, *names) if name in literal), None):
            found.add(exact)
        elif same := next(filter(None, (alike.get(key(name)) for name in names)), None):
            found |= same
        elif names:
            others.append(names[-1])
    return found, others


def official_lists(folder: Path, files: Collection[str]) -> dict[str, set[str]]:
    """Those of `files` (`<word>/<name>`) that the data set's own lists name, keyed valid and test.

    Lists may name recordings of words that `files` has none of. How many names match is logged.
    Raises `UserError` when a list is missing, is not in UTF-8, or names none of the files.
    """
    found, words = {}, {composed(word(file)) for file in files}
    for name, listed in _official(folder).items():
        path = folder / OFFICIAL[name]
        found[name], others = matched(listed, files)
        missing = [other for other in others if word(key(other)) in words]
        elsewhere = [other for other in others if word(key(other)) not in words]
        if not found[name]:
            raise UserError(
                f"The list {path} matches no recording{both_sides(missing or elsewhere, files)}. "
                f"Names in it: {len(others):,}; usable recordings: {len(files):,}. Name them as "
                "<word>/<name>, or choose method `random` or `speaker` (config key splits)."
            )
        logger.info(f"{path} names {len(found[name]):,} of {len(files):,} usable recordings.")
        if elsewhere:
            logger.info(
                f"Of other words it names {len(elsewhere):,} ({min(elsewhere)!r}, for one)."
            )
        if missing:
            logger.warning(
                f"Warning: Of the names in {path}, {len(missing):,} match no usable recording"
                f"{both_sides(missing, set(files) - found[name])}."
            )
    return found


def digest_of_lists(folder: Path) -> str:
    """SHA-256 over the data set's own lists. Raises `UserError` when one is missing or no text."""
    named = [sorted(set(map(str.strip, listed)) - {""}) for listed in _official(folder).values()]
    return digest_of("\0".join(map("\n".join, named)))


def _official(folder: Path) -> dict[str, list[str]]:
    """The lines of the data set's own lists, keyed valid and test."""
    paths = {name: folder / file for name, file in OFFICIAL.items()}
    if missing := [path.name for path in paths.values() if not path.is_file()]:
        raise UserError(
            f"A split of method `official` needs {' and '.join(missing)} in {folder}: add the "
            "lists, name a table that has sets (config key dataset.metadata), or choose method "
            "`random` or `speaker` (config key splits)."
        )
    listed = {}
    for name, path in paths.items():
        try:
            listed[name] = lines(text(path))
        except ValueError:
            raise UserError(f"The list {path} is not in UTF-8: convert it.") from None
    return listed


def columns(header: str) -> tuple[list[str], str]:
    """Return the names of a table's columns, in lower case, and their separator.

    The separator is the first of `SEPARATORS` that gives a column of `FILES`, else a comma. Raises
    `csv.Error` where the line cannot be parsed.
    """
    found = []
    for separator in SEPARATORS:
        names = fields(header, separator)
        found.append(([name.strip().lower() for name in names], separator))
    return next((each for each in found if set(FILES).intersection(each[0])), found[0])


def fields(line: str, separator: str) -> list[str]:
    """The fields of a table's line. Raises `csv.Error` where it is none."""
    return next(csv.reader([line], delimiter=separator, strict=True), [])


def file_column(names: list[str]) -> str | None:
    """The name of a table's column of recordings, if it has one."""
    return next((name for name in FILES if name in names), None)


def entries(content: str) -> list[str]:
    """What a text lists: of a table with a column of recordings each one once, else its lines."""
    content = body(content)
    with suppress(csv.Error):
        names, separator = columns(lines(content)[0])
        if column := file_column(names):
            rows = csv.reader(io.StringIO(content, newline=""), delimiter=separator)
            place = names.index(column)
            return list(dict.fromkeys(row[place] for row in rows if len(row) > place))[1:]
    return lines(content)

"""Lists and tables of recordings, whose names may be spelled differently from the files."""

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
from spokenwords.recordings.spelling import composed, key, unquoted, word_of
from spokenwords.wording import counted

logger = logging.getLogger("spokenwords")

OFFICIAL = {"valid": "validation_list.txt", "test": "testing_list.txt"}
SEPARATORS = (",", ";", "\t")
# Names of a table's column of recordings, in lower case; of several columns, the first name counts.
FILES = ("link", "file", "path")


def text(path: Path) -> str:
    """Read a text file in UTF-8, with or without a byte-order mark.

    Raises `OSError` if it is not readable, and `ValueError` if it is not such a text.
    """
    content = path.read_bytes()
    if b"\0" in content:  # UTF-16, or not a text
        raise ValueError
    return content.decode("utf-8-sig")


def lines(content: str) -> list[str]:
    """Return the lines of a text, without line ends."""
    return [line.removesuffix("\r") for line in content.split("\n")]


def body(content: str) -> str:
    """Return a text without the empty lines and comments at its start."""
    return re.sub(r"\A([^\S\n]*(#[^\n]*)?\n)*", "", content)


def readings(line: str) -> list[str]:
    """Return the names that a line of a list may mean, the more literal one first.

    A comment begins with `#` at the start of the line or after a space.
    """
    names = [unquoted(line.strip()), unquoted(line.partition(" #")[0].strip())]
    return [name for name in dict.fromkeys(names) if name and name[0] != "#"]


def matched(listed: Iterable[str], files: Collection[str]) -> tuple[set[str], list[str]]:
    """Return which of `files` (`<word>/<name>`) the lines of a list name, and names without a file.

    A line that is the exact name of a file, apart from spaces, quotes and comments, matches only
    this file.
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
    """Return which of `files` (`<word>/<name>`) the data set's lists name, keyed valid and test.

    Lists may contain recordings of words that are not used. The number of matches is logged. Raises
    `UserError` if a list is missing, is not in UTF-8, or names none of the files.
    """
    found, words = {}, {composed(word_of(file)) for file in files}
    for name, listed in _official(folder).items():
        path = folder / OFFICIAL[name]
        found[name], others = matched(listed, files)
        missing = [other for other in others if word_of(key(other)) in words]
        elsewhere = [other for other in others if word_of(key(other)) not in words]
        if not found[name]:
            raise UserError(
                f"The list {path} has {counted(len(others), 'name')}, but none of them match the "
                f"{counted(len(files), 'usable recording')}"
                f"{both_sides(missing or elsewhere, files)}. Write names as <word>/<name>, or "
                "choose method `random` or `speaker` (config key splits)."
            )
        logger.info(f"{path} lists {len(found[name]):,} of {len(files):,} usable recordings.")
        if elsewhere:
            logger.info(
                f"It also lists {len(elsewhere):,} of other words (for example {min(elsewhere)!r})."
            )
        if missing:
            logger.warning(
                f"Warning: {len(missing):,} names in {path} match no usable recording"
                f"{both_sides(missing, set(files) - found[name])}."
            )
    return found


def digest_of_lists(folder: Path) -> str:
    """Return the SHA-256 of the data set's lists. Raises `UserError` as `official_lists` does."""
    named = [sorted(set(map(str.strip, listed)) - {""}) for listed in _official(folder).values()]
    return digest_of("\0".join(map("\n".join, named)))


def _official(folder: Path) -> dict[str, list[str]]:
    """Return the lines of the data set's lists, keyed valid and test."""
    paths = {name: folder / file for name, file in OFFICIAL.items()}
    if missing := [path.name for path in paths.values() if not path.is_file()]:
        raise UserError(
            f"A split of method `official` needs {' and '.join(missing)} in {folder}. Add the "
            "lists, name a table with sets (config key dataset.metadata), or choose method "
            "`random` or `speaker` (config key splits)."
        )
    listed = {}
    for name, path in paths.items():
        try:
            listed[name] = lines(text(path))
        except ValueError:
            raise UserError(f"The list {path} is not in UTF-8. Convert it.") from None
    return listed


def columns(header: str) -> tuple[list[str], str]:
    """Return the names of a table's columns, in lower case, and their separator.

    The separator is the first of `SEPARATORS` that results in a column of `FILES`, or else a comma.
    Raises `csv.Error` if the line cannot be parsed.
    """
    found = []
    for separator in SEPARATORS:
        names = fields(header, separator)
        found.append(([name.strip().lower() for name in names], separator))
    return next((each for each in found if set(FILES).intersection(each[0])), found[0])


def fields(line: str, separator: str) -> list[str]:
    """Return the fields of a table's line. Raises `csv.Error` if it cannot be parsed."""
    return next(csv.reader([line], delimiter=separator, strict=True), [])


def file_column(names: list[str]) -> str | None:
    """Return the name of a table's column of recordings, if it has one."""
    return next((name for name in FILES if name in names), None)


def entries(content: str) -> list[str]:
    """Return the distinct entries in a table's column of recordings, or else a text's lines."""
    content = body(content)
    with suppress(csv.Error):
        names, separator = columns(lines(content)[0])
        if column := file_column(names):
            rows = csv.reader(io.StringIO(content, newline=""), delimiter=separator)
            index = names.index(column)
            return list(dict.fromkeys(row[index] for row in rows if len(row) > index))[1:]
    return lines(content)

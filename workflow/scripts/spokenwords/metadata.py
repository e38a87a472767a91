"""The table in which a data set says who speaks in each recording and which set it belongs to.

It is laid out as `<language>_splits.csv` of the Multilingual Spoken Words Corpus is (M. Mazumder et
al., NeurIPS Datasets and Benchmarks 2021), a line a recording, with the columns

- LINK: `<word>/<name>`. The suffix of a sound file does not count, for recordings that were
  converted.
- SPEAKER: who speaks; empty or `NA` where that is not known.
- SET: TRAIN, DEV or TEST; only splits of method `official` look at it.

Others are passed over.
"""

import csv
import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from spokenwords import content, dataset
from spokenwords.errors import UserError

logger = logging.getLogger("spokenwords")

SETS = {"TRAIN": "train", "DEV": "valid", "TEST": "test"}
NOT_KNOWN = {"", "NA"}


class Row(NamedTuple):
    """A line of the table: a recording without its suffix, its speaker, its set; maybe empty."""

    recording: str
    speaker: str
    set: str

    @property
    def word(self) -> str:
        return self.recording.partition("/")[0]


class Digest(NamedTuple):
    """What the table says of a word: a digest of its recordings' speakers, one of their sets."""

    speakers: str
    sets: str | None


def rows(table: Path, word: str = "") -> Iterator[Row]:
    """The rows of a table, or those of one word.

    Raises `UserError` where the table cannot be read, lacks a column or fields of a line, or names
    a set that there is not.
    """
    # English has seven million lines: those of other words are not parsed.
    sought = f"{word}/".replace('"', '""').encode() if word else b""
    try:
        with table.open("rb") as file:
            line = file.readline().decode("utf-8-sig")
            header = [name.strip() for name in _fields(table, 1, line)]
            if missing := [name for name in ("LINK", "SPEAKER") if name not in header]:
                raise _fault(
                    table,
                    f"has no column {' and '.join(missing)} in its first line: name its columns "
                    "there, with commas between them",
                )
            for number, line in enumerate(file, start=2):
                if sought in line and line.strip():
                    row = _row(table, number, header, line.decode())
                    if word in ("", row.word):
                        yield row
    except OSError as error:
        raise _fault(table, f"cannot be read ({error.strerror}): name one that can") from None
    except UnicodeDecodeError:
        raise _fault(table, "is not in UTF-8: convert it") from None


def _row(table: Path, number: int, header: list[str], line: str) -> Row:
    fields = _fields(table, number, line)
    if len(fields) != len(header):
        raise _fault(table, f"has {len(fields)} fields for {len(header)} columns in line {number}")
    named = dict(zip(header, fields, strict=True))
    name = named.get("SET", "").strip()
    if name and name not in SETS:
        raise _fault(
            table, f"names a set {name!r} in line {number}; those there are, are {', '.join(SETS)}"
        )
    speaker = named["SPEAKER"].strip()
    return Row(
        without_suffix(named["LINK"].strip()),
        "" if speaker in NOT_KNOWN else speaker,
        SETS.get(name, ""),
    )


def _fields(table: Path, number: int, line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        what = f"is no CSV table with a line a recording: see line {number} ({error})"
        raise _fault(table, what) from None


def without_suffix(file: str) -> str:
    """A recording as tables name it: its file without the suffix of a sound file."""
    stem, dot, suffix = file.rpartition(".")
    return stem if f"{dot}{suffix}".lower() in dataset.SUFFIXES else file


def _fault(table: Path, what: str) -> UserError:
    return UserError(f"The table {table} (config key dataset.metadata) {what}.")


def speakers(table: Path, word: str, files: list[str]) -> dict[str, str]:
    """Who speaks in those of a word's `files` (`<word>/<name>`) of which the table knows it.

    Raises `UserError` as `rows` does, where the table names none of the files, and where it names
    two speakers of a recording.
    """
    known = _one_each(table, ((row.recording, row.speaker) for row in rows(table, word)))
    named = {file: known[name] for file in files if (name := without_suffix(file)) in known}
    if files and not named:
        raise _fault(
            table,
            f"names {len(known)} recordings of {word!r}, and none of the {len(files)} that there "
            f"are ({files[0]}, for one): but for suffixes, names must be the same",
        )
    logger.info(f"{table} names {len(named):,} of {len(files):,} recordings of {word!r}.")
    return {file: speaker for file, speaker in named.items() if speaker}


def official_lists(table: Path, files: list[str]) -> dict[str, set[str]]:
    """Those of `files` (`<word>/<name>`) that the table has in a set, keyed valid and test.

    Empty where the table says nothing of sets of their words. Raises `UserError` as `rows` does,
    and where it has a recording in two sets.
    """
    wanted = {without_suffix(file) for file in files}
    words = {file.partition("/")[0] for file in files}
    # The sets of absent recordings are kept as well: that there are sets at all is what counts.
    sets = _one_each(
        table, ((row.recording, row.set) for row in rows(table) if row.set and row.word in words)
    )
    if not sets:
        return {}
    there = len(wanted.intersection(sets))
    logger.info(f"{table} has a set for {there:,} of {len(wanted):,} recordings.")
    return {
        name: {file for file in files if sets.get(without_suffix(file)) == name}
        for name in ("valid", "test")
    }


def _one_each(table: Path, said: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What is said of each recording, which may not be two things."""
    found: dict[str, str] = {}
    for recording, what in said:
        if found.setdefault(recording, what) != what:
            raise _fault(table, f"says both {found[recording]!r} and {what!r} of {recording}")
    return found


def digests(table: Path, cache: Path) -> dict[str, Digest]:
    """What the table says of each word, keyed by word, whatever the order of its lines.

    The table is read only where its size, times or inode differ from what they were when `cache` (a
    JSON file, kept up by this function) was written. Raises `UserError` as `rows` does.
    """
    state = content.state(table.parent, [table.name])
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        known = json.loads(cache.read_text(encoding="utf-8"))
        if known["state"] == state:
            return {word: Digest(*parts) for word, parts in known["digests"].items()}
    speakers, sets = defaultdict(int), defaultdict(int)
    for row in rows(table):
        # A sum has no order, and takes no room.
        speakers[row.word] += _number(row.recording, row.speaker)
        if row.set:
            sets[row.word] += _number(row.recording, row.set)
    found = {
        word: Digest(f"{speakers[word]:x}", f"{sets[word]:x}" if word in sets else None)
        for word in speakers
    }
    content.write_cache(cache, json.dumps({"state": state, "digests": found}))
    return found


def _number(*texts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(texts).encode()).digest())

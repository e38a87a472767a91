"""The table in which a data set says who speaks in each recording and which set it belongs to.

It is laid out as `<language>_splits.csv` of the Multilingual Spoken Words Corpus is (M. Mazumder et
al., NeurIPS Datasets and Benchmarks 2021), a line a recording, with the columns

- LINK (or `file`, `path`): `<word>/<name>`, in any spelling that `spelling.key` knows.
- SPEAKER: who speaks; empty or `NA` where that is not known.
- SET: one of `layout.NAMES_OF_SETS`; only splits of method `official` look at it.

Others are passed over. Columns and sets are in upper or lower case. Commas, semicolons or tabs
stand between fields.
"""

import csv
import hashlib
import json
import logging
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from spokenwords.errors import UserError
from spokenwords.jobs import hashing
from spokenwords.recordings import doubts, layout, lists, spelling
from spokenwords.recordings.layout import NAMES_OF_SETS
from spokenwords.wording import some

logger = logging.getLogger("spokenwords")

NOT_KNOWN = {"", "NA"}
BLOCK = 1 << 16  # bytes
# The modules by whose rules digests are found.
RULES = [Path(file) for file in (__file__, lists.__file__, layout.__file__, spelling.__file__)]


class Row(NamedTuple):
    """A line of the table: a recording's `spelling.key`, its speaker, its set; both maybe empty."""

    recording: str
    speaker: str
    set: str

    @property
    def word(self) -> str:
        return spelling.word(self.recording)


class Digest(NamedTuple):
    """What the table says of a word: a digest of its recordings' speakers, one of their sets."""

    speakers: str
    sets: str | None


def rows(table: Path, word: str = "") -> Iterator[Row]:
    """The rows of a table, or those of one word.

    Raises `UserError` where the table cannot be read, lacks a column or fields of a line, or names
    a set that there is not.
    """
    # English has seven million lines: those of other words are not parsed, nor even split.
    forms = {word, *(unicodedata.normalize(form, word) for form in ("NFC", "NFD"))}
    sought = [f"{form}{end}".replace('"', '""').encode() for form in forms for end in "/\\"]
    try:
        with table.open("rb") as file:
            number, first = 1, file.readline()
            while re.fullmatch(rb"(\xef\xbb\xbf)?\s*(#.*)?\n", first):
                number, first = number + 1, file.readline()
            names, separator = _columns(table, number, first)
            while block := file.read(BLOCK):
                block += file.readline()
                if not word or any(name in block for name in sought):
                    for line, text in enumerate(block.split(b"\n"), start=number + 1):
                        if text.strip() and (not word or any(name in text for name in sought)):
                            row = _row(table, line, names, separator, text.decode())
                            if not word or row.word == spelling.composed(word):
                                yield row
                number += block.count(b"\n")
    except OSError as error:
        raise _fault(table, f"cannot be read ({error.strerror}): name one that can") from None
    except UnicodeDecodeError:
        raise _fault(table, "is not in UTF-8: convert it") from None


def _columns(table: Path, number: int, line: bytes) -> tuple[list[str], str]:
    """What `rows` look for in a row's fields, in the order of columns, and what separates them."""
    if b"\0" in line:
        raise _fault(table, "is not in UTF-8: convert it")
    try:
        names, separator = lists.columns(line.decode("utf-8-sig"))
    except csv.Error as error:
        raise _fault(table, _no_table(number, error)) from None
    column = lists.file_column(names) or "link"
    if missing := [name for name in (column, "speaker") if name not in names]:
        raise _fault(
            table,
            f"has no column {' and '.join(map(str.upper, missing))} in line {number}: name its "
            "columns there, with commas, semicolons or tabs between them",
        )
    for name in (column, "speaker", "set"):
        if names.count(name) > 1:
            raise _fault(table, f"has {names.count(name)} columns {name.upper()}: keep one")
    return ["link" if name == column else name for name in names], separator


def _row(table: Path, number: int, header: list[str], separator: str, line: str) -> Row:
    try:
        fields = lists.fields(line, separator)
    except csv.Error as error:
        raise _fault(table, _no_table(number, error)) from None
    if len(fields) != len(header):
        raise _fault(table, f"has {len(fields)} fields for {len(header)} columns in line {number}")
    named = dict(zip(header, fields, strict=True))
    name = named.get("set", "").strip()
    if name and name.lower() not in NAMES_OF_SETS:
        raise _fault(
            table, f"has an unknown set {name!r} in line {number}; expected TRAIN, DEV or TEST"
        )
    speaker = named["speaker"].strip()
    return Row(
        spelling.key(named["link"]),
        "" if speaker in NOT_KNOWN else speaker,
        NAMES_OF_SETS.get(name.lower(), ""),
    )


def _no_table(number: int, error: csv.Error) -> str:
    return f"is no CSV table with a line a recording: see line {number} ({error})"


def _fault(table: Path, what: str) -> UserError:
    return UserError(f"The table {table} (config key dataset.metadata) {what}.")


def speakers(table: Path, word: str, files: list[str]) -> dict[str, str]:
    """Return the speakers that the table names, keyed by file, of a word's `files`.

    Files are named `<word>/<name>`. Raises `UserError` as `rows` does, where the table names none
    of the files, and where it names two speakers of a recording.
    """
    known = _one_each(table, ((row.recording, row.speaker) for row in rows(table, word)))
    named = {file: known[name] for file in files if (name := spelling.key(file)) in known}
    if files and not named:
        others = known or [row.recording for row in islice(rows(table), 1)]
        raise _fault(
            table,
            f"names {len(known)} recordings of {word!r}, and none of the {len(files)} that there "
            f"are{doubts.both_sides(others, files)}: names count from the word's folder on, "
            "without suffixes",
        )
    logger.info(
        f"{table} names {len(named):,} of {len(files):,} recordings of {word!r}"
        f"{doubts.both_sides(known.keys() - map(spelling.key, named), set(files) - set(named))}."
    )
    return {file: speaker for file, speaker in named.items() if speaker}


def official_lists(table: Path, files: list[str]) -> dict[str, set[str]]:
    """Those of `files` (`<word>/<name>`) that the table has in a set, keyed valid and test.

    Empty where the table says nothing of sets of their words. Raises `UserError` as `rows` does,
    where it has a recording in two sets, and where it has none of the files in one.
    """
    key = {file: spelling.key(file) for file in files}
    words = set(map(spelling.word, key.values()))
    # The sets of absent recordings are kept as well: that there are sets at all is what counts.
    sets = _one_each(
        table, ((row.recording, row.set) for row in rows(table) if row.set and row.word in words)
    )
    if not sets:
        return {}
    unnamed = {file for file in files if key[file] not in sets}
    unmatched = sets.keys() - set(key.values())
    if len(unnamed) == len(files):
        raise _fault(
            table,
            f"has a set for {len(sets):,} recordings, and for none of the {len(files):,} that are "
            f"usable{doubts.both_sides(unmatched, unnamed)}: names count from the word's folder "
            "on, without suffixes",
        )
    if unnamed:
        logger.warning(
            f"Warning: {table} has no set for {len(unnamed):,} of {len(files):,} recordings"
            f"{doubts.both_sides(unmatched, unnamed)}; these are trained on."
        )
    return {
        name: {file for file in files if sets.get(key[file]) == name} for name in ("valid", "test")
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

    The table is read only where its size, times or inode, or the `RULES`, differ from what they
    were when `cache` (a JSON file, kept up by this function) was written. Raises `UserError` as
    `rows` does.
    """
    rules = map(hashing.hash_of, RULES)
    state = hashing.digest_of_lines([hashing.state(table.parent, [table.name]), *rules])
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        known = json.loads(cache.read_text(encoding="utf-8"))
        if known["state"] == state:
            return {word: Digest(*parts) for word, parts in known["digests"].items()}
    speakers: defaultdict[str, int] = defaultdict(int)
    sets: defaultdict[str, int] = defaultdict(int)
    for row in rows(table):
        # A sum has no order, and takes no room.
        speakers[row.word] += _number(row.recording, row.speaker)
        if row.set:
            sets[row.word] += _number(row.recording, row.set)
    found = {
        word: Digest(f"{speakers[word]:x}", f"{sets[word]:x}" if word in sets else None)
        for word in speakers
    }
    hashing.write_cache(cache, json.dumps({"state": state, "digests": found}))
    return found


def refuse_unlisted(table: Path, listed: Iterable[str], folder: Path, words: Iterable[str]) -> None:
    """Raise a `UserError` where some of a folder's words are not among those that are listed."""
    listed = dict.fromkeys(listed)
    if unlisted := [word for word in words if spelling.composed(word) not in listed]:
        there = ", ".join(list(listed)[:3]) or "none at all"
        raise _fault(
            table,
            f"names no recording of {len(unlisted):,} of the words in {folder}: "
            f"{some(unlisted)}. Words that it has: "
            + " ".join([f"{there}.", *doubts.similar(unlisted, listed)[:3]])
            + " Name the table of these recordings, or choose words that it has (config key "
            "dataset.words)",
        )


def _number(*texts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(texts).encode()).digest())

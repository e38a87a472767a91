"""The table with the speaker and the set of each recording of a data set.

It has the format of `<language>_splits.csv` in the Multilingual Spoken Words Corpus (M. Mazumder et
al., NeurIPS Datasets and Benchmarks 2021), one line per recording, with the columns

- LINK (or `file`, `path`): `<word>/<name>`, in any spelling that `spelling.key` accepts.
- SPEAKER: the speaker; empty or `NA` if unknown.
- SET: one of `layout.NAMES_OF_SETS`; used only by splits of method `official`.

Other columns are ignored. Columns and sets are in upper or lower case. Fields are separated by
commas, semicolons or tabs.
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
from spokenwords.wording import counted, some

logger = logging.getLogger("spokenwords")

NOT_KNOWN = {"", "NA"}
BLOCK = 1 << 16  # bytes
# The modules that digests depend on.
RULES = [Path(file) for file in (__file__, lists.__file__, layout.__file__, spelling.__file__)]


class Row(NamedTuple):
    """A line of the table: a recording's `spelling.key`, and its speaker and set or empty texts."""

    recording: str
    speaker: str
    set: str

    @property
    def word(self) -> str:
        return spelling.word_of(self.recording)


class Digest(NamedTuple):
    """Digests of the speakers and sets of a word's recordings; None without sets."""

    speakers: str
    sets: str | None


def rows(table: Path, word: str = "") -> Iterator[Row]:
    """Yield the rows of a table, or those of one word.

    Raises `UserError` if the table is not readable, lacks a column or a field, or contains an
    unknown set.
    """
    # The table of English has seven million lines: those of other words are not parsed or split.
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
        raise _problem(table, f"is not readable ({error.strerror}). Name another file") from None
    except UnicodeDecodeError:
        raise _problem(table, "is not in UTF-8. Convert it") from None


def _columns(table: Path, number: int, line: bytes) -> tuple[list[str], str]:
    """Return the table's columns (that of recordings is named `link`), and their separator."""
    if b"\0" in line:
        raise _problem(table, "is not in UTF-8. Convert it")
    try:
        names, separator = lists.columns(line.decode("utf-8-sig"))
    except csv.Error as error:
        raise _problem(table, _no_table(number, error)) from None
    column = lists.file_column(names) or "link"
    if missing := [name for name in (column, "speaker") if name not in names]:
        raise _problem(
            table,
            f"has no column {' and '.join(map(str.upper, missing))} in line {number}. Name its "
            "columns in this line, separated by commas, semicolons or tabs",
        )
    for name in (column, "speaker", "set"):
        if names.count(name) > 1:
            raise _problem(table, f"has {names.count(name)} columns {name.upper()}. Keep one")
    return ["link" if name == column else name for name in names], separator


def _row(table: Path, number: int, header: list[str], separator: str, line: str) -> Row:
    try:
        fields = lists.fields(line, separator)
    except csv.Error as error:
        raise _problem(table, _no_table(number, error)) from None
    if len(fields) != len(header):
        raise _problem(
            table, f"has {counted(len(fields), 'field')} for {len(header)} columns in line {number}"
        )
    named = dict(zip(header, fields, strict=True))
    name = named.get("set", "").strip()
    if name and name.lower() not in NAMES_OF_SETS:
        raise _problem(
            table, f"has an unknown set {name!r} in line {number}; expected TRAIN, DEV or TEST"
        )
    speaker = named["speaker"].strip()
    return Row(
        spelling.key(named["link"]),
        "" if speaker in NOT_KNOWN else speaker,
        NAMES_OF_SETS.get(name.lower(), ""),
    )


def _no_table(number: int, error: csv.Error) -> str:
    return f"is not a CSV table with one line per recording: see line {number} ({error})"


def _problem(table: Path, problem: str) -> UserError:
    return UserError(f"The table {table} (config key dataset.metadata) {problem}.")


def speakers(table: Path, word: str, files: list[str]) -> dict[str, str]:
    """Return the speakers of a word's `files` (`<word>/<name>`) in the table, by file.

    Raises `UserError` as `rows` does, if the table lists none of the files, and if it has two
    speakers for a recording.
    """
    known = _one_each(table, ((row.recording, row.speaker) for row in rows(table, word)))
    named = {file: known[name] for file in files if (name := spelling.key(file)) in known}
    if files and not named:
        others = known or [row.recording for row in islice(rows(table), 1)]
        raise _problem(
            table,
            f"lists {counted(len(known), 'recording')} of {word!r}, but none of them match the "
            f"{counted(len(files), 'file')} found{doubts.both_sides(others, files)}. Names must "
            "match from the word's folder on, except for the suffix",
        )
    logger.info(
        f"{table} lists {len(named):,} of {len(files):,} recordings of {word!r}"
        f"{doubts.both_sides(known.keys() - map(spelling.key, named), set(files) - set(named))}."
    )
    return {file: speaker for file, speaker in named.items() if speaker}


def official_lists(table: Path, files: list[str]) -> dict[str, set[str]]:
    """Return which of `files` (`<word>/<name>`) are in a set of the table, keyed valid and test.

    It is empty if the table has no sets for their words. Raises `UserError` as `rows` does, if a
    recording is in two sets, and if none of the files are in a set.
    """
    key = {file: spelling.key(file) for file in files}
    words = set(map(spelling.word_of, key.values()))
    # Including missing recordings, to find out whether the table has sets.
    sets = _one_each(
        table, ((row.recording, row.set) for row in rows(table) if row.set and row.word in words)
    )
    if not sets:
        return {}
    unnamed = {file for file in files if key[file] not in sets}
    unmatched = sets.keys() - set(key.values())
    if len(unnamed) == len(files):
        raise _problem(
            table,
            f"has sets for {counted(len(sets), 'recording')}, but none of them match the "
            f"{counted(len(files), 'usable file')}{doubts.both_sides(unmatched, unnamed)}. Names "
            "must match from the word's folder on, except for the suffix",
        )
    if unnamed:
        logger.warning(
            f"Warning: {table} has no set for {len(unnamed):,} of {len(files):,} recordings"
            f"{doubts.both_sides(unmatched, unnamed)}; these are used for training."
        )
    return {
        name: {file for file in files if sets.get(key[file]) == name} for name in ("valid", "test")
    }


def _one_each(table: Path, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the speaker or set of each recording. Raises `UserError` if one has two of them."""
    found: dict[str, str] = {}
    for recording, value in pairs:
        if found.setdefault(recording, value) != value:
            raise _problem(table, f"has both {found[recording]!r} and {value!r} for {recording}")
    return found


def digests(table: Path, cache: Path) -> dict[str, Digest]:
    """Return digests of the table's content, by word; they do not depend on the order of lines.

    `cache` is a JSON file that this function updates. The table is read only if its size, times or
    inode, or the `RULES`, have changed since. Raises `UserError` as `rows` does.
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
        # A sum does not depend on the order, and needs no memory.
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
    """Raise a `UserError` if some of a folder's words are not among those `listed` in the table."""
    listed = dict.fromkeys(listed)
    if unlisted := [word for word in words if spelling.composed(word) not in listed]:
        there = ", ".join(list(listed)[:3]) or "none"
        raise _problem(
            table,
            f"lists no recordings of {counted(len(unlisted), 'word')} in {folder}: "
            f"{some(unlisted)}. Words that it lists: "
            + " ".join([f"{there}.", *doubts.similar(unlisted, listed)[:3]])
            + " Name the table of these recordings, or choose words that it lists (config key "
            "dataset.words)",
        )


def _number(*texts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(texts).encode()).digest())

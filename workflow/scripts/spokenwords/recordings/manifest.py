"""A manifest: the recordings of a training, validation or test set."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from spokenwords.errors import UserError
from spokenwords.names import NEGATIVES, SETS, SILENCE_SEGMENTS
from spokenwords.recordings.classes import Classes
from spokenwords.recordings.described import whereabouts
from spokenwords.recordings.tables import read_table, speakers_known
from spokenwords.wording import some

# `label` numbers the words from 0, in the order of their stores; `row` is that of a word's store.
COLUMNS = ["file", "word", "label", "speaker", "row"]
SEPARATORS = " _.-"  # between the speaker and the rest, in names of recordings


def read(path: Path) -> pd.DataFrame:
    """Read a manifest from its CSV file: one row per recording, columns `COLUMNS`."""
    return read_table(path, ["file", "word", "speaker"])


def prefixed(recordings: pd.DataFrame) -> str:
    """Return the first recording whose name seems to begin with its speaker, or an empty text.

    `recordings` has columns file and speaker. Most of those without a speaker must share their
    beginning, up to one of `SEPARATORS`, with another one, and there must be several beginnings.
    The word at the start of a name is skipped.
    """
    files = recordings.loc[~speakers_known(recordings), "file"]
    beginnings = {file: parts[0] for file in sorted(files) if (parts := parted(file))}
    counts = Counter(beginnings.values())
    shared = [file for file, beginning in beginnings.items() if counts[beginning] > 1]
    if 2 * len(shared) <= len(files) or len({beginnings[file] for file in shared}) < 2:
        return ""
    return shared[0]


def parted(file: str) -> tuple[str, str] | None:
    """Return a name's part before the first separator, and the rest, without word and suffix."""
    word, stem = Path(file).parts[0], Path(file).stem
    if stem.casefold().startswith(word.casefold()) and stem[len(word) :][:1] in [*SEPARATORS]:
        stem = stem[len(word) :]
    found = re.fullmatch(f"([^{SEPARATORS}]+)[{SEPARATORS}]+(.+)", stem.strip(SEPARATORS))
    return (found[1], found[2]) if found else None


def lacking(manifests: Mapping[str, pd.DataFrame]) -> dict[str, list[str]]:
    """Return the words, or classes, that each set lacks but another one has, sorted."""
    present = {name: set(table["word"]) for name, table in manifests.items()}
    every = set().union(*present.values())
    return {name: sorted(every - words) for name, words in present.items()}


def of_classes(
    path: Path,
    chosen: Classes,
    segments: Iterable[str] = (),
    negatives: Iterable[str] = (),
    share: float | None = None,
) -> pd.DataFrame:
    """Return the recordings of the manifest at `path` that have a class.

    `segments` is the table of `silence.write`, if there is one. Segments of noise of the same set
    are added, evenly spaced, the same number as the mean of the classes. Their store comes after
    those of the words. `negatives` is the table of `write_negatives.write`, if there is one, whose
    store comes last. All its segments of the set are added or, evenly spaced, so many that they
    make up the given `share` of the recordings. Raises `UserError` if no recording has a class, or,
    in the training set, if a class has no recording.
    """
    table = read(path)
    table = table[table["word"].isin(chosen.number)]
    there = set(table["word"].map(chosen.number))
    absent = [
        word
        for word, number in chosen.number.items()
        if number not in there and word not in (SILENCE_SEGMENTS, NEGATIVES)
    ]
    if absent and (table.empty or path.stem == "train"):
        paths = {name: path.with_name(f"{name}.csv") for name in SETS}
        sets = {name: read(path) for name, path in paths.items() if path.is_file()}
        raise UserError(
            f"{path} has no recordings of {some(absent)}, but this run needs them."
            f"{whereabouts(sets, absent)}\nAdd recordings (of other speakers if the split is by "
            "speaker), change the split's shares, seed or lists (config key "
            f"splits.{path.parent.name}), or leave words out (`words` or `unknown` of the run)."
        )
    parts = [table]
    for segment_table in segments:
        noise = _segments(Path(segment_table), path.stem, SILENCE_SEGMENTS, len(chosen.words))
        of_a_class = round(len(table) / (len(chosen.names) - 1))
        parts.append(_spaced(noise, max(1, of_a_class)))
    for segment_table in negatives:
        label = len(chosen.words) + (SILENCE_SEGMENTS in chosen.number)
        sound = _segments(Path(segment_table), path.stem, NEGATIVES, label)
        if share is not None:
            words = sum(map(len, parts))
            sound = _spaced(sound, max(1, round(words * share / (1 - share))))
        parts.append(sound)
    return pd.concat(parts, ignore_index=True)


def _spaced(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return at most `count` rows, evenly spaced."""
    places = np.linspace(0, len(table) - 1, min(len(table), count))
    return table.iloc[places.round().astype(int)]


def renamed(table: pd.DataFrame, chosen: Classes) -> pd.DataFrame:
    """Return the manifest with each word replaced by the name of its class."""
    number = table["word"].map(chosen.number)
    return table.assign(word=np.array(chosen.names, dtype=object)[number.to_numpy(np.int64)])


def _segments(path: Path, name: str, word: str, label: int) -> pd.DataFrame:
    """Return the segments of a set (train or valid) as a manifest; `label` is their store's."""
    table = read_table(path, ["file", "set"])
    table = table[table["set"] == name]
    return table.assign(word=word, label=label, speaker="")[COLUMNS]

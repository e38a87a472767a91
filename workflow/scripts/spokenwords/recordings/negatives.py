"""Negatives: recordings in which none of the words is said, divided into sets.

They are of any kind and length: other words, running speech, music, a room.
"""

import hashlib
import os
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from spokenwords.errors import UserError
from spokenwords.names import NEGATIVE_PARTS
from spokenwords.recordings import audio, data_folder
from spokenwords.recordings.layout import letters

# Longer recordings are divided in time, s; others are in one set as a whole.
LONGEST_WHOLE = 30.0
# Columns of a table of parts; `start` and `samples` are at the sample rate of the recordings.
COLUMNS = ["file", "set", "start", "samples"]


def files(folder: Path, words: Collection[str]) -> list[str]:
    """Return the paths of the recordings below `folder`, relative to it, sorted.

    Folders in it named like one of the `words`, in capital or small letters, and those whose names
    begin with `_` or `.` are left out. Raises `UserError` if there are no recordings, or if a
    name is not valid text, since tables could not contain it.
    """
    left_out = {letters(word).casefold() for word in words}
    found: list[str] = []
    for path, folders, _ in os.walk(folder):
        place = Path(path)
        folders[:] = [
            name
            for name in folders
            if name[0] not in "_." and letters(name).casefold() not in left_out
        ]
        found += [
            (place / name).relative_to(folder).as_posix() for name in data_folder.recordings(place)
        ]
    if not found:
        raise UserError(
            f"The folder {folder} (config key dataset.negatives) contains no recordings, or only "
            "recordings of the words."
        )
    return sorted(found)


def parts(file: str, samples: int, sample_rate: int) -> list[tuple[str, str, int, int]]:
    """Return the parts of a recording as rows of `COLUMNS`; `samples` is its length.

    The set of a short recording follows from its speaker, if its name has one, else from its name.
    """
    rows = []
    if samples > LONGEST_WHOLE * sample_rate:
        for name, shares in NEGATIVE_PARTS.items():
            start, end = (round(share * samples) for share in shares)
            rows.append((file, name, start, end - start))
        return rows
    digest = hashlib.sha256(data_folder.speaker(file).encode()).digest()
    place = int.from_bytes(digest[:4]) / 2**32
    [name] = [name for name, (first, end) in NEGATIVE_PARTS.items() if first <= place < end]
    return [(file, name, 0, samples)]


def path_of(file: str, folders: Sequence[Path]) -> Path:
    """Return where a recording is; `file` begins with the number of its folder."""
    number, _, name = file.partition("/")
    return folders[int(number)] / name


def stream(
    table: pd.DataFrame, folders: Sequence[Path], name: str, sample_rate: int, longest: float
) -> np.ndarray:
    """Return the sound of a set, one part after the other.

    It is float32 [samples] at `sample_rate` (Hz). `table` has the parts (`COLUMNS`). If they are
    longer than `longest` seconds together, it has a part of each long recording, and some of the
    short ones, evenly spaced.
    """
    parts = table[table["set"] == name]
    share = min(1.0, longest * sample_rate / max(1, parts["samples"].sum()))
    sound, due = [np.empty(0, np.float32)], 0.0
    for row in parts.itertuples():
        samples = round(share * row.samples)
        if row.samples <= LONGEST_WHOLE * sample_rate:
            due += samples
            samples = row.samples if due >= row.samples / 2 else 0
            due -= samples
        if samples:
            waveform = audio.mono(path_of(row.file, folders), sample_rate)
            sound.append(waveform[row.start : row.start + samples])
    return np.concatenate(sound)

"""Segments of negatives as a store, like those of words."""

import logging
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd

from spokenwords.errors import UserError
from spokenwords.jobs.progress import Progress
from spokenwords.recordings import audio, decoding, negatives
from spokenwords.spectrograms.stft import STFT
from spokenwords.spectrograms.write import write_waveforms
from spokenwords.wording import some

# Segments of each set, at most: in memory, 10,000 with the default settings take 1 GB.
MOST = {"train": 10_000, "valid": 2_000}
# Recordings in memory, for segments that follow each other.
DECODED = 2

logger = logging.getLogger("spokenwords")


def write(
    path: Path,
    segments_path: Path,
    parts_path: Path,
    folders: Sequence[Path],
    words: Collection[str],
    transform: STFT,
    length: int,
    on_unreadable: str,
    digest: str,
    **storage: Any,
) -> None:
    """Write the spectrograms of segments of negatives to a store at `path`.

    The negatives are in `folders`, where recordings of the `words` are left out (see
    `negatives.files`). The table at `parts_path` has their parts (`negatives.COLUMNS`), that at
    `segments_path` describes the store's rows: file (`<recording>@<start, s>`), set (train or
    valid), row. `length` is that of a segment in samples, `digest` that of the negatives; `storage`
    are other arguments of `write_waveforms`. Raises `UserError` if recordings are unreadable,
    unless `on_unreadable` is `skip`, or if the training or the validation set has none.
    """
    rate = transform.sample_rate
    parts = _parts(folders, words, rate, on_unreadable)
    table = segments(parts, length)
    if lacking := [name for name in MOST if name not in set(table["set"])]:
        raise UserError(
            f"No negatives are in the {some(lacking)} set (config key dataset.negatives). "
            "Recordings up to 30 s are divided by speaker or name, longer ones in time: add some."
        )
    names = [f"{row.file}@{row.start / rate:.3f}s" for row in table.itertuples()]
    rows = dict(zip(names, table.itertuples(), strict=True))

    @lru_cache(DECODED)
    def recording(file: str) -> np.ndarray:
        return audio.mono(negatives.path_of(file, folders), rate)

    decoding_one = Lock()  # Several threads would decode the same recording, hours long perhaps.

    def segment(name: str) -> np.ndarray:
        row = rows[name]
        with decoding_one:
            samples = recording(row.file)
        return audio.fit(samples[row.start : row.end], length)

    storage |= {"inventory_digest": digest, "window": None}
    write_waveforms(path, names, segment, transform, length, **storage)
    parts.to_csv(parts_path, index=False)
    rows_of_store = {"file": names, "set": table["set"], "row": range(len(table))}
    pd.DataFrame(rows_of_store).to_csv(segments_path, index=False)


def segments(parts: pd.DataFrame, length: int) -> pd.DataFrame:
    """Return the segments, of `length` samples, of the training and the validation parts.

    One row per segment: file, set, start and end (samples). They overlap by half, unless there are
    more than `MOST` of a set, and are shorter than `length` only if their part is.
    """
    rows = []
    for name, most in MOST.items():
        found = []
        of_set = parts[parts["set"] == name]
        step = round(max(length / 2, of_set["samples"].sum() / most))
        for row in of_set.itertuples():
            end = row.start + row.samples
            for start in range(row.start, max(row.start + 1, end - length + 1), step):
                found.append((row.file, name, start, min(start + length, end)))
        chosen = np.linspace(0, len(found) - 1, min(len(found), most))
        rows += [found[i] for i in chosen.round().astype(int)]
    return pd.DataFrame(rows, columns=["file", "set", "start", "end"])


def _parts(
    folders: Sequence[Path], words: Collection[str], rate: int, on_unreadable: str
) -> pd.DataFrame:
    files = [
        f"{number}/{name}"
        for number, folder in enumerate(folders)
        for name in negatives.files(folder, words)
    ]
    rows, unreadable = [], []
    progress = Progress("Negatives", len(files), "recordings")
    for file in files:
        try:
            samples = len(audio.mono(negatives.path_of(file, folders), rate))
        except decoding.UnreadableRecordingError as reason:
            unreadable.append(f"{negatives.path_of(file, folders)} ({reason})")
        else:
            rows += negatives.parts(file, samples, rate)
        progress.advance()
    if unreadable:
        sentence = f"These negatives cannot be read: {some(unreadable)}."
        if on_unreadable != "skip":
            raise UserError(
                f"{sentence} Remove them, or skip them (config key dataset.on_unreadable: skip)."
            )
        logger.warning(f"Warning: {sentence} They are skipped.")
    return pd.DataFrame(rows, columns=negatives.COLUMNS)

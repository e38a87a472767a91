"""What each recording of a word is: the inventory, a CSV file.

Without pandas, whose import would take the many short jobs of single words longer than their work.
"""

import csv
import hashlib
from pathlib import Path

import numpy as np

from spokenwords import content, dataset, decoding, metadata

USABLE = "usable"
# Digits of peak and rms.
DECIMALS = 6
COLUMNS = [
    *("file", "status", "speaker", "samples", "sample_rate", "channels", "peak", "rms", "sha256"),
]


def of_word(folder: Path, word: str, table: Path | None = None) -> list[dict]:
    """The inventory of one word: a row a recording, sorted by file name; no recording fails it.

    Who speaks is said by the data set's `table` (see `metadata`) or, where that does not know, by
    the file's name. Raises `UserError` as `metadata.speakers` does.

    Columns: file (`<word>/<name>`), status (`usable`, or `unreadable: <why>`), speaker, samples
    (a channel, at the file's own rate), sample_rate (Hz), channels, peak and rms (of all channels,
    full scale is 1), sha256 (of the file's bytes).
    """
    files = [f"{word}/{name}" for name in dataset.recordings(folder / word)]
    known = metadata.speakers(table, word, files) if table else {}
    rows = []
    for file in files:
        path = folder / file
        row = {
            "file": file,
            "status": USABLE,
            "speaker": known.get(file) or dataset.speaker(file),
            "samples": 0,
            "sample_rate": 0,
            "channels": 0,
            "peak": 0.0,
            "rms": 0.0,
            "sha256": content.hash_of(path),
        }
        try:
            samples, row["sample_rate"] = decoding.decode(path)
        except decoding.UnreadableRecordingError as reason:
            row["status"] = f"unreadable: {reason}"
        else:
            row["samples"], row["channels"] = samples.shape
            row["peak"] = round(float(np.abs(samples).max()), DECIMALS)
            rms = np.sqrt(np.mean(np.square(samples, dtype=np.float64)))
            row["rms"] = round(float(rms), DECIMALS)
        rows.append(row)
    return rows


def write(rows: list[dict], path: Path) -> None:
    """Write an inventory to its CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def usable_files(path: Path) -> list[str]:
    """The usable recordings of an inventory file, in the order of the rows of the word's store."""
    with path.open(newline="", encoding="utf-8") as file:
        return [row["file"] for row in csv.DictReader(file) if row["status"] == USABLE]


def digest(path: Path) -> str:
    """SHA-256 of an inventory file: the identity of the recordings a store was made from."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

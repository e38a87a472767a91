"""Reading spectrogram stores, chunk by chunk (write.py describes them)."""

import math
import shlex
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from spokenwords.errors import UserError
from spokenwords.spectrograms import chunks
from spokenwords.spectrograms.chunks import ChunkedArray, DamagedError
from spokenwords.spectrograms.stft import STFT


def read_attributes(path: Path, *keys: str) -> dict[str, Any]:
    """Return attributes of the group at `path`: files, stft and `keys`. Raises `DamagedError`."""
    attributes = chunks.metadata(path, "attributes")["attributes"]
    if lacking := {"files", "stft", *keys} - set(attributes):
        raise DamagedError(f"its attributes lack {min(lacking)!r}")
    if set(attributes["stft"]) != {field.name for field in fields(STFT)}:
        raise DamagedError("its attribute 'stft' does not describe a transform")
    return attributes


@dataclass(frozen=True)
class Store:
    """An opened store: the array of values [utterance, 2, frequency, time] and its description.

    `threads` is the number of threads that read it.
    """

    path: Path
    word: str
    array: ChunkedArray
    files: list[str]
    transform: STFT
    samples: int
    threads: int

    @property
    def recording_bytes(self) -> int:
        """Size of one recording's values in memory."""
        return chunks.VALUE_BYTES * math.prod(self.array.shape[1:])

    def read(self, number: int) -> np.ndarray:
        """Return the values of a chunk, float16 [utterance, 2, frequency, time].

        They are valid until this thread reads another chunk. Raises `UserError` if the chunk is
        missing or damaged.
        """
        try:
            return self.array.read(number)
        except DamagedError as damage:
            raise _damaged(self.path, str(damage)) from None


def open_store(path: Path, threads: int = 1) -> Store:
    """Open the store at `path` for reading with this number of threads.

    Raises `UserError` if it is missing or damaged.
    """
    try:
        attributes = read_attributes(path, "samples")
        array = chunks.opened(path / "spectrogram", axis=0)
    except DamagedError as damage:
        raise _damaged(path, str(damage)) from None
    files, transform = attributes["files"], STFT(**attributes["stft"])
    if array.shape[0] != len(files):
        raise _damaged(path, f"it lists {len(files)} recordings but contains {array.shape[0]}")
    word, samples = path.name.removesuffix(".zarr"), attributes["samples"]
    return Store(path, word, array, files, transform, samples, threads)


def _damaged(path: Path, reason: str) -> UserError:
    return UserError(
        f"The spectrogram store {path} is damaged ({reason}). Delete it with "
        f"`rm -r {shlex.quote(str(path))}` and run the workflow again, which rebuilds it."
    )

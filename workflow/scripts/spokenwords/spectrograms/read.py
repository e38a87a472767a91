"""Reading spectrogram stores, chunk by chunk (write.py describes them)."""

import json
import math
import os
import re
import shlex
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

import numpy as np
import zarr
from numcodecs.checksum32 import CRC32C
from zarr.storage import LocalStore

from spokenwords.errors import UserError
from spokenwords.spectrograms.codecs import PIPELINE
from spokenwords.spectrograms.stft import STFT

# Errors of zarrs about a chunk with changed bytes; like all its errors, they are RuntimeErrors.
DAMAGE = re.compile("checksum|crc32c|blosc|decoded chunk")


class DamagedError(Exception):
    """A damaged or missing store or array; its message is a short reason."""


def read_attributes(path: Path, *keys: str) -> dict[str, Any]:
    """Return attributes of the group at `path`: files, stft and `keys`. Raises `DamagedError`."""
    attributes = _metadata(path, "attributes")["attributes"]
    if lacking := {"files", "stft", *keys} - set(attributes):
        raise DamagedError(f"its attributes lack {min(lacking)!r}")
    if set(attributes["stft"]) != {field.name for field in fields(STFT)}:
        raise DamagedError("its attribute 'stft' does not describe a transform")
    return attributes


def open_array(path: Path) -> zarr.Array:
    """Open the array at `path` for `read_array`. Raises `DamagedError`."""
    _metadata(path, "shape", "data_type", "chunk_grid", "chunk_key_encoding", "codecs")
    try:
        with zarr.config.set(PIPELINE):
            return zarr.open_array(path, mode="r")
    except (ValueError, KeyError) as error:  # Zarr's own errors are ValueErrors.
        raise DamagedError(f"{path.name}/zarr.json does not describe an array: {error}") from None


def _metadata(path: Path, *keys: str) -> dict[str, Any]:
    """Return the metadata of the group or array at `path`, with at least these keys."""
    name = f"{path.name}/zarr.json"
    try:
        document = json.loads((path / "zarr.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise DamagedError(f"{name} is missing") from None
    except ValueError as error:
        raise DamagedError(f"{name} is not valid JSON: {error}") from None
    if not isinstance(document, dict) or not set(keys) <= set(document):
        raise DamagedError(f"{name} is incomplete")
    return document


def read_array(array: zarr.Array, part: slice) -> np.ndarray:
    """Return a part, along the first axis, of an array from `open_array`.

    Raises `DamagedError` if a chunk is damaged, and `OSError` if it is not readable for another
    reason.
    """
    try:
        values = np.asarray(array[part])
        if len(values) and part.indices(array.shape[0])[1] == array.shape[0]:
            _check_last(array)
        return values
    except RuntimeError as error:
        if DAMAGE.search(str(error)):
            raise DamagedError(f"a chunk cannot be decoded: {error}") from None
        path = str(_folder(array))
        if found := re.search(r"\(os error (\d+)\)", str(error)):
            raise OSError(int(found[1]), os.strerror(int(found[1])), path) from error
        error.add_note(f"Occurred while reading {path}.")
        raise


def _check_last(array: zarr.Array) -> None:
    """Verify the checksum of the array's last chunk, since zarrs checks only whole chunks.

    It is not whole unless the lengths are multiples of the chunk's. Raises `RuntimeError`.
    """
    key = array.metadata.encode_chunk_key(tuple(count - 1 for count in array.cdata_shape))
    with suppress(FileNotFoundError):  # Then its values are NaN.
        CRC32C(location="end").decode(Path(_folder(array), key).read_bytes())


def _folder(array: zarr.Array) -> Path:
    return cast(LocalStore, array.store).root


@dataclass(frozen=True)
class Store:
    """An opened store: the array of values [utterance, 2, frequency, time] and its description.

    `threads` is the number of threads that read it.
    """

    path: Path
    word: str
    array: zarr.Array
    files: list[str]
    transform: STFT
    samples: int
    threads: int

    @property
    def recording_bytes(self) -> int:
        """Size of one recording's values in memory."""
        return self.array.dtype.itemsize * math.prod(self.array.shape[1:])

    def read(self, rows: slice) -> np.ndarray:
        """Return the values of rows, float16 [rows, 2, frequency, time].

        Raises `UserError` if a chunk is missing or damaged.
        """
        try:
            values = read_array(self.array, rows)
        except DamagedError as damage:
            raise _damaged(self.path, str(damage)) from None
        if np.isnan(values[:, 0, 0, 0]).any():
            raise _damaged(self.path, "a chunk is missing")
        return values


def open_store(path: Path, threads: int = 1) -> Store:
    """Open the store at `path` for reading with this number of threads.

    Raises `UserError` if it is missing or damaged.
    """
    try:
        attributes = read_attributes(path, "samples")
        # By default, Zarr and zarrs use one thread per core.
        with zarr.config.set({"threading.max_workers": threads}):
            array = open_array(path / "spectrogram")
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

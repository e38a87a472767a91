"""Reading noise stores (write_noise.py describes them)."""

import shlex
from pathlib import Path

import numpy as np

from spokenwords.errors import UserError
from spokenwords.names import NOISE_PARTS
from spokenwords.spectrograms import read
from spokenwords.spectrograms.stft import STFT


def read_noise_store(path: Path, transform: STFT) -> list[np.ndarray]:
    """Return the spectrograms of a store, float16 [2, frequency, time] each, in order of its files.

    Raises `UserError` if it is missing or damaged, or was made with another transform.
    """
    try:
        attributes = read.read_attributes(path)
        arrays = [read.open_array(path / str(i)) for i in range(len(attributes["files"]))]
        values = [read.read_array(array, slice(None)) for array in arrays]
    except read.DamagedError as damage:
        raise _unusable(path, f"is damaged ({damage})") from None
    if any(np.isnan(one[0, 0]).any() for one in values):
        raise _unusable(path, "is damaged (a chunk is missing)")
    if STFT(**attributes["stft"]) != transform:
        raise _unusable(path, "was made with other settings than the spectrograms of recordings")
    return values


def training_part(values: np.ndarray) -> np.ndarray:
    """Return the frames of a recording [2, frequency, time] that are for training."""
    first, end = (round(share * values.shape[-1]) for share in NOISE_PARTS["train"])
    return values[..., first:end]


def _unusable(path: Path, problem: str) -> UserError:
    return UserError(
        f"The noise store {path} {problem}. Delete it with `rm -r {shlex.quote(str(path))}` and "
        "run the workflow again, which rebuilds it."
    )

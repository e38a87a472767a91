"""Reading stores of noise (see write_noise.py for what they hold)."""

import shlex
from pathlib import Path

import numpy as np

from spokenwords.errors import UserError
from spokenwords.names import NOISE_PARTS
from spokenwords.spectrograms import read
from spokenwords.spectrograms.stft import STFT


def read_noise_store(path: Path, transform: STFT) -> list[np.ndarray]:
    """The spectrograms of a store, float16 [2, frequency, time] each, in the order of its files.

    Raises `UserError` when it is missing or damaged, or was not made by `transform`.
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
        raise _unusable(path, "was made with other settings than the recordings' spectrograms")
    return values


def training_part(values: np.ndarray) -> np.ndarray:
    """The frames of a recording [2, frequency, time] that are for training."""
    first, end = (round(share * values.shape[-1]) for share in NOISE_PARTS["train"])
    return values[..., first:end]


def _unusable(path: Path, fault: str) -> UserError:
    return UserError(
        f"The store of noise {path} {fault}: delete it with `rm -r {shlex.quote(str(path))}` and "
        "run the workflow again, which rebuilds it."
    )

"""Reading noise stores (write_noise.py describes them)."""

import shlex
from pathlib import Path

import numpy as np

from spokenwords.errors import UserError
from spokenwords.names import NOISE_PARTS
from spokenwords.spectrograms import chunks
from spokenwords.spectrograms.read import read_attributes
from spokenwords.spectrograms.stft import STFT


def read_noise_store(path: Path, transform: STFT) -> list[np.ndarray]:
    """Return the spectrograms of a store, float16 [2, frequency, time] each, in order of its files.

    Raises `UserError` if it is missing or damaged, or was made with another transform.
    """
    try:
        attributes = read_attributes(path)
        values = [_values(path / str(number)) for number in range(len(attributes["files"]))]
    except chunks.DamagedError as damage:
        raise _unusable(path, f"is damaged ({damage})") from None
    if STFT(**attributes["stft"]) != transform:
        raise _unusable(path, "was made with other settings than the spectrograms of recordings")
    return values


def _values(path: Path) -> np.ndarray:
    array = chunks.opened(path, axis=2)
    values = np.empty(array.shape, np.float16)
    for number in range(len(array)):
        values[..., array.entries(number)] = array.read(number)
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

"""Reading recordings: mix down, resample, pad or cut."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import gcd
from pathlib import Path

import numpy as np

from spokenwords.decoding import UnreadableRecordingError, decode
from spokenwords.errors import UserError


@contextmanager
def usable_before(file: str) -> Iterator[None]:
    """Read the recording `file` of an inventory; that it is unreadable now is a `UserError`."""
    try:
        yield
    except UnreadableRecordingError as reason:
        raise UserError(
            f"The recording {file} was usable when the inventory was taken and is not now "
            f"({reason}): run the workflow again to take stock of it."
        ) from None


def load(path: Path, sample_rate: int, length: int) -> np.ndarray:
    """The recording at `path` as the features see it: float32 [length].

    That is `mono`, its end zero-padded or cut to `length` samples. Raises
    `UnreadableRecordingError`.
    """
    return fit(mono(path, sample_rate), length)


def mono(path: Path, sample_rate: int) -> np.ndarray:
    """The whole recording at `path`, float32 [samples] at `sample_rate` (Hz).

    Channels are averaged. Raises `UnreadableRecordingError`.
    """
    samples, own_rate = decode(path)
    samples = mix_down(samples)  # Under the same name: hours of all channels are let go.
    return resample(samples, own_rate, sample_rate)


def mix_down(samples: np.ndarray) -> np.ndarray:
    """The mean of the channels of [samples, channels]."""
    return samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)


def resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Resample float32 [n] from one rate to another (Hz), by a polyphase anti-aliasing filter."""
    if from_rate == to_rate:
        return samples
    # Most data sets have the model's rate already: their jobs need not pay for this import.
    from scipy.signal import resample_poly

    divisor = gcd(from_rate, to_rate)
    return resample_poly(samples, to_rate // divisor, from_rate // divisor)


def fit(samples: np.ndarray, length: int) -> np.ndarray:
    """Zero-pad or cut the end of `samples` [n] to [length]."""
    if len(samples) >= length:
        return samples[:length]
    padded = np.zeros(length, samples.dtype)
    padded[: len(samples)] = samples
    return padded

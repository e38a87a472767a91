"""Loading recordings: mix down, resample, cut to a window, pad."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import gcd
from pathlib import Path

import numpy as np

from spokenwords.errors import UserError
from spokenwords.recordings.decoding import UnreadableRecordingError, decode

FULL_SCALE = 32767 / 32768
# The mean of n independent channels has 1/n of the energy of one channel. A tenth of that, 10 dB
# less, counts as cancellation.
CANCELLED = 0.1
# Windows with this share of the loudest window's energy are candidates, too.
AS_GOOD = 0.99
# A click is shorter than this share of the window (50 ms of one second).
CLICK = 1 / 20


@contextmanager
def usable_before(file: str) -> Iterator[None]:
    """Raise a `UserError` if a recording `file` of an inventory turns out to be unreadable."""
    try:
        yield
    except UnreadableRecordingError as reason:
        raise UserError(
            f"The recording {file} was usable when the inventory was made, but is unreadable now "
            f"({reason}). Run the workflow again to update the inventory."
        ) from None


def load(path: Path, sample_rate: int, length: int, window: str) -> np.ndarray:
    """Return the waveform of the recording at `path` that the network uses: float32 [length].

    It is `mono`, cut to its `excerpt` or padded with zeros. Raises `UnreadableRecordingError`.
    """
    samples = mono(path, sample_rate)
    return fit(samples[excerpt(samples, length, window)], length)


def mono(path: Path, sample_rate: int) -> np.ndarray:
    """Return the whole recording at `path`, mixed down: float32 [samples] at `sample_rate` (Hz).

    Raises `UnreadableRecordingError`.
    """
    samples, own_rate = decode(path)
    samples = mix_down(samples)  # The same name: frees the memory of all channels.
    return resample(samples, own_rate, sample_rate)


def mix_down(samples: np.ndarray) -> np.ndarray:
    """Return the mean of the channels of [samples, channels], or the loudest if they cancel."""
    if samples.shape[1] == 1:
        return samples[:, 0]
    return samples[:, _power(samples).argmax()] if cancel(samples) else samples.mean(axis=1)


def cancel(samples: np.ndarray) -> bool:
    """Return whether the channels of [samples, channels] cancel each other when averaged.

    An example are two channels, one of them with its sign flipped. The mean then has far less
    energy (see `CANCELLED`); a constant offset does not count as energy.
    """
    power, [of_mean] = _power(samples), _power(samples.mean(axis=1, keepdims=True))
    return bool(of_mean < CANCELLED * power.mean() / len(power))


def _power(samples: np.ndarray) -> np.ndarray:
    """Return the mean power of each channel of [samples, channels], without a constant offset."""
    # One channel at a time, without `var`: it would convert hours of sound to 64-bit numbers.
    return np.array(
        [
            np.square(channel - np.float32(channel.mean(dtype=np.float64))).mean(dtype=np.float64)
            for channel in samples.T
        ]
    )


def resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Resample float32 [n] from one rate to another (Hz) with a polyphase anti-aliasing filter."""
    if from_rate == to_rate:
        return samples
    # Imported here, since most data sets already have the model's rate.
    from scipy.signal import resample_poly

    divisor = gcd(from_rate, to_rate)
    return resample_poly(samples, to_rate // divisor, from_rate // divisor)


def excerpt(samples: np.ndarray, length: int, window: str) -> slice:
    """Return the part of `samples` [n] that the network uses, at most `length` samples.

    The window `start` is the first `length` samples, `loudest` the one with the most energy (see
    `capped_power`). Many windows contain the whole of a short word. Of the first adjacent windows
    that are `AS_GOOD` as the loudest, the middle one is chosen. So the word has the same margin
    before and after it, as far as the recording extends.
    """
    if window == "start" or len(samples) <= length:
        return slice(0, length)
    # Windows may begin before the recording or end after it; the chosen one is moved into it.
    padded = np.pad(capped_power(samples, length), (length + 1, length))
    until = padded.astype(np.float64)
    # In place: an hour of sound as 64-bit numbers takes half a gigabyte.
    np.cumsum(until, out=until)
    energy = np.subtract(until[length:], until[:-length], out=padded[length:])
    good = np.append(energy >= AS_GOOD * energy.max(), False)
    first = int(good.argmax())
    end = first + int(good[first:].argmin())
    start = min(max((first + end - 1) // 2 - length, 0), len(samples) - length)
    return slice(start, start + length)


def capped_power(samples: np.ndarray, length: int) -> np.ndarray:
    """Return the power of each of `samples` [n], float32, with the loudest samples capped.

    Power is measured from the median, so a constant offset has none. A click, such as a mouse
    click, often has more energy than the word. The loudest samples, as many as a `CLICK` has in
    `length` samples, are therefore limited to the power of the next loudest one. A longer loud
    sound, such as a slammed door, is taken for the word.
    """
    power = samples - np.median(samples)
    np.square(power, out=power)
    last = len(power) - 1 - int(CLICK * length)
    # If all other samples are zero, keep the click.
    if limit := np.partition(power, last)[last]:
        np.minimum(power, limit, out=power)
    return power


def fit(samples: np.ndarray, length: int) -> np.ndarray:
    """Pad `samples` [n] with zeros at the end, or cut them, to [length]."""
    if len(samples) >= length:
        return samples[:length]
    padded = np.zeros(length, samples.dtype)
    padded[: len(samples)] = samples
    return padded

"""Reading recordings: mix down, resample, choose the window, pad."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import gcd
from pathlib import Path

import numpy as np

from spokenwords.errors import UserError
from spokenwords.recordings.decoding import UnreadableRecordingError, decode

FULL_SCALE = 32767 / 32768
# Of the energy of an average channel, the mean of n channels that have nothing in common, or of
# which one alone sounds, has a share of 1/n. A tenth of that, 10 dB less, is cancellation.
CANCELLED = 0.1
# A window with this share of the energy of the loudest one is as good.
AS_GOOD = 0.99
# A click is shorter than this share of the window, of a second 50 ms.
CLICK = 1 / 20


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


def load(path: Path, sample_rate: int, length: int, window: str) -> np.ndarray:
    """Return the recording at `path` as the network gets it: float32 [length].

    That is `mono`, cut to its `excerpt`; a shorter one is followed by zeros. Raises
    `UnreadableRecordingError`.
    """
    samples = mono(path, sample_rate)
    return fit(samples[excerpt(samples, length, window)], length)


def mono(path: Path, sample_rate: int) -> np.ndarray:
    """The whole recording at `path`, float32 [samples] at `sample_rate` (Hz).

    Channels are mixed down. Raises `UnreadableRecordingError`.
    """
    samples, own_rate = decode(path)
    samples = mix_down(samples)  # Under the same name: hours of all channels are let go.
    return resample(samples, own_rate, sample_rate)


def mix_down(samples: np.ndarray) -> np.ndarray:
    """Return the mean of the channels of [samples, channels], or the loudest if they cancel."""
    if samples.shape[1] == 1:
        return samples[:, 0]
    return samples[:, _power(samples).argmax()] if cancel(samples) else samples.mean(axis=1)


def cancel(samples: np.ndarray) -> bool:
    """Whether the mean of the channels of [samples, channels] has far less energy than they have.

    Such are two channels of which one has its sign flipped. See `CANCELLED`; a constant offset is
    no energy.
    """
    power, [of_mean] = _power(samples), _power(samples.mean(axis=1, keepdims=True))
    return bool(of_mean < CANCELLED * power.mean() / len(power))


def _power(samples: np.ndarray) -> np.ndarray:
    """The mean power of each channel of [samples, channels], but for a constant offset."""
    # One by one, and not by `var`, which would make 64-bit numbers of hours of sound.
    return np.array(
        [
            np.square(channel - np.float32(channel.mean(dtype=np.float64))).mean(dtype=np.float64)
            for channel in samples.T
        ]
    )


def resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Resample float32 [n] from one rate to another (Hz), by a polyphase anti-aliasing filter."""
    if from_rate == to_rate:
        return samples
    # Most data sets have the model's rate already: their jobs need not pay for this import.
    from scipy.signal import resample_poly

    divisor = gcd(from_rate, to_rate)
    return resample_poly(samples, to_rate // divisor, from_rate // divisor)


def excerpt(samples: np.ndarray, length: int, window: str) -> slice:
    """Return which part of `samples` [n] the network gets, if they are more than `length`.

    The window `start` is the first `length` samples, `loudest` the one with the most energy (see
    `capped_power`). Many windows contain all of a word that is shorter than they are. The first
    adjacent windows that are `AS_GOOD` as the best are candidates, and the middle one is chosen. A
    word thus has the same room before and after it, as far as the recording reaches.
    """
    if window == "start" or len(samples) <= length:
        return slice(0, length)
    # Windows that begin before the recording or end after it are good, too, and moved into it.
    padded = np.pad(capped_power(samples, length), (length + 1, length))
    until = padded.astype(np.float64)
    # In place: 64-bit numbers of an hour of sound take half a gigabyte.
    np.cumsum(until, out=until)
    energy = np.subtract(until[length:], until[:-length], out=padded[length:])
    good = np.append(energy >= AS_GOOD * energy.max(), False)
    first = int(good.argmax())
    end = first + int(good[first:].argmin())
    start = min(max((first + end - 1) // 2 - length, 0), len(samples) - length)
    return slice(start, start + length)


def capped_power(samples: np.ndarray, length: int) -> np.ndarray:
    """Return the power of each of `samples` [n], float32, the loudest of which are capped.

    Power is about the median, so that a constant offset has none. A click, such as that of the
    mouse that started the recording, often has more energy than the word. The loudest samples, of
    the number that a `CLICK` in a window of `length` samples has, therefore count only as much as
    the next loudest one. A louder and longer sound, such as a slammed door, passes for the word.
    """
    power = samples - np.median(samples)
    np.square(power, out=power)
    last = len(power) - 1 - int(CLICK * length)
    # Nothing but a click is better than nothing.
    if limit := np.partition(power, last)[last]:
        np.minimum(power, limit, out=power)
    return power


def fit(samples: np.ndarray, length: int) -> np.ndarray:
    """Zero-pad or cut the end of `samples` [n] to [length]."""
    if len(samples) >= length:
        return samples[:length]
    padded = np.zeros(length, samples.dtype)
    padded[: len(samples)] = samples
    return padded

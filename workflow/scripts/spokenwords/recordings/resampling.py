"""Resampling a stream of samples in pieces."""

from math import gcd

import numpy as np
from scipy.signal import firwin, resample_poly


class Resampler:
    """Resample pieces of a stream, so that together they are the recording as resampled as a whole.

    That is by `audio.resample`. Its filter has 10 max(up, down) coefficients on each side of the
    middle, at `up` times the rate of the stream.
    """

    def __init__(self, from_rate: int, to_rate: int):
        """Take the rates of the stream and of the result, Hz."""
        divisor = gcd(from_rate, to_rate)
        self._up, self._down = to_rate // divisor, from_rate // divisor
        self._reach = 10 * max(self._up, self._down) // self._up + 1  # in samples of the stream
        # The filter that `resample_poly` would design in each call, which can take half a second.
        if (widest := max(self._up, self._down)) > 1:
            coefficients = firwin(20 * widest + 1, 1 / widest, window=("kaiser", 5.0))
            self._filter = coefficients.astype(np.float32)
        self._waiting = np.empty(0, np.float32)
        self._first = 0  # number of the first waiting sample, a multiple of `down`
        self._done = 0  # samples of the result

    def feed(self, samples: np.ndarray) -> np.ndarray:
        """Return the samples of the result, float32, that follow from float32 samples [n]."""
        if self._up == self._down:
            return samples
        self._waiting = np.append(self._waiting, samples)
        end = self._first + len(self._waiting)
        return self._up_to(max(self._done, (end - self._reach) * self._up // self._down))

    def finish(self) -> np.ndarray:
        """Return the last samples of the result."""
        end = self._first + len(self._waiting)
        return self._up_to(-(-end * self._up // self._down))

    def _up_to(self, count: int) -> np.ndarray:
        if count == self._done:
            return np.empty(0, np.float32)
        before = self._first // self._down * self._up
        resampled = resample_poly(self._waiting, self._up, self._down, window=self._filter)
        result = resampled[self._done - before : count - before]
        self._done = count
        # The next sample of the result needs the samples within reach before it.
        needed = max(0, count * self._down // self._up - self._reach) // self._down * self._down
        self._waiting, self._first = self._waiting[max(0, needed - self._first) :], needed
        return result

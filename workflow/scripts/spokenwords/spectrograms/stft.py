"""The short-time Fourier transform: its settings, its axes, and the complex spectrogram.

It uses SciPy, which is imported much faster than PyTorch. PyTorch's faster transform would not make
up for this with the few thousand recordings of a word.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import rfft


@dataclass(frozen=True)
class STFT:
    """Settings of the transform.

    `window_seconds` is the length of the Hann window, `stride_seconds` the step from one frame to
    the next. Each transform takes `n_fft` samples, with zeros around the window. `normalized`
    divides by the window's Euclidean norm.
    """

    sample_rate: int
    n_fft: int
    window_seconds: float
    stride_seconds: float
    normalized: bool

    @property
    def window_length(self) -> int:
        """The length of the window in samples."""
        return round(self.window_seconds * self.sample_rate)

    @property
    def hop_length(self) -> int:
        """The step from one frame to the next in samples."""
        return round(self.stride_seconds * self.sample_rate)

    def frequency(self) -> np.ndarray:
        """Return the centre of each bin, Hz [n_fft // 2 + 1]."""
        return np.fft.rfftfreq(self.n_fft, 1 / self.sample_rate)

    def time(self, length: int) -> np.ndarray:
        """Return the centre of each frame of a recording of `length` samples, s [frames]."""
        # With odd n_fft, padding adds one sample less than n_fft.
        frames = (length - self.n_fft % 2) // self.hop_length + 1
        return np.arange(frames) * self.hop_length / self.sample_rate

    def complex_spectrogram(self, waveforms: np.ndarray) -> np.ndarray:
        """Return real and imaginary parts, float32 [..., 2, frequency, time], of [..., samples].

        Equal to `torchaudio.transforms.Spectrogram(n_fft, win_length, hop_length, power=None,
        normalized=True)`: a periodic Hann window, frames centred with reflected edges. In memory,
        the order of the last axes is [time, frequency, channel].
        """
        half, length = self.n_fft // 2, waveforms.shape[-1]
        padded = np.empty((*waveforms.shape[:-1], length + 2 * half), np.float32)
        padded[..., half : half + length] = waveforms
        # Reflected at the first and last sample, without repeating them.
        padded[..., :half] = waveforms[..., half:0:-1]
        padded[..., half + length :] = waveforms[..., -2 : -2 - half : -1]
        return self.whole_frames(padded)

    def whole_frames(self, samples: np.ndarray) -> np.ndarray:
        """Return the spectrogram, as above, of the whole frames in [..., samples], not padded."""
        frames = sliding_window_view(samples, self.n_fft, axis=-1)[..., :: self.hop_length, :]
        spectrum = rfft(frames * self._window, overwrite_x=True)
        # A view as [..., time, frequency, channel], the order in memory.
        values = spectrum.view(np.float32).reshape(*spectrum.shape, 2)
        return np.moveaxis(values, (-1, -2), (-3, -2))

    @cached_property
    def _window(self) -> np.ndarray:
        """The Hann window in the middle of n_fft samples, normalised if `normalized` [n_fft]."""
        length = self.window_length
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
        if self.normalized:
            window /= np.linalg.norm(window)
        before = (self.n_fft - length) // 2
        return np.pad(window, (before, self.n_fft - length - before)).astype(np.float32)

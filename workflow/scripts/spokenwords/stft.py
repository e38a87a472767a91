"""The short-time Fourier transform: its settings, its axes, and the complex spectrogram."""

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class STFT:
    """Settings of the transform, and what follows from them.

    `window_seconds` and `stride_seconds` are the lengths of the Hann window and of the step from
    one frame to the next; `n_fft` samples, zero-padded around the window, are transformed at a
    time. `normalized` divides by the window's Euclidean norm.
    """

    sample_rate: int
    n_fft: int
    window_seconds: float
    stride_seconds: float
    normalized: bool

    @property
    def window_length(self) -> int:
        """Samples."""
        return round(self.window_seconds * self.sample_rate)

    @property
    def hop_length(self) -> int:
        """Samples."""
        return round(self.stride_seconds * self.sample_rate)

    def frequency(self) -> np.ndarray:
        """Centre of each bin, Hz [n_fft // 2 + 1]."""
        return np.fft.rfftfreq(self.n_fft, 1 / self.sample_rate)

    def time(self, length: int) -> np.ndarray:
        """Centre of each frame of a recording of `length` samples, s [frames]."""
        # An odd n_fft leaves a sample less for the last frame to reach over the end.
        frames = (length - self.n_fft % 2) // self.hop_length + 1
        return np.arange(frames) * self.hop_length / self.sample_rate

    def complex_spectrogram(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Real and imaginary parts, float32 [..., 2, frequency, time], of waveforms [..., samples].

        `waveforms` has at most one dimension in front of the samples.

        Equal to `torchaudio.transforms.Spectrogram(n_fft, win_length, hop_length, power=None,
        normalized=True)`: a periodic Hann window, frames centred with reflected edges.
        """
        window = torch.hann_window(self.window_length)
        spectrogram = torch.stft(
            waveforms,
            self.n_fft,
            self.hop_length,
            self.window_length,
            window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        if self.normalized:
            spectrogram /= window.square().sum().sqrt()
        return torch.view_as_real(spectrogram).movedim(-1, -3)

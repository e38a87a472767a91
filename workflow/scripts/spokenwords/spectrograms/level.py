"""Levels of recordings, from samples and from spectrograms."""

import numpy as np
import torch

from spokenwords.spectrograms.stft import STFT

# A recording is too quiet for a model if its level is more than `MARGIN` (dB) below this quantile
# of the validation recordings.
QUIET_SHARE, MARGIN = 0.01, 6
SILENCE = -120.0  # dBFS, below the rounding of 16-bit samples, −101 dBFS


def of_samples(samples: np.ndarray) -> float:
    """Return the level of `samples` [n] with full scale 1: their mean square in dBFS.

    A sine of full scale has −3 dBFS. The lowest level, of digital silence, is `SILENCE`.
    """
    mean_square = np.mean(np.square(samples, dtype=np.float64)) if len(samples) else 0.0
    return max(SILENCE, 10 * np.log10(max(mean_square, np.finfo(np.float64).tiny)))


def of_loudest(samples: np.ndarray, length: int) -> float:
    """Return the level (dBFS) of the loudest window of `length` samples in a recording [n].

    Windows start half their length apart. A shorter recording is padded with zeros, as for the
    network.
    """
    starts = range(0, max(1, len(samples) - length // 2), length // 2)
    short = 10 * np.log10(min(len(samples), length) / length) if len(samples) else 0.0
    loudest = max(of_samples(samples[start : start + length]) for start in starts)
    return max(SILENCE, loudest + short)


def quietest(levels: np.ndarray, gain_db: float) -> float:
    """Return the level (dBFS) below which a recording is too quiet for a model.

    `levels` [recording] are those of its validation recordings, in dBFS. In training, recordings
    were also attenuated by up to `gain_db`. See `QUIET_SHARE`.
    """
    if not len(levels):
        return SILENCE
    return float(max(SILENCE, np.quantile(levels, QUIET_SHARE) - gain_db - MARGIN))


def multiplicity(n_fft: int) -> torch.Tensor:
    """Return the number of the full transform's frequencies in each bin, [n_fft // 2 + 1].

    Each bin also represents a negative frequency, except the first and, for even n_fft, the last.
    """
    counts = torch.full((n_fft // 2 + 1,), 2.0)
    counts[0] = 1
    if n_fft % 2 == 0:
        counts[-1] = 1
    return counts


def of_spectrograms(values: torch.Tensor, transform: STFT) -> torch.Tensor:
    """Return the levels [batch], in dBFS, of recordings from their spectrograms.

    `values` are [batch, 2, frequency, time], by `transform`. By Parseval's theorem, a frame's
    squared magnitudes, summed over all frequencies, are n_fft times its squared windowed samples.
    These are the mean square of the samples times the squares of the window, which sum to 1 if
    normalised, else to three eighths of the Hann window's length.
    """
    of_window = 1.0 if transform.normalized else 0.375 * transform.window_length
    by_bin = values.float().square().sum(dim=1).mean(dim=2)
    power = by_bin @ multiplicity(transform.n_fft).to(values.device)
    mean_square = power / (transform.n_fft * of_window)
    return mean_square.clamp(min=10 ** (SILENCE / 10)).log10() * 10

"""How loud recordings are: the level of samples, and of spectrograms of them."""

import numpy as np
import torch

from spokenwords.spectrograms.stft import STFT

# Below the level of this share of the recordings that a model was validated on, by more than so
# many dB, a recording is far quieter than what the model was trained on.
QUIET_SHARE, MARGIN = 0.01, 6
SILENCE = -120.0  # dBFS, below the rounding of 16-bit samples, −101 dBFS


def of_samples(samples: np.ndarray) -> float:
    """Return the level of `samples` [n], whose full scale is 1: their mean square in dBFS.

    A sine of full scale has −3 dBFS. Digital silence has `SILENCE`, as everything below it.
    """
    mean_square = np.mean(np.square(samples, dtype=np.float64)) if len(samples) else 0.0
    return max(SILENCE, 10 * np.log10(max(mean_square, np.finfo(np.float64).tiny)))


def of_loudest(samples: np.ndarray, length: int) -> float:
    """Return the level (dBFS) of the loudest window of `length` samples in a recording [n].

    Windows begin half their length apart. A shorter recording is padded with zeros, as for the
    network.
    """
    starts = range(0, max(1, len(samples) - length // 2), length // 2)
    short = 10 * np.log10(min(len(samples), length) / length) if len(samples) else 0.0
    loudest = max(of_samples(samples[start : start + length]) for start in starts)
    return max(SILENCE, loudest + short)


def quietest(levels: np.ndarray, gain_db: float) -> float:
    """Return the level below which a recording is far quieter than what a model was trained on.

    `levels` [recording] are those of its validation recordings, in dBFS, which are like those that
    it was trained on; in training, these were also up to `gain_db` quieter. See `QUIET_SHARE`.
    """
    if not len(levels):
        return SILENCE
    return float(max(SILENCE, np.quantile(levels, QUIET_SHARE) - gain_db - MARGIN))


def multiplicity(n_fft: int) -> torch.Tensor:
    """How many of the full transform's frequencies each bin stands for, [n_fft // 2 + 1].

    All but the first and, of an even n_fft, the last one stand for a negative frequency, too.
    """
    counts = torch.full((n_fft // 2 + 1,), 2.0)
    counts[0] = 1
    if n_fft % 2 == 0:
        counts[-1] = 1
    return counts


def of_spectrograms(values: torch.Tensor, transform: STFT) -> torch.Tensor:
    """Return the levels [batch], in dBFS, of recordings from their spectrograms.

    `values` are [batch, 2, frequency, time], by `transform`. By Parseval's theorem a frame's
    squared magnitudes, summed over all frequencies, are n_fft times its squared windowed samples:
    the mean square of the samples times the squares of the window. These sum to 1 if normalised,
    else to three eighths of the Hann window's length.
    """
    of_window = 1.0 if transform.normalized else 0.375 * transform.window_length
    by_bin = values.float().square().sum(dim=1).mean(dim=2)
    power = by_bin @ multiplicity(transform.n_fft).to(values.device)
    mean_square = power / (transform.n_fft * of_window)
    return mean_square.clamp(min=10 ** (SILENCE / 10)).log10() * 10

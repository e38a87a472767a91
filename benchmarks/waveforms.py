"""Recordings kept as 16-bit waveforms, and the spectrograms of a batch of them."""

from pathlib import Path

import contest
import numpy as np
import torch

from spokenwords.recordings import audio
from spokenwords.spectrograms.stft import STFT

STEPS = 32768  # of a 16-bit sample, up to full scale


def load(folder: Path, files: list[str], length: int) -> np.ndarray:
    """The recordings, int16 [recording, length]."""
    rate = contest.STANDARD.sample_rate
    loaded = (audio.load(folder / file, rate, length, "loudest") for file in files)
    return np.stack(
        [np.rint(values * STEPS).clip(-STEPS, STEPS - 1).astype(np.int16) for values in loaded]
    )


def spectrograms(waveforms: torch.Tensor, transform: STFT) -> torch.Tensor:
    """Complex spectrograms, float32 [batch, 2, frequency, time], of int16 [batch, samples]."""
    window = torch.hann_window(transform.window_length, device=waveforms.device)
    spectrum = torch.stft(
        waveforms / STEPS,
        *(transform.n_fft, transform.hop_length, transform.window_length),
        window=window / window.norm(),
        return_complex=True,
    )
    return torch.view_as_real(spectrum).permute(0, 3, 1, 2)

"""What the network sees, computed per batch from complex spectrograms on the training device."""

import torch
import torchaudio
from torch import nn

from spokenwords.stft import STFT

NAMES = ("complex", "power", "magnitude", "sqrt", "mel")
MEL_BANDS = 128


class Representation(nn.Module):
    """Turns complex spectrograms into images, float32.

    - `complex`: real and imaginary part as two channels
    - `power`: squared magnitude; `magnitude`; `sqrt`: square root of the magnitude
    - `mel`: power summed into 128 triangular bands, evenly spaced on the HTK mel scale from 0 Hz to
      half the sample rate, as `torchaudio.transforms.MelSpectrogram` does
    """

    def __init__(self, name: str, transform: STFT):
        """`transform` tells how the spectrograms were made. Raises `ValueError` on another name."""
        super().__init__()
        if name not in NAMES:
            raise ValueError(f"No representation {name!r}; there are {', '.join(NAMES)}.")
        self.name = name
        self.channels = 2 if name == "complex" else 1
        if name == "mel":
            bank = torchaudio.functional.melscale_fbanks(
                n_freqs=transform.n_fft // 2 + 1,
                f_min=0.0,
                f_max=transform.sample_rate / 2,
                n_mels=MEL_BANDS,
                sample_rate=transform.sample_rate,
            )
            # A constant of the settings: it is computed, not saved with the weights.
            self.register_buffer("mel_bank", bank.T.contiguous(), persistent=False)

    def forward(self, spectrograms: torch.Tensor) -> torch.Tensor:
        """[batch, 2, frequency, time] to [batch, channels, frequency or mel band, time]."""
        values = spectrograms.float()
        if self.name == "complex":
            return values
        power = values.square().sum(dim=1, keepdim=True)
        if self.name == "power":
            return power
        if self.name == "magnitude":
            return power.sqrt()
        if self.name == "sqrt":
            return power.sqrt().sqrt()
        return self.mel_bank @ power

"""Images for the network, computed per batch from complex spectrograms on the training device.

In the formulas X is a complex spectrogram, k a frequency bin and t a frame.
"""

import torch
import torchaudio
from torch import nn

from spokenwords.config.input_sizes import MEL_BANDS
from spokenwords.spectrograms.stft import STFT

# Added to a power before its logarithm; the usual offset. Rounding a store to multiples of 2^-16,
# and a recording to 16 bits, adds noise with a power of 4e-11 and 8e-11 to each bin of a normalised
# transform, 2e-9 to the widest of 40 mel bands. An offset of 1e-6 hides it: digital silence, with
# which short recordings are padded, then looks like a quiet room. Words are louder: the loudest
# band reached 3e-4 in 704 recordings of Speech Commands (64 of each of eleven words), except for
# one that is silent.
FLOOR = 1e-6
# Exponent of magnitudes in `compressed`: the square root. K. Wilson et al., "Exploring tradeoffs in
# models for low-latency speech enhancement" (2018), and A. Ephrat et al., "Looking to listen at the
# cocktail party" (2018), use 0.3, so that loud sound does not mask soft sound.
EXPONENT = 0.5


class Representation(nn.Module):
    """Map complex spectrograms to images with `channels` channels. `name` is the config's.

    Constants that follow from the transform are recomputed, not saved with the weights.
    """

    name: str
    channels = 1

    def __init__(self, transform: STFT):
        """Take the `transform` that made the spectrograms."""
        super().__init__()

    def forward(self, spectrograms: torch.Tensor) -> torch.Tensor:
        """Map [batch, 2, frequency, time], float16 as stored, to images in float32.

        These are [batch, channels, row, time]; a row is a frequency bin or a mel band.
        """
        return self.image(spectrograms.float())

    def image(self, values: torch.Tensor) -> torch.Tensor:
        """Do what `forward` does, given spectrograms in float32."""
        raise NotImplementedError


class Complex(Representation):
    """Real and imaginary part of X as two channels."""

    name = "complex"
    channels = 2

    def image(self, values: torch.Tensor) -> torch.Tensor:
        return values


class Power(Representation):
    """|X|²."""

    name = "power"

    def image(self, values: torch.Tensor) -> torch.Tensor:
        return values.square().sum(dim=1, keepdim=True)


class Magnitude(Power):
    """|X|."""

    name = "magnitude"

    def image(self, values: torch.Tensor) -> torch.Tensor:
        return super().image(values).sqrt()


class SquareRoot(Magnitude):
    """√|X|."""

    name = "sqrt"

    def image(self, values: torch.Tensor) -> torch.Tensor:
        return super().image(values).sqrt()


class Log(Power):
    """ln(|X|² + FLOOR)."""

    name = "log"

    def image(self, values: torch.Tensor) -> torch.Tensor:
        return super().image(values).add(FLOOR).log()


class Mel(Power):
    """Σ_k M[b, k] |X[k, t]|²: power summed into 128 triangular bands b.

    The bands are evenly spaced on the mel scale from 0 Hz to half the sample rate, as in
    `torchaudio.transforms.MelSpectrogram`.
    """

    name = "mel"
    mel_bank: torch.Tensor

    def __init__(self, transform: STFT):
        super().__init__(transform)
        bank = torchaudio.functional.melscale_fbanks(
            n_freqs=transform.n_fft // 2 + 1,
            f_min=0.0,
            f_max=transform.sample_rate / 2,
            n_mels=MEL_BANDS[self.name],
            sample_rate=transform.sample_rate,
        )
        self.register_buffer("mel_bank", bank.T.contiguous(), persistent=False)

    def image(self, values: torch.Tensor) -> torch.Tensor:
        return self.mel_bank @ super().image(values)


class LogMel(Mel):
    """ln(Σ_k M[b, k] |X[k, t]|² + FLOOR), of 40 bands.

    They begin at 0 Hz as in `mel`, not at 20 Hz as elsewhere. The lowest triangle has a weight of 0
    there, so a constant offset of the recording has no effect in either case.
    """

    name = "log_mel"

    def image(self, values: torch.Tensor) -> torch.Tensor:
        return super().image(values).add(FLOOR).log()


class Compressed(Complex):
    """X |X|^(EXPONENT - 1) as two channels: magnitudes compressed, phases kept; 0 stays 0."""

    name = "compressed"

    def image(self, values: torch.Tensor) -> torch.Tensor:
        return compressed(values)


class LogMelComplex(LogMel):
    """`log_mel` and, as two more channels, Σ_k M[b, k] (-1)^k C[k, t], where C is `compressed`.

    A frame's phases refer to its first sample. (-1)^k = exp(2πik (N/2) / N) makes them refer to its
    middle, where the window has its weight. Otherwise the phases of neighbouring bins would differ
    by half a turn there, and cancel. With X instead of C, the sum would be the output of a
    band-pass filter at the middle of the frame:
    Σ_n x[n] w[n] Σ_k M[b, k] exp(-2πik (n - N/2) / N), with the frame x, the window w and
    N = n_fft.
    """

    name = "log_mel_complex"
    channels = 3
    filter_bank: torch.Tensor

    def __init__(self, transform: STFT):
        super().__init__(transform)
        signs = 1 - 2 * (torch.arange(self.mel_bank.shape[1]) % 2)
        self.register_buffer("filter_bank", self.mel_bank * signs, persistent=False)

    def image(self, values: torch.Tensor) -> torch.Tensor:
        return torch.cat([super().image(values), self.filtered(compressed(values))], dim=1)

    def filtered(self, values: torch.Tensor) -> torch.Tensor:
        """Sum [batch, 2, frequency, time] to bands [batch, 2, band, time], with centred phases."""
        return self.filter_bank @ values


def compressed(values: torch.Tensor) -> torch.Tensor:
    """Raise the magnitudes of complex numbers [batch, 2, ...] to the power of EXPONENT."""
    power = values.square().sum(dim=1, keepdim=True)
    # At least the smallest float32: zeros would give 0 times infinity, which is NaN.
    return values * power.clamp(min=torch.finfo(torch.float32).tiny) ** ((EXPONENT - 1) / 2)


KINDS = [Complex, Power, Magnitude, SquareRoot, Mel, Log, LogMel, Compressed, LogMelComplex]
REPRESENTATIONS: dict[str, type[Representation]] = {kind.name: kind for kind in KINDS}


def make_representation(name: str, transform: STFT) -> Representation:
    """Return the representation of this name. Raises `ValueError` if there is none."""
    if name not in REPRESENTATIONS:
        names = ", ".join(REPRESENTATIONS)
        raise ValueError(f"No representation is named {name!r}; choose of {names}.")
    return REPRESENTATIONS[name](transform)

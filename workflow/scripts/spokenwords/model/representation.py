"""What the network sees, computed per batch from complex spectrograms on the training device.

In the formulas X is a complex spectrogram, k the number of a frequency bin, t that of a frame.
"""

import torch
import torchaudio
from torch import nn

from spokenwords.config.input_sizes import MEL_BANDS
from spokenwords.spectrograms.stft import STFT

# Added to a power before its logarithm is taken; the usual offset. A store's rounding to multiples
# of 2^-16 and a recording's to 16 bits are noise with a power of 4e-11 and 8e-11 in each bin of a
# normalised transform, 2e-9 in the widest of 40 mel bands. Above 1e-6 it does not show: digital
# silence, with which short recordings are padded, is then no farther away than a quiet room. Words
# are louder: in all but one, which is silent, of 704 recordings of Speech Commands (64 of each of
# eleven words) the loudest band reached 3e-4.
FLOOR = 1e-6
# To the power of which `compressed` takes magnitudes: the square root. K. Wilson et al., "Exploring
# tradeoffs in models for low-latency speech enhancement" (2018), and A. Ephrat et al., "Looking to
# listen at the cocktail party" (2018), compress with 0.3, so that loud sound does not drown soft.
EXPONENT = 0.5


class Representation(nn.Module):
    """Complex spectrograms to images. `name` is that of the config; `channels`, those of an image.

    Constants that follow from the transform are computed anew, not saved with the weights.
    """

    name: str
    channels = 1

    def __init__(self, transform: STFT):
        """`transform` tells how the spectrograms were made."""
        super().__init__()

    def forward(self, spectrograms: torch.Tensor) -> torch.Tensor:
        """[batch, 2, frequency, time], float16 as stored, to [batch, channels, row, time], float32.

        A row is a frequency bin or a mel band.
        """
        return self.image(spectrograms.float())

    def image(self, values: torch.Tensor) -> torch.Tensor:
        """What `forward` makes of spectrograms in float32."""
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

    The bands are evenly spaced on the mel scale from 0 Hz to half the sample rate, as those of
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

    From 0 Hz as `mel`, not from 20 Hz as elsewhere: the lowest triangle begins there with a weight
    of 0, so that a constant offset of the recording stays out either way.
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
    middle, where the window has its weight; else neighbouring bins, which that sample sees half a
    turn apart, would cancel. Of X instead of C, the sum is the output of a band-pass filter at
    the middle of the frame: Σ_n x[n] w[n] Σ_k M[b, k] exp(-2πik (n - N/2) / N), with the frame x,
    the window w and N = n_fft.
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
        """[batch, 2, frequency, time] summed into bands [batch, 2, band, time], phases centred."""
        return self.filter_bank @ values


def compressed(values: torch.Tensor) -> torch.Tensor:
    """Complex numbers [batch, 2, ...], their magnitudes taken to the power of EXPONENT."""
    power = values.square().sum(dim=1, keepdim=True)
    # The least float32 there is: 0 times a large number is 0, and times infinity it were NaN.
    return values * power.clamp(min=torch.finfo(torch.float32).tiny) ** ((EXPONENT - 1) / 2)


REPRESENTATIONS = {
    kind.name: kind
    for kind in (
        *(Complex, Power, Magnitude, SquareRoot, Mel),
        *(Log, LogMel, Compressed, LogMelComplex),
    )
}


def make_representation(name: str, transform: STFT) -> Representation:
    """The representation of that name. Raises `ValueError` where there is none."""
    if name not in REPRESENTATIONS:
        raise ValueError(f"No representation {name!r}; there are {', '.join(REPRESENTATIONS)}.")
    return REPRESENTATIONS[name](transform)

"""Augmentation in the complex domain: batches of spectrograms varied at random, on their device.

The short-time Fourier transform is linear, and a shift of the waveform by a whole hop shifts its
frames by one. So shifts, gains and added noise give the same result on spectrograms as on
waveforms, except for frames at the edges of the recording or of a piece of noise. Warps are not
linear: they change the spectrogram's magnitudes, and its phases are no longer those of a waveform.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from spokenwords.model.representation import FLOOR
from spokenwords.spectrograms import level, mel
from spokenwords.spectrograms.stft import STFT


@dataclass(frozen=True)
class Settings:
    """How each recording is varied; values are sampled uniformly unless stated, and 0 is off.

    - `time_stretch`: speed up or slow down speech about the recording's middle, by up to this share
    - `frequency_warp`: divide frequencies by a factor that differs from 1 by up to this, as another
      length of the vocal tract does (N. Jaitly and G. Hinton, "Vocal tract length perturbation
      improves speech recognition", 2013)
    - `gain_db`: change the gain by up to this, dB, either way
    - `shift_seconds`: shift by whole hops, up to this, either way
    - `noise_share`: probability of adding noise, with a signal-to-noise ratio (dB) between the two
      values of `noise_snr_db`
    - `mixup`: mix with another recording of the batch, and the targets likewise, in shares from the
      Beta distribution with this number as both parameters (Zhang et al. 2018, arXiv:1710.09412)
    - `polarity`: flip the sign of half of the recordings
    - `time_masks`, `frequency_masks`: number of masks, in which magnitudes are set to the mean
      level; each is up to `time_mask_seconds` long, or up to `frequency_mask_mels` wide on the mel
      scale (SpecAugment, Park et al. 2019, arXiv:1904.08779)

    Stretching, warping and shifting fill gaps with zeros.
    """

    time_stretch: float
    frequency_warp: float
    gain_db: float
    shift_seconds: float
    noise_share: float
    noise_snr_db: tuple[float, float]
    mixup: float
    polarity: bool
    time_masks: int
    time_mask_seconds: float
    frequency_masks: int
    frequency_mask_mels: float


def settings_of(config: Mapping[str, Any]) -> Settings:
    """Return the settings, given a run's section `augmentation`."""
    ratios = config["noise_snr_db"]
    return Settings(**{**config, "noise_snr_db": (ratios["lowest"], ratios["highest"])})


def acts(settings: Settings) -> bool:
    """Return whether any kind of augmentation is on."""
    warps = (settings.time_stretch, settings.frequency_warp)
    kinds = (settings.gain_db, settings.shift_seconds, settings.noise_share, settings.mixup)
    return any((*warps, *kinds, settings.polarity, settings.time_masks, settings.frequency_masks))


class Noise:
    """Long recordings of noise on a device, from which pieces are cut."""

    def __init__(self, recordings: Sequence[np.ndarray], frames: int, device: torch.device):
        """Take spectrograms [2, frequency, time]; pieces are `frames` frames long.

        Raises `ValueError` if a recording is shorter.
        """
        lengths = [recording.shape[-1] for recording in recordings]
        if not lengths or min(lengths) < frames:
            raise ValueError(f"Noise must have at least {frames} frames, but has {lengths}.")
        values = torch.from_numpy(np.concatenate(recordings, axis=-1)).to(device)
        # A view of all pieces [start, 2, frequency, frames]. Those that begin at `starts` lie
        # within one recording.
        self.pieces = values.unfold(2, frames, 1).permute(2, 0, 1, 3)
        ends = np.cumsum(lengths)
        self.starts = torch.cat(
            [
                torch.arange(end - length, end - frames + 1)
                for end, length in zip(ends.tolist(), lengths, strict=True)
            ]
        )

    def cut(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Return pieces [count, 2, frequency, frames], sampled uniformly from all there are."""
        drawn = torch.randint(len(self.starts), (count,), generator=generator)
        return self.pieces.index_select(0, _moved(self.starts[drawn], self.pieces.device))


class Augmentation:
    """Vary batches by `settings`. It has no random state; each call is given a generator."""

    def __init__(self, settings: Settings, transform: STFT, noise: Noise | None, words: int):
        """Take the `transform` of the spectrograms and the number of classes, `words`.

        Raises `ValueError` if the settings add noise and `noise` is None.
        """
        if settings.noise_share and noise is None:
            raise ValueError("`noise_share` is not 0, but there is no noise.")
        self.settings, self.noise, self.words = settings, noise, words
        frame_seconds = transform.hop_length / transform.sample_rate
        self.shift_frames = round(settings.shift_seconds / frame_seconds)
        self.mask_frames = settings.time_mask_seconds / frame_seconds
        self.mels = torch.from_numpy(mel.from_hertz(transform.frequency())).float()
        self.multiplicity = level.multiplicity(transform.n_fft)

    def __call__(
        self, spectrograms: torch.Tensor, labels: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Vary spectrograms [batch, 2, frequency, time] with labels [batch].

        Returns new spectrograms, float32 of the same shape, and targets [batch, word], float32: the
        probability of each class, for `cross_entropy`. The order is that in which sound changes:
        warps, shift, polarity and gain, noise, mixup. Masks come last, so that nothing is mixed
        into them. Random numbers come from `generator`, on the CPU: they are the same on all
        devices, and nothing waits for a GPU.
        """
        settings = self.settings
        targets = F.one_hot(labels, self.words).float()
        if settings.time_stretch:
            middle = (spectrograms.shape[-1] - 1) / 2
            spectrograms = _warped(spectrograms, -1, middle, settings.time_stretch, generator)
        if settings.frequency_warp:
            spectrograms = _warped(spectrograms, -2, 0, settings.frequency_warp, generator)
        if self.shift_frames:
            values = self._shifted(spectrograms, generator)
        else:
            values = spectrograms.to(torch.float32, copy=True)
        if settings.polarity or settings.gain_db:
            values *= self._factors(values, generator)
        if settings.noise_share:
            self._add_noise(values, generator)
        if settings.mixup:
            values, targets = self._mixed(values, targets, generator)
        if settings.time_masks or settings.frequency_masks:
            values = _levelled(values, self._masked(values, generator))
        return values, targets

    def _shifted(self, spectrograms: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        count, frames, most = len(spectrograms), spectrograms.shape[-1], self.shift_frames
        # Each shifted recording is a window of the padded one; the further left the window, the
        # later the recording.
        starts = torch.randint(2 * most + 1, (count,), generator=generator)
        windows = F.pad(spectrograms, (most, most)).unfold(-1, frames, 1)
        rows = torch.arange(count, device=spectrograms.device)
        return windows[rows, :, :, _moved(starts, spectrograms.device)].float()

    def _factors(self, values: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Gains with their signs [batch, 1, 1, 1]."""
        most = self.settings.gain_db
        factors = _amplitude(_uniform(-most, most, len(values), generator))
        if self.settings.polarity:
            factors *= 1 - 2 * torch.randint(2, (len(values),), generator=generator)
        return _per_recording(factors, values.device)

    def _add_noise(self, values: torch.Tensor, generator: torch.Generator) -> None:
        """Add noise to some, in place. Digital silence stays: it has no signal-to-noise ratio."""
        assert self.noise  # see __init__
        pieces = self.noise.cut(len(values), generator).float()
        wanted = torch.rand(len(values), generator=generator) < self.settings.noise_share
        ratio_db = _uniform(*self.settings.noise_snr_db, len(values), generator)
        factors = _per_recording(_amplitude(-ratio_db) * wanted, values.device).flatten()
        power = self._power(pieces)
        factors *= torch.where(power > 0, self._power(values) / power, 0).sqrt()
        values.addcmul_(pieces, factors[:, None, None, None])

    def _power(self, values: torch.Tensor) -> torch.Tensor:
        """Return the power [batch] of spectrograms, in a unit of its own.

        By Parseval's theorem, the sum of a frame's squared magnitudes over all frequencies is n_fft
        times that of its squared windowed samples. In the sum over frames, each sample has the
        squares of all windows that contain it as its weight. With a Hann window that overlaps by
        two thirds, as the published one does, or three quarters, this weight is constant. Then
        ratios of such sums are those of the waveforms' mean powers, except for reflected edges.
        """
        by_bin = values.square().sum(dim=(1, 3))
        return by_bin @ _moved(self.multiplicity, values.device)

    def _mixed(
        self, values: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        # PyTorch's Beta distribution takes no generator.
        seed, mixup = torch.randint(2**63 - 1, (1,), generator=generator), self.settings.mixup
        sampled = np.random.default_rng(int(seed)).beta(mixup, mixup, size=len(values))
        shares = _per_recording(torch.from_numpy(sampled).float(), values.device)
        others = _moved(torch.randperm(len(values), generator=generator), values.device)
        return (
            values[others].lerp_(values, shares),
            targets[others].lerp_(targets, shares[:, :, 0, 0]),
        )

    def _masked(self, values: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return where each recording is masked [batch, 1, frequency, time]."""
        settings, count = self.settings, len(values)
        frames = torch.arange(values.shape[-1])
        in_time = _masks(count, settings.time_masks, self.mask_frames, frames, generator)
        widest = settings.frequency_mask_mels
        in_frequency = _masks(count, settings.frequency_masks, widest, self.mels, generator)
        in_time, in_frequency = (
            _moved(masked, values.device) for masked in (in_time, in_frequency)
        )
        return (in_frequency[:, :, None] | in_time[:, None, :])[:, None]


def _warped(
    values: torch.Tensor, axis: int, fixed: float, most: float, generator: torch.Generator
) -> torch.Tensor:
    """Stretch an axis of each recording by a factor between 1/(1 - most) and 1/(1 + most).

    Position `fixed` stays. Each new frame or bin is the nearest old one: magnitudes are those of
    stretched speech, phases are not.
    """
    size = values.shape[axis]
    factors = 1 + _uniform(-most, most, len(values), generator)
    sources = (fixed + (torch.arange(size) - fixed) * factors[:, None]).round().long()
    inside = (sources >= 0) & (sources < size)
    shape = (-1, 1, 1, size) if axis == -1 else (-1, 1, size, 1)
    index = _moved(sources.clamp(0, size - 1), values.device).view(shape).expand(values.shape)
    return values.gather(axis, index) * _moved(inside, values.device).view(shape)


def _masks(
    recordings: int, masks: int, widest: float, places: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Return which of the ascending `places` are masked in each recording [recordings, places].

    Each mask is between 0 and `widest` wide, anywhere between the first and the last place.
    """
    extent = float(places[-1] - places[0])
    shape = (recordings, masks, 1)
    widths = torch.rand(shape, generator=generator) * min(widest, extent)
    starts = places[0] + torch.rand(shape, generator=generator) * (extent - widths)
    return ((starts <= places) & (places <= starts + widths)).any(dim=1)


def _levelled(values: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
    """Set the magnitude of masked values to the recording's mean, on a logarithmic scale.

    Phases stay. Zeros would be far below all values of unmasked recordings, such as those of the
    test, and would distort the statistics of batch norm.
    """
    power = values.square().sum(dim=1, keepdim=True)
    mean = (power + FLOOR).log().mean(dim=(2, 3), keepdim=True).exp() - FLOOR
    factors = (mean.clamp(min=0) / power.clamp(min=torch.finfo(torch.float32).tiny)).sqrt()
    return torch.where(masked, values * factors, values)


def _uniform(low: float, high: float, count: int, generator: torch.Generator) -> torch.Tensor:
    return low + (high - low) * torch.rand(count, generator=generator)


def _amplitude(decibels: torch.Tensor) -> torch.Tensor:
    return 10 ** (decibels / 20)


def _per_recording(numbers: torch.Tensor, device: torch.device) -> torch.Tensor:
    """[batch] to [batch, 1, 1, 1] on the device."""
    return _moved(numbers, device)[:, None, None, None]


def _moved(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Move values to the device, without waiting for its other work."""
    return values.to(device, non_blocking=True)

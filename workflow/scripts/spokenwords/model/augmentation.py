"""Augmentation in the complex domain: batches of spectrograms varied at random, on their device.

The short-time Fourier transform is linear, and a shift of the waveform by a whole hop shifts its
frames by one: what one would do to waveforms is done here to their spectrograms, with the same
result but in frames that touch the edges, of a shift or of a piece of noise. Warps are no linear
maps of waveforms: they are done to the spectrogram, of which magnitudes count.
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
    """What is drawn for each recording, evenly unless said otherwise.

    - `time_stretch`: speech sped up or slowed down about the recording's middle, its rate changed
      by a share of up to this; what comes in is zero
    - `frequency_warp`: frequencies divided by a factor that differs from 1 by up to this, as by
      another length of the vocal tract (N. Jaitly and G. Hinton, "Vocal tract length perturbation
      improves speech recognition", 2013); what comes in is zero
    - `gain_db`: a gain of up to so many decibels, either way
    - `shift_seconds`: a shift by whole hops, at most by so much, either way; what comes in is zero
    - `noise_share`: the probability that noise is added, at a signal-to-noise ratio between the two
      of `noise_snr_db`, in decibels
    - `mixup`: mixed with another of the batch, in shares that follow the Beta distribution whose
      two parameters are this number; targets too (Zhang et al. 2018, arXiv:1710.09412)
    - `polarity`: whether half of the recordings have their sign flipped
    - `time_masks`, `frequency_masks`: in so many stretches of time and bands of frequency, each at
      most `time_mask_seconds` long, or `frequency_mask_mels` wide on the mel scale, magnitudes are
      set to the mean level (SpecAugment, Park et al. 2019, arXiv:1904.08779)
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
    """The settings as a run's `augmentation` has them."""
    ratios = config["noise_snr_db"]
    return Settings(**{**config, "noise_snr_db": (ratios["lowest"], ratios["highest"])})


def acts(settings: Settings) -> bool:
    """Whether the settings vary anything."""
    warps = (settings.time_stretch, settings.frequency_warp)
    kinds = (settings.gain_db, settings.shift_seconds, settings.noise_share, settings.mixup)
    return any((*warps, *kinds, settings.polarity, settings.time_masks, settings.frequency_masks))


class Noise:
    """Long recordings of noise on a device, and pieces cut from them."""

    def __init__(self, recordings: Sequence[np.ndarray], frames: int, device: torch.device):
        """`recordings` are spectrograms [2, frequency, time]; pieces will be of `frames` frames.

        Raises `ValueError` when a recording is shorter than that.
        """
        lengths = [recording.shape[-1] for recording in recordings]
        if not lengths or min(lengths) < frames:
            raise ValueError(f"Noise must be {frames} frames long at least, and is {lengths}.")
        values = torch.from_numpy(np.concatenate(recordings, axis=-1)).to(device)
        # A view of all pieces [start, 2, frequency, frames], also of those that straddle two
        # recordings; `starts` are the others.
        self.pieces = values.unfold(2, frames, 1).permute(2, 0, 1, 3)
        ends = np.cumsum(lengths)
        self.starts = torch.cat(
            [
                torch.arange(end - length, end - frames + 1)
                for end, length in zip(ends.tolist(), lengths, strict=True)
            ]
        )

    def cut(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Pieces [count, 2, frequency, frames], each from a drawn place; all are equally likely."""
        drawn = torch.randint(len(self.starts), (count,), generator=generator)
        return self.pieces.index_select(0, _moved(self.starts[drawn], self.pieces.device))


class Augmentation:
    """Varies batches by `settings`. It keeps no random state: what is drawn comes from outside."""

    def __init__(self, settings: Settings, transform: STFT, noise: Noise | None, words: int):
        """`transform` tells how the spectrograms were made; targets are of so many `words`.

        Raises `ValueError` when the settings ask for noise and there is none.
        """
        if settings.noise_share and noise is None:
            raise ValueError("The settings ask for noise, and there is none.")
        self.settings, self.noise, self.words = settings, noise, words
        frame_seconds = transform.hop_length / transform.sample_rate
        self.shift_frames = round(settings.shift_seconds / frame_seconds)
        self.mask_frames = settings.time_mask_seconds / frame_seconds
        self.mels = torch.from_numpy(mel.from_hertz(transform.frequency())).float()
        self.multiplicity = level.multiplicity(transform.n_fft)

    def __call__(
        self, spectrograms: torch.Tensor, labels: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Spectrograms [batch, 2, frequency, time] and labels [batch] as they are to be learnt.

        Returns new spectrograms, float32 of the same shape, and targets [batch, word], float32: the
        probability of each word, as `cross_entropy` takes them. In the order in which a waveform
        would meet them: warps, shift, polarity and gain, noise, mixup; then masks, which are those
        of the spectrogram, so that nothing is mixed into them. All is drawn on the CPU, from
        `generator`, so that it is the same on all devices, and nothing waits for a GPU.
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
        # Each recording's frames are a window of those padded, which is further left the later the
        # recording is to be.
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
        """Add noise to some, in place. Silence stays silent: no noise has a ratio to it."""
        assert self.noise  # see __init__
        pieces = self.noise.cut(len(values), generator).float()
        wanted = torch.rand(len(values), generator=generator) < self.settings.noise_share
        ratio_db = _uniform(*self.settings.noise_snr_db, len(values), generator)
        factors = _per_recording(_amplitude(-ratio_db) * wanted, values.device).flatten()
        power = self._power(pieces)
        factors *= torch.where(power > 0, self._power(values) / power, 0).sqrt()
        values.addcmul_(pieces, factors[:, None, None, None])

    def _power(self, values: torch.Tensor) -> torch.Tensor:
        """The power [batch] of spectrograms, on a scale of its own.

        By Parseval's theorem a frame's squared magnitudes, summed over all frequencies, are n_fft
        times its squared windowed samples. Summed over frames, each sample counts by the squares of
        the windows that reach it. These add up to the same for every sample where a Hann window
        overlaps by two thirds, as the published one does, or three quarters; so ratios of such sums
        are those of the waveforms' mean powers, but for the reflected edges.
        """
        by_bin = values.square().sum(dim=(1, 3))
        return by_bin @ _moved(self.multiplicity, values.device)

    def _mixed(
        self, values: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        # PyTorch's Beta distribution draws from no generator but the global one.
        seed, mixup = torch.randint(2**63 - 1, (1,), generator=generator), self.settings.mixup
        sampled = np.random.default_rng(int(seed)).beta(mixup, mixup, size=len(values))
        shares = _per_recording(torch.from_numpy(sampled).float(), values.device)
        others = _moved(torch.randperm(len(values), generator=generator), values.device)
        return (
            values[others].lerp_(values, shares),
            targets[others].lerp_(targets, shares[:, :, 0, 0]),
        )

    def _masked(self, values: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Where each recording is masked [batch, 1, frequency, time]."""
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
    """The axis of each recording stretched by a factor between 1/(1 - most) and 1/(1 + most).

    The place `fixed` stays. Each new frame, or bin, is the nearest old one: magnitudes are those of
    such speech; phases no longer follow from frame to frame as those of a waveform do.
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
    """Which of the ascending `places` are masked in each recording [recordings, places].

    Each mask is between 0 and `widest` wide, and lies anywhere between the first and last place.
    """
    extent = float(places[-1] - places[0])
    shape = (recordings, masks, 1)
    widths = torch.rand(shape, generator=generator) * min(widest, extent)
    starts = places[0] + torch.rand(shape, generator=generator) * (extent - widths)
    return ((starts <= places) & (places <= starts + widths)).any(dim=1)


def _levelled(values: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
    """Spectrograms whose masked values have the magnitude that is the recording's mean logarithm.

    Phases are kept. Zeros would be far below all that is heard in the test, where nothing is
    masked, and would mislead the statistics of batch norm.
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
    """On the device, without waiting for what it still has to do."""
    return values.to(device, non_blocking=True)

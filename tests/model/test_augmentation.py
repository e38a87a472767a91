"""Augmentation of spectrograms, against the spectrograms of augmented waveforms."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torchaudio
from conftest import SMALL
from defaults import augmented as only
from scipy import integrate, stats

from spokenwords.model import augmentation
from spokenwords.model.augmentation import Augmentation, Noise
from spokenwords.spectrograms.rounding import to_float16
from spokenwords.spectrograms.stft import STFT

PUBLISHED = STFT(16_000, 512, window_seconds=0.03, stride_seconds=0.01, normalized=True)
CPU = torch.device("cpu")
EVERYTHING = only(
    time_stretch=0.15,
    frequency_warp=0.1,
    gain_db=6,
    shift_seconds=0.1,
    noise_share=0.8,
    noise_snr_db=(0, 30),
    mixup=0.2,
    polarity=True,
    time_masks=2,
    time_mask_seconds=0.1,
    frequency_masks=2,
    frequency_mask_mels=80,
)


def white(*shape, seed=1):
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def exact(transform, waveforms):
    """Complex spectrograms in double precision, [..., 2, frequency, time]."""
    spectrograms = torchaudio.transforms.Spectrogram(
        n_fft=transform.n_fft,
        win_length=transform.window_length,
        hop_length=transform.hop_length,
        power=None,
        normalized=transform.normalized,
        wkwargs={"dtype": torch.float64},
    )(waveforms)
    return torch.view_as_real(spectrograms).movedim(-1, -3)


def stored(transform, waveforms):
    """Spectrograms as a store keeps them, float16."""
    values = transform.complex_spectrogram(waveforms.float().numpy())
    return torch.from_numpy(to_float16(np.ascontiguousarray(values), 16))


def rounding_error(stored_values):
    """Largest rounding error of stored values: half a step and half of float16's spacing."""
    spacing = np.spacing(stored_values.abs().numpy()).astype(float)
    return 2.0**-17 + torch.from_numpy(spacing) / 2 + 2e-6


def augmented(settings, spectrograms, labels=None, noise=None, seed=1, transform=SMALL, words=3):
    if labels is None:
        labels = torch.zeros(len(spectrograms), dtype=torch.long)
    generator = torch.Generator().manual_seed(seed)
    return Augmentation(settings, transform, noise, words)(spectrograms, labels, generator)


def ratios(values, parts):
    """Coefficients [batch, k] of `parts` [batch, k, …] in `values` [batch, …], by least squares."""
    columns = parts.double().flatten(2).transpose(1, 2)
    return torch.linalg.lstsq(columns, values.double().flatten(1)[:, :, None]).solution[:, :, 0]


def assert_within(actual, expected, allowed):
    assert actual.shape == expected.shape
    assert ((actual - expected).abs() <= allowed).all()


def decibels(factors):
    return 20 * np.log10(factors.abs().numpy())


def evenly_between(low, high, values):
    """Whether the values are plausible samples of the uniform distribution between the two."""
    in_range = low - 1e-3 <= min(values) and max(values) <= high + 1e-3
    return in_range and stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 0.01


def runs(row):
    """Lengths of the runs of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.numpy().astype(int), [0]])))
    return edges[1::2] - edges[::2]


@pytest.fixture
def ones():
    """Spectrograms [count, 2, 33, 51] that are 1 everywhere."""
    return lambda count: torch.ones(count, 2, 33, 51, dtype=torch.float16)


@pytest.fixture
def checkered():
    """Spectrograms [count, 2, 33, 51] of alternating 1 and -4."""
    squares = torch.where((torch.arange(33)[:, None] + torch.arange(51)) % 2 == 0, 1.0, -4.0)
    return lambda count: squares.half().expand(count, 2, 33, 51).clone()


def levelled(values):
    """Where checkered spectrograms have the magnitude that is the mean logarithm.

    Of 1,683 values 842 are 1; there may be no others than these three magnitudes. Signs are kept.
    """
    level = 4 ** (841 / 1683)
    hidden = (values.abs() - level).abs() < 1e-4
    assert torch.equal(hidden[:, 0], hidden[:, 1])
    assert (hidden | (values == 1) | (values == -4)).all()
    even = (torch.arange(33)[:, None] + torch.arange(51)) % 2 == 0
    assert torch.equal(values > 0, even.expand(values.shape))
    return hidden[:, 0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_without_any_augmentation_nothing_changes(dtype):
    spectrograms = stored(SMALL, white(3, 1_000)).to(dtype)
    before = spectrograms.clone()
    values, targets = augmented(only(), spectrograms, torch.tensor([2, 0, 2]))
    assert values.dtype == torch.float32
    assert torch.equal(values, spectrograms.float())
    assert targets.dtype == torch.float32
    assert targets.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1]]
    values.zero_()
    assert torch.equal(spectrograms, before)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize(
    "settings",
    [
        EVERYTHING,
        only(gain_db=6),
        only(shift_seconds=0.1),
        only(noise_share=1),
        only(mixup=1),
        only(time_masks=1),
    ],
)
def test_the_input_is_not_changed(settings, dtype):
    spectrograms, labels = stored(SMALL, white(8, 1_000)).to(dtype), torch.arange(8) % 3
    before = spectrograms.clone(), labels.clone()
    noise = Noise([stored(SMALL, white(3_000, seed=2)).numpy()], 51, CPU)
    values, _ = augmented(settings, spectrograms, labels, noise)
    assert values.shape == spectrograms.shape
    assert values.dtype == torch.float32
    assert not torch.equal(values, spectrograms.float())
    assert torch.equal(spectrograms, before[0])
    assert torch.equal(labels, before[1])


@pytest.mark.parametrize("transform", [SMALL, PUBLISHED], ids=["small", "published"])
@pytest.mark.parametrize(
    "settings",
    [only(gain_db=12), only(polarity=True), only(gain_db=6, polarity=True)],
    ids=["gain", "polarity", "both"],
)
def test_gain_and_polarity_are_those_of_the_waveform(transform, settings):
    waveforms = white(8, transform.sample_rate)
    spectrograms = stored(transform, waveforms)
    values, _ = augmented(settings, spectrograms, transform=transform)
    factors = ratios(values, spectrograms[:, None])
    expected = exact(transform, factors * waveforms)
    spread = factors[:, :, None, None].abs()
    assert_within(values, expected, spread * rounding_error(spectrograms) + 2e-6)
    assert (decibels(factors).std() > 1) == (settings.gain_db > 0)
    assert set(torch.sign(factors).flatten().tolist()) == ({-1, 1} if settings.polarity else {1})


def test_gains_are_uniform_in_decibels(ones):
    values, _ = augmented(only(gain_db=6), ones(500))
    assert evenly_between(-6, 6, decibels(values[:, 0, 0, 0]))


def test_half_are_flipped(ones):
    values, _ = augmented(only(polarity=True), ones(500))
    assert set(values[:, 0, 0, 0].tolist()) == {-1, 1}
    assert stats.binomtest(int((values[:, 0, 0, 0] < 0).sum()), 500).pvalue > 0.01


def padded_shift(waveform, samples):
    """Shift later by this many samples (negative: earlier); gaps are filled with zeros."""
    shifted = torch.zeros_like(waveform)
    if samples >= 0:
        shifted[samples:] = waveform[: len(waveform) - samples]
    else:
        shifted[:samples] = waveform[-samples:]
    return shifted


@pytest.mark.parametrize("transform", [SMALL, PUBLISHED], ids=["small", "published"])
def test_a_shift_is_that_of_the_padded_waveform(transform):
    length = transform.sample_rate
    waveforms = white(12, length)
    spectrograms = stored(transform, waveforms)
    most = 5
    seconds = most * transform.hop_length / length
    values, _ = augmented(only(shift_seconds=seconds), spectrograms, transform=transform)
    centres = np.arange(spectrograms.shape[-1]) * transform.hop_length
    found = set()
    for value, waveform in zip(values, waveforms, strict=True):
        differences = {}
        for shift in range(-most, most + 1):
            samples = shift * transform.hop_length
            expected = exact(transform, padded_shift(waveform, samples))
            # A frame is away from the edges where its window is: from the recording's, and from
            # that between it and the zeros.
            edges = (0, length, samples if shift >= 0 else length + samples)
            away = np.min([np.abs(centres - edge) for edge in edges], axis=0)
            inner = away > transform.window_length / 2
            assert inner.sum() > len(centres) / 2
            differences[shift] = (value - expected)[..., inner].abs().max()
            allowed = rounding_error(spectrograms).max()
        [shift] = [shift for shift, difference in differences.items() if difference <= allowed]
        found.add(shift)
        incoming = value[..., :shift] if shift >= 0 else value[..., shift:]
        assert not incoming.any()
    assert len(found) > 4


def test_shifts_are_uniform_in_whole_hops():
    frames = torch.arange(1, 52, dtype=torch.float16).expand(600, 2, 33, 51)
    # Hops are 0.02 s: 0.048 s are nearest to two.
    values, _ = augmented(only(shift_seconds=0.048), frames)
    shifts = 26 - values[:, 0, 0, 25].int().numpy()
    assert set(shifts) == {-2, -1, 0, 1, 2}
    assert stats.chisquare(np.unique(shifts, return_counts=True)[1]).pvalue > 0.01
    for value, shift in zip(values, shifts, strict=True):
        expected = padded_shift(torch.arange(1.0, 52), shift)
        assert torch.equal(value, expected.expand(2, 33, 51))


def test_a_shift_longer_than_the_recording_leaves_silence(ones):
    values, _ = augmented(only(shift_seconds=5), ones(200))
    silent = (values == 0).all(dim=(1, 2, 3))
    # Of shifts by up to 250 frames either way, those by less than 51 leave some.
    assert stats.binomtest(int((~silent).sum()), 200, 101 / 501).pvalue > 0.01


@pytest.mark.parametrize("kind", ["time_stretch", "frequency_warp"])
def test_a_warp_takes_the_nearest_frame_or_bin(kind, monkeypatch):
    monkeypatch.setattr(augmentation, "_uniform", lambda low, high, *_: torch.tensor([high, low]))
    shape = (2, 2, 3, 101) if kind == "time_stretch" else (2, 2, 101, 3)
    values = white(*shape).float()
    warped, _ = augmented(only(**{kind: 0.5}), values)
    if kind == "frequency_warp":
        values, warped = values.mT, warped.mT
    fixed = 50 if kind == "time_stretch" else 0
    # Half as fast again: every second frame is one of those that were there, the ends are empty.
    for place in range(fixed % 2, 101, 2):
        source = fixed + (place - fixed) * 3 // 2
        expected = values[0, ..., source] if 0 <= source <= 100 else torch.zeros(2, 3)
        torch.testing.assert_close(warped[0, ..., place], expected, rtol=0, atol=0)
    # Half as fast: every frame comes twice, but at the fixed one, which is nearest to one or three.
    for place in range(fixed % 2, 101, 2):
        source = fixed + (place - fixed) // 2
        torch.testing.assert_close(warped[1, ..., place], values[1, ..., source], rtol=0, atol=0)


@pytest.mark.parametrize(("kind", "most"), [("time_stretch", 0.2), ("frequency_warp", 0.1)])
def test_warps_go_both_ways_up_to_the_limit(kind, most):
    values = torch.zeros(500, 2, 3, 401)
    values[..., 299:302] = 1  # 100 frames after the middle
    fixed = 200 if kind == "time_stretch" else 0
    if kind == "frequency_warp":
        values = values.mT
    warped, _ = augmented(only(**{kind: most}), values)
    if kind == "frequency_warp":
        warped = warped.mT
    places = (warped[:, 0, 0] * torch.arange(401)).sum(dim=1) / warped[:, 0, 0].sum(dim=1)
    factors = (300 - fixed) / (places - fixed)
    # A centre of so few of the nearest frames is up to one off, the factor up to a fiftieth.
    factors = (factors - 1).numpy()
    assert abs(factors.min() + most) < 0.03
    assert abs(factors.max() - most) < 0.03
    assert stats.kstest(factors, stats.uniform(-most, 2 * most).cdf).pvalue > 0.01


@pytest.fixture
def tap():
    """Noise as a waveform, and as the spectrogram that pieces are cut from; published settings."""
    waveform = white(48_000, seed=7) * torch.linspace(0.1, 1, 48_000)
    return waveform, Noise([stored(PUBLISHED, waveform).numpy()], 101, CPU)


def test_noise_is_added_as_to_the_waveform(tap):
    waveform, noise = tap
    waveforms = white(6, 16_000)
    spectrograms = stored(PUBLISHED, waveforms)
    settings = only(noise_share=1, noise_snr_db=(-5, 20))
    values, _ = augmented(settings, spectrograms, noise=noise, transform=PUBLISHED)
    added = values - spectrograms.float()
    whole = exact(PUBLISHED, waveform)
    starts = set()
    for i in range(len(values)):
        # Where it was cut shows in any one frame: a place of the noise is like no other.
        frame, places = added[i, :, :, 50].double().flatten(), whole.flatten(0, 1)
        start = int(((frame @ places).abs() / places.norm(dim=0)).argmax()) - 50
        starts.add(start)
        samples = waveform[start * 160 :][:16_000]
        factor = float(ratios(added[[i]], whole[None, None, ..., start : start + 101]))
        mixture = waveforms[i] + factor * samples
        # The ends of the cut are not reflected: the noise goes on there.
        inner = slice(2, 99)
        allowed = (1 + abs(factor)) * rounding_error(values[i].half()).max() + 1e-5
        assert_within(values[i, ..., inner], exact(PUBLISHED, mixture)[..., inner], allowed)
        power = waveforms[i].square().mean() / (factor * samples).square().mean()
        # Reflected edges count for more: 0.1 dB.
        assert -5.1 < 10 * power.log10() < 20.1
    assert len(starts) == 6


@pytest.mark.parametrize("offset", [0.0, 0.1])
def test_noise_has_the_ratio_asked_for(tap, offset):
    """Also to recordings whose power is at 0 Hz, which stands for one frequency and not two."""
    _, noise = tap
    waveforms = white(20, 16_000) * 0.1 ** torch.rand(20, 1) + offset
    spectrograms = stored(PUBLISHED, waveforms)
    settings = only(noise_share=1, noise_snr_db=(10, 10))
    values, _ = augmented(settings, spectrograms, noise=noise, transform=PUBLISHED)
    added = values - spectrograms.float()
    inverse = torchaudio.transforms.InverseSpectrogram(
        n_fft=512, win_length=480, hop_length=160, normalized=True
    )
    noises = inverse(torch.complex(*added.unbind(dim=1)), 16_000)
    power = waveforms.square().mean(dim=1) / noises.double().square().mean(dim=1)
    np.testing.assert_allclose(10 * power.log10(), 10, atol=0.15)


def test_signal_to_noise_ratios_are_uniform_in_decibels(tap, ones):
    noise = Noise([np.ones((2, 33, 60), np.float16)], 51, CPU)
    settings = only(noise_share=1, noise_snr_db=(3, 18))
    values, _ = augmented(settings, ones(500), noise=noise)
    assert evenly_between(3, 18, -decibels(values[:, 0, 0, 0] - 1))


def test_a_share_gets_noise(ones):
    noise = Noise([np.ones((2, 33, 60), np.float16)], 51, CPU)
    values, _ = augmented(only(noise_share=0.3), ones(500), noise=noise)
    untouched = (values == 1).all(dim=(1, 2, 3))
    assert stats.binomtest(int((~untouched).sum()), 500, 0.3).pvalue > 0.01


def test_the_ratio_is_that_to_the_recording_after_its_gain(tap):
    """On waveforms, noise would be added after the gain, too."""
    _, noise = tap
    spectrograms = stored(PUBLISHED, white(8, 16_000))
    settings = only(gain_db=20, noise_share=1, noise_snr_db=(10, 10))
    values, _ = augmented(settings, spectrograms, noise=noise, transform=PUBLISHED)
    gains = ratios(values, spectrograms[:, None])
    signals = gains[:, :, None, None] * spectrograms
    power = signals.square().mean(dim=(1, 2, 3)) / (values - signals).square().mean(dim=(1, 2, 3))
    assert decibels(gains).std() > 5
    # Least squares takes a little of the noise for gain.
    np.testing.assert_allclose(10 * power.log10(), 10, atol=0.3)


@pytest.mark.parametrize("silent", ["recording", "noise", "both"])
def test_silence_has_no_ratio_and_gets_no_noise(silent, ones):
    noise = Noise([np.full((2, 33, 60), silent == "recording", np.float16)], 51, CPU)
    spectrograms = ones(4) * (silent == "noise")
    values, _ = augmented(only(noise_share=1), spectrograms, noise=noise)
    assert torch.equal(values, spectrograms.float())


def test_gaps_of_shifts_have_noise_and_masks_have_none(ones):
    noise = Noise([np.ones((2, 33, 60), np.float16)], 51, CPU)
    noisy = {"noise_share": 1, "noise_snr_db": (0, 0), "shift_seconds": 0.1}
    values, _ = augmented(only(**noisy), ones(50), noise=noise)
    assert values.all()


def test_masks_come_last():
    """Only then do all values within them have the same magnitude."""
    noise = Noise([stored(SMALL, white(3_000, seed=2)).numpy()], 51, CPU)
    settings = {"noise_share": 1, "shift_seconds": 0.1, "mixup": 1, "gain_db": 6}
    masks = {"time_masks": 1, "time_mask_seconds": 0.2}
    spectrograms = stored(SMALL, white(50, 1_000))
    values, _ = augmented(only(**settings, **masks), spectrograms, noise=noise)
    power = values.square().sum(dim=1)
    level = (power.amax(dim=1) / power.amin(dim=1)) < 1.001
    assert level.sum(dim=1).max() == 10
    assert all(len(runs(row)) <= 1 for row in level)


def test_mixup_is_that_of_the_waveforms():
    waveforms = white(10, 1_000)
    spectrograms = stored(SMALL, waveforms)
    values, targets = augmented(only(mixup=1), spectrograms, torch.arange(10), words=10)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(10))
    assert ((targets > 0).sum(dim=1) <= 2).all()
    assert ((targets > 0.01).sum(dim=1) == 2).any()
    expected = exact(SMALL, targets.double() @ waveforms)
    assert_within(values, expected, rounding_error(spectrograms).max() + 2e-6)


@pytest.mark.parametrize("alpha", [0.2, 1, 3])
def test_shares_of_mixup_follow_the_beta_distribution(alpha):
    recordings = torch.zeros(1_000, 2, 1, 1, dtype=torch.float16)
    _, targets = augmented(only(mixup=alpha), recordings, torch.arange(1_000), words=1_000)
    shares = targets.diagonal().numpy()
    # The share of a recording that is mixed with itself is one.
    shares = shares[shares < 1 - 1e-6] if alpha > 1 else shares
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_mixed_recordings_of_a_word_are_that_word():
    _, targets = augmented(only(mixup=0.4), torch.zeros(9, 2, 3, 3), torch.full((9,), 2))
    torch.testing.assert_close(targets, torch.tensor([0.0, 0, 1]).expand(9, 3))


# Where frames, in s, and bins, in mels, lie on their axes.
FRAMES = 0.02 * np.arange(51)
BINS = 2595 * np.log10(1 + 15.625 * np.arange(33) / 700)


@pytest.mark.parametrize(
    ("axis", "settings", "places", "widest"),
    [
        (-1, only(time_masks=1, time_mask_seconds=0.145), FRAMES, 0.145),
        (-2, only(frequency_masks=1, frequency_mask_mels=150), BINS, 150),
    ],
    ids=["time", "frequency"],
)
def test_a_mask_takes_whole_frames_or_bins(checkered, axis, settings, places, widest):
    count = 4_000
    hidden = levelled(augmented(settings, checkered(count))[0])
    other = 1 if axis == -1 else 2
    masked = hidden.all(dim=other)
    assert torch.equal(masked, hidden.any(dim=other))
    stretches = [runs(row) for row in masked]
    assert {len(stretch) for stretch in stretches} == {0, 1}
    widths = [np.ptp(places[row.numpy()]) for row in masked if row.any()]
    assert widest - np.diff(places).max() < max(widths) <= widest

    def probability(place):
        """Probability that a mask of random width and position covers a place."""

        def of_width(width):
            last = places[-1] - width
            return (min(place, last) - max(place - width, 0)) / last

        return integrate.quad(of_width, 0, widest)[0] / widest

    expected = np.array([probability(place) for place in places])
    deviation = np.sqrt(expected * (1 - expected) / count)
    assert (np.abs(masked.float().mean(dim=0).numpy() - expected) <= 4 * deviation).all()


def test_several_masks_of_both_kinds(checkered):
    settings = only(time_masks=2, time_mask_seconds=0.1, frequency_masks=3, frequency_mask_mels=90)
    hidden = levelled(augmented(settings, checkered(400))[0])
    frames, bins = hidden.all(dim=1), hidden.all(dim=2)
    assert torch.equal(hidden, frames[:, None, :] | bins[:, :, None])
    assert max(len(runs(row)) for row in frames) == 2
    assert max(len(runs(row)) for row in bins) == 3
    # A mask of 0.1 s is over 6 frames at most, one of 90 mels over 7 bins where they are closest.
    assert 6 < frames.sum(dim=1).max() <= 12
    assert 7 < bins.sum(dim=1).max() <= 21


def test_a_mask_wider_than_the_spectrogram(checkered):
    values, _ = augmented(only(time_masks=1, time_mask_seconds=9), checkered(300))
    widths = levelled(values).all(dim=1).sum(dim=1)
    assert widths.min() < 5
    assert widths.max() > 46


def test_the_generator_decides():
    spectrograms, labels = stored(SMALL, white(8, 1_000)), torch.arange(8) % 3
    noise = Noise([stored(SMALL, white(3_000, seed=2)).numpy()], 51, CPU)
    first, again, other = (
        augmented(EVERYTHING, spectrograms, labels, noise, seed) for seed in (1, 1, 2)
    )
    assert all(map(torch.equal, first, again))
    assert not any(map(torch.equal, first, other))


def test_batches_of_an_epoch_differ_and_no_state_but_the_generators_counts():
    spectrograms, labels = stored(SMALL, white(8, 1_000)), torch.arange(8) % 3
    noise = Noise([stored(SMALL, white(3_000, seed=2)).numpy()], 51, CPU)
    epochs = []
    for disturbance in (1, 2):
        torch.manual_seed(disturbance)
        np.random.seed(disturbance)
        augment = Augmentation(EVERYTHING, SMALL, noise, words=3)
        generator = torch.Generator().manual_seed(5)
        epochs.append([augment(spectrograms, labels, generator)[0] for _ in range(3)])
    assert all(map(torch.equal, *epochs))
    assert not torch.equal(epochs[0][0], epochs[0][1])


def test_a_batch_of_one():
    """It has no partner but itself."""
    spectrograms = stored(SMALL, white(1, 1_000))
    values, targets = augmented(only(mixup=0.3), spectrograms, torch.tensor([1]))
    torch.testing.assert_close(values, spectrograms.float())
    assert targets.tolist() == [[0, 1, 0]]
    noise = Noise([stored(SMALL, white(3_000)).numpy()], 51, CPU)
    values, _ = augmented(EVERYTHING, spectrograms, noise=noise)
    assert values.shape == (1, 2, 33, 51)
    assert values.isfinite().all()


def test_nothing_is_read_from_the_device():
    """Reading would make a GPU wait. Tensors on `meta` have no values that could be read."""
    meta = torch.device("meta")
    noise = Noise([np.zeros((2, 33, 90), np.float16)], 51, meta)
    spectrograms = torch.empty(8, 2, 33, 51, dtype=torch.float16, device=meta)
    labels = torch.empty(8, dtype=torch.long, device=meta)
    values, targets = augmented(EVERYTHING, spectrograms, labels, noise)
    assert values.device == targets.device == meta
    assert (values.shape, targets.shape) == ((8, 2, 33, 51), (8, 3))


def test_pieces_of_noise_come_from_one_recording_each_and_from_everywhere():
    lengths = (5, 9, 30)
    # Frames are numbered through, with a gap from one recording to the next.
    first = {0: 100, 1: 200, 2: 300}
    recordings = [
        np.broadcast_to(np.arange(first[i], first[i] + n, dtype=np.float16), (2, 3, n))
        for i, n in enumerate(lengths)
    ]
    pieces = Noise(recordings, 5, CPU).cut(3_200, torch.Generator().manual_seed(1))
    assert pieces.shape == (3_200, 2, 3, 5)
    assert pieces.dtype == torch.float16
    starts = pieces[:, 0, 0, 0].int()
    assert torch.equal(
        pieces.int(), (starts[:, None] + torch.arange(5))[:, None, None].expand(-1, 2, 3, 5)
    )
    found, counts = np.unique(starts, return_counts=True)
    assert found.tolist() == [100, *range(200, 205), *range(300, 326)]
    assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize("lengths", [[], [50], [80, 50]])
def test_noise_shorter_than_a_recording_is_refused(lengths):
    with pytest.raises(ValueError, match="51 frames"):
        Noise([np.zeros((2, 33, length), np.float16) for length in lengths], 51, CPU)


def test_missing_noise_is_refused():
    with pytest.raises(ValueError, match="noise"):
        Augmentation(only(noise_share=0.1), SMALL, None, words=3)


def test_importing_takes_neither_pandas_nor_zarr():
    scripts = Path(__file__).parents[2] / "workflow" / "scripts"
    code = "import spokenwords.model.augmentation, sys; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=scripts, capture_output=True, text=True, check=True)
    assert {"pandas", "zarr", "snakemake"}.isdisjoint(done.stdout.split())


def test_a_mask_over_silence_stays_silent():
    spectrograms = torch.zeros(4, 2, 33, 51, dtype=torch.float16)
    values, _ = augmented(only(time_masks=3, frequency_masks=3), spectrograms)
    assert (values == 0).all()

"""The short-time Fourier transform, against theory and other implementations."""

import math

import numpy as np
import pytest
import torch
import torchaudio

from spokenwords.spectrograms.stft import STFT

PUBLISHED = STFT(16_000, 512, window_seconds=0.03, stride_seconds=0.01, normalized=True)
UNNORMALIZED = STFT(16_000, 512, window_seconds=0.03, stride_seconds=0.01, normalized=False)
SETTINGS = [
    PUBLISHED,
    UNNORMALIZED,
    STFT(8_000, 256, window_seconds=0.032, stride_seconds=0.005, normalized=True),
    STFT(44_100, 2048, window_seconds=0.04, stride_seconds=0.0125, normalized=True),
    STFT(16_000, 401, window_seconds=0.02, stride_seconds=0.01, normalized=True),
]
# Sum and Euclidean norm of the periodic Hann window of 480 samples: N / 2 and sqrt(3 N / 8).
WINDOW_SUM, WINDOW_NORM = 240, math.sqrt(180)


def noise(*shape, seed=1):
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def spectrogram_of(transform, waveforms):
    return torch.from_numpy(transform.complex_spectrogram(waveforms.numpy()))


def as_complex(spectrogram):
    return torch.complex(*spectrogram.unbind(dim=-3))


def hann(length):
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)


def test_published_shape():
    spectrogram = spectrogram_of(PUBLISHED, noise(1, 16_000))
    assert spectrogram.shape == (1, 2, 257, 101)
    assert spectrogram.dtype == torch.float32
    assert spectrogram_of(PUBLISHED, noise(16_000)).shape == (2, 257, 101)
    assert spectrogram_of(PUBLISHED, noise(3, 16_000)).shape == (3, 2, 257, 101)


@pytest.mark.parametrize("transform", SETTINGS, ids=str)
def test_equals_torchaudio(transform):
    waveforms = noise(2, transform.sample_rate)
    expected = torchaudio.transforms.Spectrogram(
        n_fft=transform.n_fft,
        win_length=round(transform.window_seconds * transform.sample_rate),
        hop_length=round(transform.stride_seconds * transform.sample_rate),
        power=None,
        normalized=transform.normalized,
    )(waveforms)
    actual = as_complex(spectrogram_of(transform, waveforms))
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("transform", SETTINGS, ids=str)
@pytest.mark.parametrize("length", [16_000, 16_001, 15_999, 12_345])
def test_axes_are_as_long_as_the_spectrogram(transform, length):
    shape = spectrogram_of(transform, noise(length)).shape
    assert shape == (2, len(transform.frequency()), len(transform.time(length)))


def test_axes_are_in_hertz_and_seconds():
    np.testing.assert_allclose(PUBLISHED.frequency(), 31.25 * np.arange(257))
    np.testing.assert_allclose(PUBLISHED.time(16_000), 0.01 * np.arange(101))


@pytest.mark.parametrize(("bin", "phase"), [(16, 0.0), (100, 1.0), (201, -2.5)])
@pytest.mark.parametrize("transform", [PUBLISHED, UNNORMALIZED], ids=str)
def test_pure_tone(transform, bin, phase):
    """At its bin a tone of amplitude A is A/2·sum(window)/norm, turning from frame to frame."""
    amplitude, frequency = 0.6, bin * 16_000 / 512
    samples = torch.arange(16_000, dtype=torch.float64)
    tone = amplitude * torch.cos(2 * math.pi * frequency / 16_000 * samples + phase)
    spectrogram = spectrogram_of(transform, tone.float())
    frames = np.arange(2, 99)  # those that do not reach the edges
    real, imaginary = spectrogram[:, :, frames].numpy()

    magnitude = amplitude / 2 * WINDOW_SUM / (WINDOW_NORM if transform.normalized else 1)
    # A frame's first sample is 256 before its centre.
    angle = phase + 2 * math.pi * bin / 512 * (160 * frames - 256)
    np.testing.assert_allclose(real[bin], magnitude * np.cos(angle), atol=1e-4 * magnitude)
    np.testing.assert_allclose(imaginary[bin], magnitude * np.sin(angle), atol=1e-4 * magnitude)
    peaks = np.hypot(real, imaginary).argmax(axis=0)
    assert set(transform.frequency()[peaks]) == {frequency}


def test_tone_between_bins_peaks_at_the_nearest():
    samples = torch.arange(16_000)
    tone = torch.sin(2 * math.pi * 1_010 / 16_000 * samples)
    magnitudes = as_complex(spectrogram_of(PUBLISHED, tone)).abs()
    assert set(PUBLISHED.frequency()[magnitudes[:, 2:99].argmax(dim=0)]) == {1_000}


def test_click_stands_at_its_time():
    waveform = torch.zeros(16_000)
    waveform[5_600] = 1
    energy = as_complex(spectrogram_of(PUBLISHED, waveform)).abs().square().sum(dim=0)
    assert PUBLISHED.time(16_000)[energy.argmax()] == pytest.approx(0.35)


@pytest.mark.parametrize("transform", [PUBLISHED, UNNORMALIZED], ids=str)
def test_parseval(transform):
    """A frame's spectrum has the energy of its windowed samples."""
    waveform = noise(16_000)
    power = as_complex(spectrogram_of(transform, waveform)).abs().square().numpy()
    # All but the first and the last bin stand for two frequencies, positive and negative.
    energy = (power[0] + 2 * power[1:-1].sum(axis=0) + power[-1]) / 512
    padded = np.pad(waveform.numpy().astype(float), 256, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 512)[::160, 16:-16]
    expected = np.square(frames * hann(480)).sum(axis=1)
    if transform.normalized:
        expected /= WINDOW_NORM**2
    np.testing.assert_allclose(energy, expected, rtol=1e-4)


@pytest.mark.parametrize("transform", SETTINGS[:4], ids=str)
def test_inverse_gives_the_waveform_back(transform):
    waveform = noise(transform.sample_rate)
    inverse = torchaudio.transforms.InverseSpectrogram(
        transform.n_fft,
        transform.window_length,
        transform.hop_length,
        normalized=transform.normalized,
    )
    spectrogram = as_complex(spectrogram_of(transform, waveform))
    # The samples behind the last frame's centre have too little of a window on them.
    actual = inverse(spectrogram, len(waveform))[: -transform.hop_length]
    torch.testing.assert_close(actual, waveform[: -transform.hop_length], rtol=0, atol=1e-5)


def test_linear():
    a, b = noise(16_000, seed=1), noise(16_000, seed=2)
    mixed = spectrogram_of(PUBLISHED, 0.3 * a - 2 * b)
    parts = [spectrogram_of(PUBLISHED, waveform) for waveform in (a, b)]
    torch.testing.assert_close(mixed, 0.3 * parts[0] - 2 * parts[1], rtol=1e-4, atol=1e-5)


def test_shift_by_hops_shifts_frames():
    waveform = noise(16_000)
    shifted = spectrogram_of(PUBLISHED, waveform.roll(3 * 160))
    original = spectrogram_of(PUBLISHED, waveform)
    # Frames that reach no edge, before or after.
    torch.testing.assert_close(shifted[..., 5:99], original[..., 2:96], rtol=1e-4, atol=1e-5)

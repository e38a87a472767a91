"""Levels of recordings, and the level that is too quiet for a model."""

import numpy as np
import pytest
import torch

from spokenwords.spectrograms import level
from spokenwords.spectrograms.stft import STFT


def test_a_sine_of_full_scale_has_half_the_power_of_full_scale():
    sine = np.sin(2 * np.pi * np.arange(1_000) / 20)
    assert level.of_samples(sine) == pytest.approx(10 * np.log10(1 / 2))
    assert level.of_samples(0.1 * sine) == pytest.approx(10 * np.log10(1 / 2) - 20)


@pytest.mark.parametrize("samples", [np.zeros(9), np.zeros(0), np.full(9, 1e-9)])
def test_silence_has_a_level(samples):
    assert level.of_samples(samples) == level.SILENCE


@pytest.mark.parametrize(
    ("n_fft", "window", "stride", "normalized"),
    [
        (512, 0.03, 0.01, True),
        (512, 0.03, 0.01, False),
        (160, 0.01, 0.0125, True),
        (161, 0.01, 0.005, False),
    ],
)
def test_a_spectrogram_has_the_level_of_its_samples(n_fft, window, stride, normalized):
    transform = STFT(16_000, n_fft, window, stride, normalized)
    # Steady: frames at the edges count as much as others.
    noise = np.random.default_rng(1).standard_normal((2, 16_000)).astype(np.float32)
    noise *= np.array([[0.1], [0.001]], np.float32)
    values = torch.from_numpy(transform.complex_spectrogram(noise))
    found = level.of_spectrograms(values, transform)
    assert found.tolist() == pytest.approx([-20, -60], abs=0.2)
    silence = level.of_spectrograms(torch.zeros_like(values), transform)
    assert silence.tolist() == [level.SILENCE] * 2


def test_the_loudest_part_counts():
    samples = np.zeros(5_000, np.float32)
    samples[3_600:4_600] = 0.1
    # In the stretch from 3,500 to 4,500 are 900 samples of it.
    assert level.of_loudest(samples, 1_000) == pytest.approx(-20 + 10 * np.log10(0.9))
    assert level.of_loudest(samples[3_600:4_100], 1_000) == pytest.approx(-20 + 10 * np.log10(0.5))
    for silence in (samples[:0], samples[:500]):
        assert level.of_loudest(silence, 1_000) == level.SILENCE


def test_far_quieter_is_below_nearly_all_of_the_training():
    # A hundredth of 0, -1, ... -100 dBFS is below -99; 6 dB below that is far.
    levels = -np.arange(101.0)
    assert level.quietest(levels, gain_db=0) == pytest.approx(-99 - 6)
    assert level.quietest(levels, gain_db=10) == pytest.approx(-99 - 6 - 10)
    assert level.quietest(levels, gain_db=40) == level.SILENCE
    assert level.quietest(levels[:0], gain_db=0) == level.SILENCE

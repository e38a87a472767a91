"""Resampling in pieces."""

from unittest import mock

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from spokenwords.recordings import audio
from spokenwords.recordings.resampling import Resampler

RATES = [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 15_999]


def test_the_filter_is_designed_once(monkeypatch):
    """Between rates without a common divisor it has 900,000 coefficients."""
    resampler = Resampler(44_101, 16_000)
    monkeypatch.setattr(scipy.signal._signaltools, "firwin", mock.Mock(side_effect=AssertionError))
    resampler.feed(np.zeros(5000, np.float32))
    resampler.finish()


@pytest.mark.parametrize("rate", RATES)
@settings(max_examples=20, deadline=None)
@given(length=st.integers(0, 5000), cuts=st.lists(st.integers(0, 5000), max_size=20))
def test_pieces_are_together_as_the_whole(rate, length, cuts):
    samples = np.random.default_rng(1).normal(size=length).astype(np.float32)
    resampler = Resampler(rate, 16_000)
    parts = [resampler.feed(part) for part in np.split(samples, sorted(cuts))]
    result = np.concatenate([*parts, resampler.finish()])
    expected = audio.resample(samples, rate, 16_000) if length else samples
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=1e-5)


@pytest.mark.parametrize("rate", RATES[:-1])
def test_it_waits_for_a_few_milliseconds_and_keeps_few_samples(rate):
    resampler = Resampler(rate, 16_000)
    made = 0
    for _ in range(100):
        made += len(resampler.feed(np.zeros(rate // 100, np.float32)))
        assert len(resampler._waiting) <= 0.05 * rate
    assert 16_000 * (rate // 100) * 100 / rate - made <= 16_000 * 0.003

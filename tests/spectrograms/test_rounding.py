"""Rounding against NumPy's own float16, bit for bit."""

import numpy as np
import pytest

from spokenwords.spectrograms.rounding import to_float16


def expected(values, rounding):
    """In float64, where scaling and rounding to multiples are exact."""
    step = 2.0**-rounding
    return (np.rint(values.astype(np.float64) / step) * step).astype(np.float16)


@pytest.mark.parametrize("rounding", [8, 10, 13, 14, 15, 16, 20, 24])
def test_all_magnitudes(rounding):
    generator = np.random.default_rng(rounding)
    values = generator.normal(size=50_000) * 10.0 ** generator.uniform(-9, 4, size=50_000)
    values = values.astype(np.float32)
    # Numbers half-way between two of float16's, its smallest and largest ones, and zero.
    edges = np.arange(-5000, 5000) * 2.0**-rounding
    extremes = [0.0, 2.0**-14, 2.0**-24, 65504.0, -65504.0, 2049.0, 2051.0]
    values = np.concatenate([values, edges, extremes]).astype(np.float32)
    wanted = expected(values, rounding)
    found = to_float16(values.copy(), rounding)
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, wanted)


def test_without_multiples():
    values = np.random.default_rng(1).normal(size=1000).astype(np.float32)
    np.testing.assert_array_equal(to_float16(values.copy(), None), values.astype(np.float16))


def test_any_memory_layout():
    values = np.random.default_rng(1).normal(size=(3, 4, 5)).astype(np.float32)
    view = np.moveaxis(values.copy(), 2, 0)
    np.testing.assert_array_equal(to_float16(view, 16), np.moveaxis(expected(values, 16), 2, 0))


def test_figures():
    """Worked by hand: 2^-16 is the step, and 0.1 is nearest to 6554 of them."""
    values = np.array([2.0**-18, 0.6 * 2.0**-16, -(2.0**-16), 1.0, -2.5], np.float32)
    assert to_float16(values, 16).tolist() == [0, 2.0**-16, -(2.0**-16), 1.0, -2.5]
    # Of thirteen binary digits float16 keeps eleven: a tie of 6552 and 6556, which is 4 · 1639.
    assert to_float16(np.array([0.1], np.float32), 16)[0] == 6552 * 2.0**-16

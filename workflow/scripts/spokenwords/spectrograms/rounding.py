"""Rounding to what a store keeps: multiples of a power of two, in float16."""

import numpy as np

# float16 has a sign bit, five bits of exponent and ten of mantissa; float32 has eight and 23.
SIGN = np.uint32(0x8000)
MAGNITUDE = np.uint32(0x7FFFFFFF)
FEWER_MANTISSA_BITS = np.uint32(13)
EXPONENT_BIAS_DIFFERENCE = 127 - 15
SMALLEST_NORMAL = -14  # as an exponent of two


def to_float16(values: np.ndarray, rounding: int | None) -> np.ndarray:
    """Round float32 `values` to multiples of 2^-`rounding` and then to float16; ties to even.

    None rounds to float16 only. Values must be below 65,520 in magnitude, what float16 holds; they
    are overwritten.
    """
    if rounding is None:
        return values.astype(np.float16)
    values *= np.float32(2.0**rounding)
    np.rint(values, out=values)
    return _multiples_to_float16(values, rounding)


def _multiples_to_float16(multiples: np.ndarray, rounding: int) -> np.ndarray:
    """float16(multiple · 2^-rounding), by passes over all the bits; NumPy goes number by number."""
    bits = multiples.view(np.uint32)
    magnitudes = bits & MAGNITUDE
    # Values below float16's normal numbers are multiples of 2^-24 there: as many as the last bit of
    # a float32 counts when so large a number is added to it.
    subnormal = magnitudes.view(np.float32) + np.float32(2.0 ** (rounding - 1))
    is_subnormal = magnitudes < np.float32(2.0 ** (rounding + SMALLEST_NORMAL)).view(np.uint32)
    # The rest are rounded to the shorter mantissa by adding just less than half of its last bit, or
    # just half where that bit is odd; meanwhile the exponent takes the other bias and the factor.
    halves = magnitudes
    odd = magnitudes >> FEWER_MANTISSA_BITS
    odd &= np.uint32(1)
    halves += odd
    halves -= np.uint32(((EXPONENT_BIAS_DIFFERENCE + rounding) << 23) - 0xFFF)
    halves >>= FEWER_MANTISSA_BITS
    np.copyto(halves, subnormal.view(np.uint32), where=is_subnormal)
    signs = np.right_shift(bits, np.uint32(16), out=odd)
    signs &= SIGN
    halves |= signs
    return halves.astype(np.uint16).view(np.float16)

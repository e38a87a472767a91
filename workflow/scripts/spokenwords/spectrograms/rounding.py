"""Rounding to the values that a store holds: multiples of a power of two, in float16."""

from functools import cache

import numpy as np

TABLE_LENGTH = 2**16


def to_float16(values: np.ndarray, rounding: int | None) -> np.ndarray:
    """Round float32 `values` to multiples of 2^-`rounding` and then to float16; ties to even.

    None rounds to float16 only. Values must be below 65,520 in magnitude, the limit of float16.
    They are overwritten.
    """
    if rounding is None:
        return values.astype(np.float16)
    scale = np.float32(2.0**rounding)
    values *= scale
    multiples = np.rint(values, out=values)
    # NumPy converts to float16 number by number. Looking up the multiples next to zero, which are
    # nearly all, takes less than half the time (benchmarks/building.py).
    near = multiples.clip(-TABLE_LENGTH // 2, TABLE_LENGTH // 2 - 1)
    halves = np.take(_table(rounding), near.astype(np.int16).view(np.uint16))
    far = near != multiples
    halves[far] = (multiples[far] / scale).astype(np.float16)
    return halves


@cache
def _table(rounding: int) -> np.ndarray:
    """The float16 of each 16-bit multiple of 2^-`rounding`, negative ones as uint16."""
    multiples = np.arange(TABLE_LENGTH, dtype=np.uint16).view(np.int16)
    return (multiples * 2.0**-rounding).astype(np.float16)

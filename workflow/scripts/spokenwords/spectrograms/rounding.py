"""Rounding to the values that a store holds: multiples of a power of two, in float16."""

import numpy as np


def to_float16(values: np.ndarray, rounding: int | None) -> np.ndarray:
    """Round float32 `values` to multiples of 2^-`rounding` and then to float16; ties to even.

    None rounds to float16 only. Values must be below 65,520 in magnitude, the limit of float16.
    They are overwritten.
    """
    if rounding is not None:
        scale = np.float32(2.0**rounding)
        values *= scale
        np.rint(values, out=values)
        values /= scale
    return values.astype(np.float16)

"""The mel scale as in HTK: m = 2595 lg(1 + f / 700 Hz)."""

import numpy as np


def from_hertz(frequency: np.ndarray | float) -> np.ndarray:
    """Convert frequencies from Hz to mels."""
    return 2595 * np.log10(1 + np.asarray(frequency) / 700)


def to_hertz(mels: np.ndarray | float) -> np.ndarray:
    """Convert frequencies from mels to Hz."""
    return 700 * (10 ** (np.asarray(mels) / 2595) - 1)

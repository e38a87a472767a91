"""The learning rate that a range test suggests."""

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d

# Width of the smoothing, in batches.
SMOOTHING = 3


def smooth(table: pd.DataFrame) -> pd.DataFrame:
    """Add the column smoothed_loss to a range test's rows: batch, learning_rate, loss."""
    return table.assign(smoothed_loss=gaussian_filter1d(table["loss"], SMOOTHING, mode="nearest"))


def suggestion(table: pd.DataFrame) -> float | None:
    """Return the rate at which the smoothed loss falls most steeply over the rate's logarithm.

    Only rates up to that of the lowest smoothed loss count: above it the loss diverges. Returns
    None if the loss never falls.
    """
    if table.empty:
        return None
    smoothed = table["smoothed_loss"].to_numpy()
    before = smoothed[: int(smoothed.argmin()) + 1]
    if len(before) < 2:
        return None
    rates = table["learning_rate"].to_numpy()[: len(before)]
    return float(rates[np.gradient(before, np.log(rates)).argmin()])

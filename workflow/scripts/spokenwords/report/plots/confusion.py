"""The confusion table as a heat map."""

import numpy as np
import pandas as pd
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from spokenwords.evaluation.confusion import OTHERS, matrix
from spokenwords.report.plots.style import GREY, INK, heading, plain_numbers, shortened, style


@style()
def heat_map(confusion: pd.DataFrame, note: str = "") -> Figure:
    """The confusion table (target, prediction, count) as a heat map of each row's shares (%).

    With up to 40 words, cells contain counts. The colour scale is the share's power 0.4, so that
    confusions of a few per cent are visible next to the diagonal.
    """
    square = matrix(confusion)
    words, counts, n = [shortened(word) for word in square], square.to_numpy(), len(square)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # The total number of recordings of the others is unknown.
    shares = np.where((square.index == OTHERS)[:, None], np.nan, shares)
    side = float(np.clip(0.33 * n, 2.5, 13))
    figure = Figure(figsize=(side + 2.6, side + 1.7), layout="constrained")
    axes = figure.subplots()
    axes.grid(False)
    norm = PowerNorm(0.4, vmin=0, vmax=100)
    # Rasterised: a shape per cell would take most of the SVG's size.
    mesh = axes.pcolormesh(
        shares, cmap="Blues", norm=norm, edgecolors="white", linewidth=0.5, rasterized=True
    )
    axes.set(aspect="equal", xlabel="prediction", ylabel="target (spoken word)")
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(n) + 0.5, words, rotation=90 if n > 4 else 0)
    axes.set_yticks(np.arange(n) + 0.5, words)
    cell = 72 * side / n
    if n <= 40:
        for row, column in np.argwhere(counts):
            text, dark = f"{counts[row, column]}", norm(shares[row, column]) > 0.55
            size = min(0.4 * cell, 11, 1.5 * cell / max(len(text), 3))
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=size)
            axes.texts[-1].set_color("white" if dark else INK)
    bar = figure.colorbar(mesh, ax=axes, ticks=[0, 0.1, 1, 5, 20, 50, 100], shrink=min(1, 5 / side))
    bar.ax.yaxis.set_major_formatter(plain_numbers)
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    bar.set_label("share of the target's recordings (%)")
    heading(axes, "Predictions for each word", note, GREY)
    return figure

"""Plots of calibration and of accuracy with selective answers."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from spokenwords.report.plots.style import BLUE, FAINT, GREY, INK, SKY, heading, style

SHARES = (0.5, 0.8, 0.9, 0.95, 1.0)  # of recordings answered, with labelled accuracy


@style()
def calibration(reliability: pd.DataFrame, coverage: pd.DataFrame, error: float) -> Figure:
    """The reliability diagram, and accuracy over the share of recordings answered.

    The tables are those of `calibration.reliability` and `calibration.coverage`, `error` is the
    expected calibration error.
    """
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=(4, 1), width_ratios=(1, 1.15))
    diagram = figure.add_subplot(grid[0, 0])
    counts = figure.add_subplot(grid[1, 0], sharex=diagram)
    answered = figure.add_subplot(grid[:, 1])
    _reliability(diagram, counts, reliability)
    _coverage(answered, coverage)
    heading(
        diagram,
        "Calibration, and accuracy if only confident answers are given",
        f"Expected calibration error: {100 * error:.1f} percentage points",
        GREY,
        distance=10,
    )
    return figure


def _reliability(diagram: Axes, counts: Axes, table: pd.DataFrame) -> None:
    diagram.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1.2)
    diagram.annotate(
        "calibrated",
        (0.3, 0.3),
        (6, -6),
        textcoords="offset points",
        va="top",
        color=GREY,
    )
    around = np.abs(table[["accuracy_low", "accuracy_high"]].sub(table["accuracy"], axis=0))
    diagram.errorbar(
        table["confidence"],
        table["accuracy"],
        around.to_numpy().T,
        fmt="o-",
        color=BLUE,
        ecolor=SKY,
        elinewidth=2,
        markersize=5,
        clip_on=False,
    )
    diagram.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy (share correct)")
    diagram.tick_params(labelbottom=False)
    width = table["high"] - table["low"]
    counts.bar(
        table["low"], table["recordings"], width, align="edge", color=FAINT, edgecolor="white"
    )
    counts.set(xlabel="confidence (probability of the answer)", ylabel="recordings")
    counts.grid(False, axis="x")
    for axes in (diagram, counts):
        axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    diagram.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))


def _coverage(axes: Axes, table: pd.DataFrame) -> None:
    axes.plot(table["answered"], table["accuracy"], color=BLUE, drawstyle="steps-pre")
    lowest = table["accuracy"].iloc[-1]
    lowest -= 0.15 * (1.0001 - lowest) + 0.02
    written = np.empty((0, 2))
    for share in reversed(SHARES):
        # Answers of the same confidence are given together: the share may be a little larger.
        row = table[table["answered"] >= share - 1e-9].iloc[0]
        axes.plot(row["answered"], row["accuracy"], "o", color=BLUE, markersize=5, clip_on=False)
        # In units of a label's width and height.
        place = np.array([row["answered"] / 0.12, (row["accuracy"] - lowest) / (1 - lowest) / 0.04])
        if (np.abs(written - place) < 1).all(axis=1).any():
            continue
        written = np.vstack([written, place])
        axes.annotate(
            f"{row['accuracy']:.1%}".replace("%", " %"),
            (row["answered"], row["accuracy"]),
            (-4, -6),
            textcoords="offset points",
            ha="right",
            va="top",
            color=INK,
        )
    axes.set(
        xlim=(0, 1),
        ylim=(lowest, 1),
        xlabel="share of recordings answered, most confident first",
        ylabel="accuracy of these answers",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, symbol=" %"))

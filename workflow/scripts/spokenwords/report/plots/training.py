"""Plots of a training: its history, and the learning rate range test."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from spokenwords.report.plots.style import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    SKY,
    VERMILION,
    heading,
    plain_numbers,
    style,
)


@style()
def history(log: pd.DataFrame, selected_epoch: int, note: str = "") -> Figure:
    """Loss and accuracy of both sets over the epochs, and the learning rate below.

    `log` has one row per epoch and set (train, valid): epoch, set, loss, accuracy (0 to 1),
    learning_rate. `note` is a warning to show under the title.
    """
    figure = Figure(figsize=(9, 7), layout="constrained")
    panels = figure.subplots(3, 1, sharex=True, height_ratios=(4, 4, 1))
    heading(panels[0], "Training history", note)
    for panel, measure in zip(panels, ("loss", "accuracy"), strict=False):
        for name, colour in (("train", ORANGE), ("valid", BLUE)):
            rows = log[log["set"] == name].sort_values("epoch")
            marker = "o" if len(rows) <= 20 else None
            panel.plot(
                rows["epoch"], rows[measure], color=colour, label=name, marker=marker, markersize=4
            )
            selected = rows[rows["epoch"] == selected_epoch]
            if name == "valid" and len(selected):
                value = selected[measure].iloc[0]
                text = f"valid at the selected epoch ({selected_epoch}): {value:.3f}"
                panel.plot(selected["epoch"], selected[measure], "o", color=colour, label=text)
                panel.lines[-1].set(markersize=9, markerfacecolor="white", markeredgewidth=2)
        panel.set_ylabel("accuracy (share)" if measure == "accuracy" else "loss (cross-entropy)")
        panel.legend(loc="best")
    rates = log[log["set"] == "train"].sort_values("epoch")
    panels[2].plot(rates["epoch"], rates["learning_rate"], "o-", color=FAINT, markersize=3)
    panels[2].fill_between(rates["epoch"], rates["learning_rate"], color=FAINT, alpha=0.4)
    panels[2].set_ylabel("learning\nrate")
    panels[2].yaxis.set_major_locator(MaxNLocator(2))
    panels[2].yaxis.set_major_formatter(plain_numbers)
    panels[2].set_ylim(bottom=0)
    panels[2].set_xlabel("epoch")
    panels[2].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    for panel in panels:
        panel.axvline(selected_epoch, color=INK, linewidth=1, linestyle=":")
    return figure


@style()
def learning_rates(rates: pd.DataFrame, suggested: float | None, used: float | None) -> Figure:
    """The loss while the learning rate grows batch by batch, with marks at two rates.

    `rates` has one row per batch: batch, learning_rate, loss, smoothed_loss. The marks are the
    rates `suggested` and `used`, unless they are None.
    """
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    heading(axes, "Loss while the learning rate grows batch by batch")
    axes.plot(
        rates["learning_rate"], rates["loss"], color=SKY, linewidth=1, alpha=0.6, label="each batch"
    )
    axes.plot(rates["learning_rate"], rates["smoothed_loss"], color=BLUE, label="smoothed")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(plain_numbers)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="learning rate (log scale)", ylabel="loss (cross-entropy)")
    axes.legend(loc="lower left")

    # The axis fits the loss before it diverges; diverging values may leave the frame.
    smoothed, loss = rates["smoothed_loss"].to_numpy(), rates["loss"].to_numpy()
    if np.isfinite(smoothed).any():
        lowest = int(np.nanargmin(np.where(np.isfinite(smoothed), smoothed, np.nan)))
        before = loss[: max(lowest + 1, len(loss) // 4)]
        before = np.append(before[np.isfinite(before)], smoothed[lowest])
        height = max(np.ptp(before), 0.1 * abs(smoothed[lowest]), 1e-9)
        axes.set_ylim(before.min() - 0.1 * height, before.max() + 0.2 * height)

    named = {"suggested": suggested, "used": used}
    if suggested and used and np.isclose(suggested, used):
        named = {"suggested and used": used}
    looks = {"suggested": (VERMILION, "--"), "used": (INK, "-")}
    marks = [
        (rate, f"{name}: {rate:.3g}", *looks.get(name, (VERMILION, "-")))
        for name, rate in named.items()
        if rate
    ]
    # The labels are above the frame in two rows, both on the side with more room, so that they
    # cover neither each other nor a line, even if the two rates are close.
    low, high = axes.get_xlim()
    left = np.mean([np.log(rate) for rate, *_ in marks] or 0) < np.log(low * high) / 2
    above = axes.get_xaxis_transform()
    for row, (rate, text, colour, line) in enumerate(sorted(marks, reverse=bool(left))):
        top = 1.05 + 0.05 * row
        axes.plot([rate, rate], [0, top], line, color=colour, transform=above, clip_on=False)
        axes.annotate(
            text,
            (rate, top),
            (4 if left else -4, 0),
            xycoords=above,
            textcoords="offset points",
            ha="left" if left else "right",
            va="top",
            color=colour,
            weight="bold",
        )
    return figure

"""Plot of hard recordings: odds ratios of a model, and error rates over each property."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, PercentFormatter

from spokenwords.evaluation.difficulty import NOT_MEASURED, PROPERTIES, Property
from spokenwords.evaluation.difficulty_model import TOGETHER
from spokenwords.evaluation.intervals import SIGNIFICANT
from spokenwords.report.plots.style import (
    BLUE,
    FAINT,
    GREY,
    INK,
    SKY,
    VERMILION,
    grouped_numbers,
    heading,
    plain_numbers,
    style,
)

COLUMNS = 5
PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # behind small numbers
# Ticks of these scales.
TICKS: dict[str, Sequence[float]] = {
    "log": [125 * 2.0**octave for octave in range(9)],  # Hz
    "count": [0, 1, 3, 10, 30, 100, 300, 1000],
    "any": [0, *(10**power for power in range(7))],
}
# Marker, place in the row, and legend.
EFFECTS = {
    "below": ("<", 0.17, "per standard deviation (SD) below the median"),
    "above": (">", -0.17, "per SD above the median"),
    "rising": ("o", 0.0, "per standard deviation (SD)"),
    "present": ("D", 0.0, "if present"),
}
RATIOS = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16]  # ticks; the axis ends there


@style()
def difficulty(rates: pd.DataFrame, model: pd.DataFrame) -> Figure:
    """All odds ratios and, below them, error rates over each property; 1,000 pixels wide.

    The tables are those of `difficulty.rates` and `difficulty_model.fit`. A small panel has one
    point per group of recordings, at its median, with its 95 % interval; the dashed line is the
    error rate of all recordings.
    """
    rows = -(-len(PROPERTIES) // COLUMNS)
    heights = 1.9 + 0.33 * len(PROPERTIES), 0.4 + 2.2 * rows
    figure = Figure(figsize=(10, sum(heights) + 1), layout="constrained")
    # Two grids, because their axes need not be aligned.
    halves = figure.add_gridspec(2, 1, height_ratios=heights)
    odds = figure.add_subplot(halves[0].subgridspec(1, 1)[0])
    _odds_ratios(odds, model)
    heading(odds, "Which recordings are hard?", _answer(rates, model), GREY, 10)

    grid = halves[1].subgridspec(rows, COLUMNS)
    panels: list[Axes] = []
    for place, item in enumerate(PROPERTIES):
        where = grid[place // COLUMNS, place % COLUMNS]
        panels.append(figure.add_subplot(where, sharey=panels[0] if panels else None))
        panels[-1].axhline(_overall(rates), color=VERMILION, linewidth=1.2, linestyle="--")
        _points(panels[-1], item, rates[rates["property"] == item.name].dropna(subset="median"))
        panels[-1].tick_params(labelleft=place % COLUMNS == 0, labelsize=9)
    panels[0].set_ylim(0, min(1.05, 1.2 * rates.dropna()["interval_high"].max()))
    panels[0].yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    for axes in panels[::COLUMNS]:
        axes.set_ylabel("error rate")
    return figure


def _overall(rates: pd.DataFrame) -> float:
    groups = rates[rates["property"] == PROPERTIES[0].name]
    return groups["errors"].sum() / groups["recordings"].sum()


def _significant(model: pd.DataFrame) -> list[str]:
    """The properties with a significant effect, the smallest p value first."""
    return list(model.loc[model["property_p_value"] < SIGNIFICANT, "property"].unique())


def _answer(rates: pd.DataFrame, model: pd.DataFrame) -> str:
    text = model.loc[model["property"] == TOGETHER, "note"].iloc[0]
    if model["odds_ratio"].notna().any():
        titles = {item.name: item.title for item in PROPERTIES}
        matter = ", ".join(titles[name] for name in _significant(model)) or "none"
        text = (
            f"In a model of all properties, these go with errors (bold, p < {SIGNIFICANT} by "
            f"Holm's method): {matter}. {text}"
        )
    text += (
        f" Small panels: one property at a time; dashed line: all recordings, "
        f"{100 * _overall(rates):.1f}\N{NO-BREAK SPACE}% errors; small numbers: recordings."
    )
    groups = rates[rates["property"] == PROPERTIES[0].name]
    for lost in groups[groups["group"] == NOT_MEASURED].itertuples():
        text += f" Not measured: {lost.recordings:,} without a clear word ({lost.errors:,} errors)."
    return text


def _odds_ratios(axes: Axes, model: pd.DataFrame) -> None:
    """One row per property: significant ones on top, then the others, larger effects first."""
    effects = model[model["property"] != TOGETHER]
    fitted, significant = effects.dropna(subset="odds_ratio"), _significant(model)
    size = (
        np.log(effects["odds_ratio"])
        .abs()
        .fillna(-1)
        .groupby(effects["property"], sort=False)
        .max()
    )
    rows = sorted(size.index[::-1], key=lambda name: (name in significant, size[name]))
    axes.axvline(1, color=INK, linewidth=1)
    for effect in fitted.itertuples():
        marker, lift, _ = EFFECTS[effect.effect]
        y, certain = rows.index(effect.property) + lift, effect.p_value < SIGNIFICANT
        line, edge, face = (SKY, BLUE, BLUE) if certain else (FAINT, GREY, "white")
        axes.plot([effect.interval_low, effect.interval_high], [y, y], color=line, linewidth=2)
        axes.plot(effect.odds_ratio, y, marker, color=edge, markerfacecolor=face, markersize=7)
    ends = np.log(fitted[["interval_low", "interval_high"]].to_numpy(float))
    reach = np.exp(np.clip(1.1 * np.abs(ends).max(initial=0), np.log(2.2), np.log(RATIOS[-1])))
    axes.set_xscale("log")
    axes.set(xlim=(1 / reach, reach), ylim=(-0.6, len(rows) - 0.4))
    axes.xaxis.set_major_locator(FixedLocator(RATIOS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(plain_numbers)
    axes.set_xlabel("odds ratio: factor on the odds of an error (95 % interval)")
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    first = effects.drop_duplicates("property").set_index("property")
    axes.set_yticks(range(len(rows)), [_label(first.loc[name]) for name in rows])
    for row, (name, label) in enumerate(zip(rows, axes.get_yticklabels(), strict=True)):
        certain = name in significant
        label.set(color=INK if certain else GREY, weight="bold" if certain else "normal")
        if note := first.loc[name, "note"]:
            axes.text(
                1 / reach,
                row,
                f"  not in the model: {note}",
                va="center",
                color=GREY,
                style="italic",
            )
    _legend(axes, set(fitted["effect"]))


def _label(effect: pd.Series) -> str:
    title = next(item.title for item in PROPERTIES if item.name == effect.name)
    if effect["effect"] in ("", "present"):
        return title
    return f"{title} (SD {effect['standard_deviation']:.2g} {effect['unit']})"


def _legend(axes: Axes, effects: set[str]) -> None:
    looks: dict[str, Any] = {"color": SKY, "markerfacecolor": BLUE, "markeredgecolor": BLUE}
    marks = [
        Line2D([], [], marker=marker, label=text, **looks)
        for effect, (marker, _, text) in EFFECTS.items()
        if effect in effects
    ]
    if marks:
        looks = {"color": FAINT, "markerfacecolor": "white", "markeredgecolor": GREY}
        marks.append(Line2D([], [], marker="o", label="hollow: not significant", **looks))
        axes.legend(handles=marks, loc="upper center", bbox_to_anchor=(0.4, -0.13), ncols=2)


def _points(axes: Axes, item: Property, groups: pd.DataFrame) -> None:
    """Error rates of the groups of one property."""
    around = groups[["interval_low", "interval_high"]].sub(groups["error_rate"], axis=0).abs()
    axes.errorbar(
        groups["median"],
        groups["error_rate"],
        around.to_numpy().T,
        fmt="o",
        color=BLUE,
        ecolor=SKY,
        elinewidth=2,
        markersize=5,
    )
    axes.margins(x=0.12)
    unit = f" ({item.unit})" if item.unit else ""
    axes.set_xlabel(textwrap.fill(item.title + unit, 22))
    if groups.empty:
        axes.set_xticks([])
        return
    if item.scale == "flag":
        axes.set_xticks([0, 1], ["no", "yes"])
        axes.set_xlim(-0.7, 1.7)
    elif len(groups) == 1:
        axes.set_xticks(groups["median"], groups["group"])
    elif item.scale == "linear":
        axes.xaxis.set_major_locator(MaxNLocator(4))
    else:
        scale = {"value": "log"} if item.scale == "log" else {"value": "symlog", "linthresh": 1}
        axes.set_xscale(**scale)
        axes.xaxis.set_major_locator(FixedLocator(TICKS[item.scale]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(grouped_numbers)
    small: dict[str, Any] = {"size": 8, "color": GREY, "bbox": PAPER}
    counts = groups["recordings"]
    if len(groups) <= 3:
        for x, y, count in zip(groups["median"], groups["interval_high"], counts, strict=True):
            axes.annotate(
                f"{count:,}", (x, y), (0, 3), textcoords="offset points", ha="center", **small
            )
    else:
        each = " to ".join(dict.fromkeys([f"{counts.min():,}", f"{counts.max():,}"]))
        axes.text(0.98, 1, f"{each} each", transform=axes.transAxes, ha="right", va="top", **small)

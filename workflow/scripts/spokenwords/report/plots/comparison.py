"""Plots that compare runs: metrics, words, learning curves, and differences in pairs.

Tables are those of `evaluation.comparison`. Runs are in the catalogue's order; each has its own
colour, marker and line style.
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from spokenwords.evaluation.intervals import SIGNIFICANT
from spokenwords.report.plots.style import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    SKY,
    VERMILION,
    heading,
    one_panel,
    plain_numbers,
    shortened,
    style,
)

# Their numbers have no common divisor: only the 421st run looks like the first.
_COLOURS = (BLUE, VERMILION, GREEN, ORANGE, SKY, "#cc79a7", INK)
_MARKERS = ("o", "s", "^", "D", "v", "P", "<", "X", ">", "p", "*", "h")
_LINES = ("-", "--", "-.", ":", (0, (8, 2)))

_MEASURES = (
    ("accuracy", "test accuracy (%)", 100, ".1f", " %"),
    ("loss", "test loss (cross-entropy)", 1, ".3f", ""),
    ("macro_f1", "test macro F1 (0 to 1)", 1, ".3f", ""),
)
_STARS = ((0.001, "***"), (0.01, "**"), (SIGNIFICANT, "*"))
_MOST_WORDS = 60  # more rows are illegible
_LEGIBLE_CELLS = 20  # with more runs, a cell of a pair has no room for a number
_SMALLEST_SCALE = 5  # percentage points, so that small differences look small


@style()
def measures(runs: pd.DataFrame, seeds: pd.DataFrame, published: Mapping[str, float]) -> Figure:
    """Accuracy, loss and macro F1, one row per run of the catalogue: mean, each seed's interval.

    `published` has accuracies (0 to 1) to compare with, by run, or none.
    """
    published = {run: value for run, value in published.items() if run in set(seeds["run"])}
    most, splits = seeds["seeds"].max(), runs["split"].nunique() > 1
    height = 0.3 + 0.1 * min(most, 5) + 0.1 * (splits or bool(published))
    figure = Figure(figsize=(10, height * len(seeds) + 1.5), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True, width_ratios=(5, 4, 4))
    for panel, (measure, label, factor, digits, unit) in zip(panels, _MEASURES, strict=True):
        columns = [f"{measure}_low", measure, f"{measure}_high"]
        for place, row in enumerate(seeds.to_dict("records")):
            each = runs.loc[runs["run"] == row["run"]].set_index("name")[columns]
            mean, spread = (factor * row[f"{measure}_{name}"] for name in ("mean", "sd"))
            _draw_run(panel, place, row["run"], mean, factor * each)
            text = f"{mean:{digits}}{unit}"
            text += "" if np.isnan(spread) else f" ± {spread:{digits}}"
            if measure == "accuracy" and row["run"] in published:
                value = 100 * published[row["run"]]
                panel.plot([value, value], [place - 0.4, place + 0.4], color=INK, zorder=1.5)
                text += f"\npublished {value:.4g} %"
            panel.text(
                1.03, place, text, size=9, va="center", transform=panel.get_yaxis_transform()
            )
        for edge in range(1, len(seeds)):
            panel.axhline(edge - 0.5, color=FAINT, linewidth=0.6)
        panel.set_xlabel(label)
        panel.xaxis.set_major_locator(MaxNLocator(4))
        panel.margins(x=0.08)
        panel.grid(axis="y", visible=False)
        panel.tick_params(axis="y", length=0)
    split = runs.drop_duplicates("run").set_index("run")["split"]
    names = [_label(run) for run in seeds["run"]]
    if splits:
        names = [f"{_label(run)}\nsplit {shortened(split[run])}" for run in seeds["run"]]
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    note = "Bars: 95 % intervals over the speakers of the test recordings."
    if most > 1:
        note = (
            "Filled: mean over seeds ± standard deviation. Hollow: each seed, with its 95 % "
            "interval over the speakers of the test recordings."
        )
    note += " Vertical line: published accuracy." if published else ""
    note += " Splits have different test recordings." if splits else ""
    heading(panels[0], "Metrics of the runs", note, GREY)
    return figure


def _draw_run(panel: Axes, place: int, run: str, mean: float, seeds: pd.DataFrame) -> None:
    """Mark a run's mean and, below it, its seeds: rows of low, value and high, by name."""
    look, several = _look(place), len(seeds) > 1
    levels = np.linspace(place + 0.02, place + 0.34, len(seeds)) if several else [place]
    for y, (name, low, value, high) in zip(levels, seeds.itertuples(), strict=True):
        panel.plot([low, high], [y, y], color=look["color"], linewidth=1.2, label=name)
        panel.plot(value, y, **look, markersize=4, markerfacecolor="white")
    panel.plot(mean, place - (0.2 if several else 0), **look, markersize=8, label=run)


@style()
def words(table: pd.DataFrame) -> Figure:
    """Recall of each word by each run, sorted by the difference of the best and the first run.

    The best is the other run with the highest mean recall. With one run, words are sorted by its
    recall. With more than 60 words, the first and the last 30 are shown.
    """
    order = list(dict.fromkeys(table["run"]))
    recall = 100 * table.pivot(index="word", columns="run", values="recall")[order]
    first, *others = order
    best = recall[others].mean().idxmax() if others else first
    sorting = {"by": "difference" if others else "recall", "ascending": False, "kind": "stable"}
    rows = table[table["run"] == best].sort_values(**sorting)
    left_out = len(rows) - _MOST_WORDS
    if left_out > 0:
        rows = pd.concat([rows[: _MOST_WORDS // 2], rows[-_MOST_WORDS // 2 :]])
    recall = recall.loc[rows["word"]]
    columns = 120 // (8 + max(len(_label(run)) for run in order))
    key = 16 * np.ceil(len(order) / columns)  # the legend's height, points
    figure = Figure(figsize=(10, 0.27 * len(rows) + 1.8 + key / 72), layout="constrained")
    axes = figure.subplots()
    for place, run in enumerate(order):
        main = run in (first, best)
        axes.plot(recall[run], range(len(rows)), **_look(place), label=_label(run))
        axes.lines[-1].set(markersize=8 if main else 5, zorder=3 if main else 2)
    for y, row in enumerate(rows.itertuples() if others else ()):
        ends, colour = recall.loc[row.word, [first, best]], BLUE if row.difference > 0 else ORANGE
        axes.plot(ends, [y, y], color=colour, alpha=0.35, linewidth=5, zorder=1.5)
        axes.lines[-1].set_solid_capstyle("butt")
        text = _points(100 * row.difference) + ("*" if row.p_holm < SIGNIFICANT else "")
        axes.text(1.01, y, text, va="center", transform=axes.get_yaxis_transform())
    axes.set_yticks(range(len(rows)), [shortened(word) for word in rows["word"]])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set(xlabel="recall (%)", ylabel="word")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2)
    title, note = "Recall of each word", ""
    if others:
        title = "Recall of each word, by run"
        note = f"Numbers: recall of {_label(best)} minus that of {_label(first)}, percentage points"
        note += (
            f"; * p < {SIGNIFICANT} (exact test over speakers, Holm)."
            if rows["p_value"].notna().any()
            else ", on different test recordings."
        )
    if left_out > 0:
        note += f" Not shown: {left_out:,} words between the first and last {_MOST_WORDS // 2}."
    heading(axes, title, note.strip(), GREY, distance=10 + key)
    return figure


@style()
def histories(logs: Mapping[str, pd.DataFrame], runs: pd.DataFrame) -> Figure:
    """Validation loss and accuracy over the epochs, one line per concrete run.

    The selected epoch is marked. `logs` has the log of each concrete run: epoch, set (train,
    valid), loss, accuracy (0 to 1).
    """
    figure = Figure(figsize=(10, 8), layout="constrained")
    panels = figure.subplots(2, 1, sharex=True)
    handles = []
    for place, (run, seeds) in enumerate(runs.groupby("run", sort=False)):
        look, dashes = _look(place), _LINES[place % len(_LINES)]
        width = 1.6 if len(seeds) == 1 else 1
        line = {"color": look["color"], "linestyle": dashes, "linewidth": width}
        for name, epoch in zip(seeds["name"], seeds["kept_epoch"], strict=True):
            rows = logs[name][logs[name]["set"] == "valid"].sort_values("epoch")
            selected = rows[rows["epoch"] == epoch]
            for panel, measure in zip(panels, ("loss", "accuracy"), strict=True):
                panel.plot(rows["epoch"], rows[measure], **line, label=name)
                panel.plot(selected["epoch"], selected[measure], **look, zorder=3)
                panel.lines[-1].set(markersize=8, markerfacecolor="white", markeredgewidth=1.6)
        key = look | {"linestyle": dashes, "markerfacecolor": "white", "label": _label(run)}
        handles += panels[0].plot([], [], **key)
    panels[0].set_yscale("log")
    panels[0].yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    panels[0].yaxis.set_major_formatter(plain_numbers)
    panels[0].yaxis.set_minor_formatter(NullFormatter())
    panels[0].set_ylabel("validation loss (cross-entropy, log scale)")
    panels[1].set(xlabel="epoch", ylabel="validation accuracy (share)")
    panels[1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    figure.legend(handles=handles, loc="outside right upper", handlelength=3.5)
    heading(panels[0], "Training of the runs", "Marked: the selected epochs.", GREY)
    return figure


@style()
def pairs(table: pd.DataFrame, runs: pd.DataFrame) -> Figure:
    """Differences in accuracy between all concrete runs, and their significance.

    With up to 20 runs the cells contain numbers, with more only the marks of significance.
    """
    names, n = list(runs["name"]), len(runs)
    if n == 1:
        figure, axes = one_panel("Differences between runs", (10, 1.4))
        axes.text(0, 0.5, f"{names[0]} is the only run: there is nothing to compare.", color=GREY)
        axes.axis("off")
        return figure
    leads, marks = np.full((n, n), np.nan), np.full((n, n), "", dtype=object)
    for row in table.itertuples():
        i, j = names.index(row.first), names.index(row.second)
        leads[j, i], leads[i, j] = 100 * row.difference, -100 * row.difference
        marks[i, j] = marks[j, i] = next((s for level, s in _STARS if row.p_holm < level), "")
    side = float(np.clip(0.8 * n, 2, 7))
    cell = 72 * side / n  # points
    labels = [_label(run) + name.removeprefix(run) for run, name in runs[["run", "name"]].values]
    longest = 0.08 * max(map(len, labels))  # inches
    upright = 72 * longest > cell
    size = (max(side + longest + 2, 6), side + 1.2 + (longest if upright else 0))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.grid(False)
    limit = np.nanmax(np.abs(leads), initial=_SMALLEST_SCALE)
    mesh = axes.pcolormesh(leads, cmap="PuOr", vmin=-limit, vmax=limit, edgecolors="white")
    _write_cells(axes, leads, marks, cell, limit)
    # A wider gap separates runs of the catalogue; their seeds are closer.
    for edge in np.flatnonzero(runs["run"] != runs["run"].shift())[1:]:
        axes.axhline(edge, color="white", linewidth=3)
        axes.axvline(edge, color="white", linewidth=3)
    axes.set(aspect="equal", xlabel="minus that of this run", ylabel="accuracy of this run")
    axes.set_xticks(np.arange(n) + 0.5, labels, rotation=90 if upright else 0)
    axes.set_yticks(np.arange(n) + 0.5, labels)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(mesh, ax=axes, shrink=min(1, 5 / side))
    bar.set_label("difference (percentage points)")
    bar.outline.set_visible(False)
    levels = ", ".join(f"{stars} p < {level}" for level, stars in reversed(_STARS))
    note = f"{levels}: exact test over speakers, adjusted for all pairs (Holm)."
    note += "" if n <= _LEGIBLE_CELLS else " Hatched: different test sets."
    heading(axes, "Differences between runs", note, GREY)
    return figure


def _write_cells(
    axes: Axes, leads: np.ndarray, marks: np.ndarray, cell: float, limit: float
) -> None:
    """Write numbers and marks into cells of `cell` points; NaN means different test sets."""
    numbers = len(leads) <= _LEGIBLE_CELLS
    for i, j in product(range(len(leads)), repeat=2):
        text, size, colour = marks[i, j], 0.5 * cell, INK
        if i == j:
            continue
        if np.isnan(leads[i, j]):
            text, hatch = ("other\ntest\nset", None) if numbers else ("", "////")
            box = Rectangle(
                (j, i), 1, 1, facecolor="#f0f0f0", edgecolor=FAINT, linewidth=0, hatch=hatch
            )
            axes.add_patch(box)
            size = 0.22 * cell
        elif numbers:
            text, size = f"{_points(leads[i, j])}\n{text}".strip(), 0.26 * cell
        if abs(leads[i, j]) > 0.6 * limit:
            colour = "white"
        middle: dict[str, Any] = {"ha": "center", "va": "center"}
        axes.text(j + 0.5, i + 0.5, text, size=min(size, 10), color=colour, **middle)


def _look(place: int) -> dict:
    """The marker of the run at this place of the catalogue."""
    marker = _MARKERS[place % len(_MARKERS)]
    return {"color": _COLOURS[place % len(_COLOURS)], "marker": marker, "linestyle": "none"}


def _label(run: str) -> str:
    """A run's name; a long one is cut in the middle, because names often differ at the end."""
    return run if len(run) <= 28 else f"{run[:14]}…{run[-13:]}"


def _points(difference: float) -> str:
    """A difference in percentage points, signed: +1.2, −0.3, 0.0; empty for NaN."""
    if np.isnan(difference):
        return ""
    text = f"{difference:+z.1f}".replace("-", "−")
    return "0.0" if text == "+0.0" else text

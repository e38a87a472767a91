"""Plots of runs side by side: how well they do, on which words, how they learned, and in pairs.

Tables are those of `spokenwords.comparison`. Runs keep the catalogue's order, and each its colour,
marker and line style.
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

from spokenwords.evaluation.comparison import LEVEL
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

# Numbers without a common divisor: 420 runs pass before two look the same.
_COLOURS = (BLUE, VERMILION, GREEN, ORANGE, SKY, "#cc79a7", INK)
_MARKERS = ("o", "s", "^", "D", "v", "P", "<", "X", ">", "p", "*", "h")
_LINES = ("-", "--", "-.", ":", (0, (8, 2)))

_MEASURES = (
    ("accuracy", "test accuracy (%)", 100, ".1f", " %"),
    ("loss", "test loss (cross-entropy)", 1, ".3f", ""),
    ("macro_f1", "test macro F1 (0 to 1)", 1, ".3f", ""),
)
_STARS = ((0.001, "***"), (0.01, "**"), (LEVEL, "*"))
_MOST_WORDS = 60  # rows of more could not be read
_LEGIBLE_CELLS = 20  # runs, up to which a cell of their pairs has room for a figure
_SMALLEST_SCALE = 5  # percentage points: what differs by a fraction of one looks like it


@style()
def measures(runs: pd.DataFrame, seeds: pd.DataFrame, published: Mapping[str, float]) -> Figure:
    """Accuracy, loss and macro F1, a row a run of the catalogue: mean, and each seed's interval.

    `published` gives accuracies (0 to 1) to compare with, by run, or none.
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
            beside = panel.get_yaxis_transform()
            panel.text(1.03, place, text, size=9, va="center", transform=beside)
        for edge in range(1, len(seeds)):
            panel.axhline(edge - 0.5, color=FAINT, linewidth=0.6)
        panel.set_xlabel(label)
        panel.xaxis.set_major_locator(MaxNLocator(4))
        panel.margins(x=0.08)
        panel.grid(axis="y", visible=False)
        panel.tick_params(axis="y", length=0)
    split = runs.drop_duplicates("run").set_index("run")["split"]
    names = [_label(run) + f"\nsplit {shortened(split[run])}" * splits for run in seeds["run"]]
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    note = "Bars: 95 % intervals over the speakers of the test recordings."
    if most > 1:
        note = (
            "Filled: the mean over seeds, ± their standard deviation. Hollow: each seed, with its "
            "95 % interval over the speakers of the test recordings."
        )
    note += " Upright line: as published." if published else ""
    note += " Each split has test recordings of its own." if splits else ""
    heading(panels[0], "How well the runs do", note, GREY)
    return figure


def _draw_run(panel: Axes, place: int, run: str, mean: float, seeds: pd.DataFrame) -> None:
    """Mark a run's mean and, beneath it, its seeds: a row each of low, value and high, by name."""
    look, several = _look(place), len(seeds) > 1
    levels = np.linspace(place + 0.02, place + 0.34, len(seeds)) if several else [place]
    for y, (name, low, value, high) in zip(levels, seeds.itertuples(), strict=True):
        panel.plot([low, high], [y, y], color=look["color"], linewidth=1.2, label=name)
        panel.plot(value, y, **look, markersize=4, markerfacecolor="white")
    panel.plot(mean, place - 0.2 * several, **look, markersize=8, label=run)


@style()
def words(table: pd.DataFrame) -> Figure:
    """Recall of each word by each run; sorted by what the best of the others gained on the first.

    The best is the run of highest mean recall. With one run, words are sorted by its recall. Of
    more than 60 words the first and the last are drawn.
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
        text = _points(100 * row.difference) + "*" * (row.p_holm < LEVEL)
        axes.text(1.01, y, text, va="center", transform=axes.get_yaxis_transform())
    axes.set_yticks(range(len(rows)), [shortened(word) for word in rows["word"]])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set(xlabel="recall (%)", ylabel="word")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2)
    title, note = "How well each word is recognised", ""
    if others:
        title = "Which words gained and lost"
        note = f"Figures: recall of {_label(best)} minus that of {_label(first)}, percentage points"
        note += (
            f"; * p < {LEVEL} (exact test over speakers, Holm)."
            if rows["p_value"].notna().any()
            else ", on other test recordings."
        )
    if left_out > 0:
        note += f" Left out: {left_out:,} words between the {_MOST_WORDS // 2} at either end."
    heading(axes, title, note.strip(), GREY, distance=10 + key)
    return figure


@style()
def histories(logs: Mapping[str, pd.DataFrame], runs: pd.DataFrame) -> Figure:
    """Validation loss and accuracy over the epochs, a line a concrete run, the epoch kept marked.

    `logs` has each one's log: epoch, set (train, valid), loss, accuracy (0 to 1).
    """
    figure = Figure(figsize=(10, 8), layout="constrained")
    panels = figure.subplots(2, 1, sharex=True)
    handles = []
    for place, (run, seeds) in enumerate(runs.groupby("run", sort=False)):
        look, dashes = _look(place), _LINES[place % len(_LINES)]
        width = 1.6 if len(seeds) == 1 else 1
        line = {"color": look["color"], "linestyle": dashes, "linewidth": width}
        for name, kept_epoch in zip(seeds["name"], seeds["kept_epoch"], strict=True):
            rows = logs[name][logs[name]["set"] == "valid"].sort_values("epoch")
            kept = rows[rows["epoch"] == kept_epoch]
            for panel, measure in zip(panels, ("loss", "accuracy"), strict=True):
                panel.plot(rows["epoch"], rows[measure], **line, label=name)
                panel.plot(kept["epoch"], kept[measure], **look, zorder=3)
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
    note = "Marked: the epochs whose weights are kept."
    heading(panels[0], "How the runs learned", note, GREY)
    return figure


@style()
def pairs(table: pd.DataFrame, runs: pd.DataFrame) -> Figure:
    """Each concrete run's accuracy minus each other's, and whether that may be chance.

    Up to 20 runs the cells hold figures, beyond that only the marks of significance.
    """
    names, n = list(runs["name"]), len(runs)
    if n == 1:
        figure, axes = one_panel("Which runs differ", (10, 1.4))
        axes.text(0, 0.5, f"There is one run, {names[0]}: nothing to compare it with.", color=GREY)
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
    size = (max(side + longest + 2, 6), side + 1.2 + longest * upright)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.grid(False)
    limit = np.nanmax(np.abs(leads), initial=_SMALLEST_SCALE)
    mesh = axes.pcolormesh(leads, cmap="PuOr", vmin=-limit, vmax=limit, edgecolors="white")
    _write_cells(axes, leads, marks, cell, limit)
    # Between runs of the catalogue a wider gap than between the seeds of one.
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
    note += "" if n <= _LEGIBLE_CELLS else " Hatched: other test set."
    heading(axes, "Which runs differ", note, GREY)
    return figure


def _write_cells(
    axes: Axes, leads: np.ndarray, marks: np.ndarray, cell: float, limit: float
) -> None:
    """Write into cells of `cell` points what they show; NaN is a pair with other test sets."""
    figures = len(leads) <= _LEGIBLE_CELLS
    for i, j in product(range(len(leads)), repeat=2):
        text, size, colour = marks[i, j], 0.5 * cell, INK
        if i == j:
            continue
        if np.isnan(leads[i, j]):
            text, hatch = ("other\ntest\nset", None) if figures else ("", "////")
            box = Rectangle(
                (j, i), 1, 1, facecolor="#f0f0f0", edgecolor=FAINT, linewidth=0, hatch=hatch
            )
            axes.add_patch(box)
            size = 0.22 * cell
        elif figures:
            text, size = f"{_points(leads[i, j])}\n{text}".strip(), 0.26 * cell
        if abs(leads[i, j]) > 0.6 * limit:
            colour = "white"
        middle: dict[str, Any] = {"ha": "center", "va": "center"}
        axes.text(j + 0.5, i + 0.5, text, size=min(size, 10), color=colour, **middle)


def _look(place: int) -> dict:
    """How the run at this place of the catalogue is marked."""
    marker = _MARKERS[place % len(_MARKERS)]
    return {"color": _COLOURS[place % len(_COLOURS)], "marker": marker, "linestyle": "none"}


def _label(run: str) -> str:
    """A run's name; of a long one both ends, since names often differ in the last."""
    return run if len(run) <= 28 else f"{run[:14]}…{run[-13:]}"


def _points(difference: float) -> str:
    """A difference in percentage points, signed: +1.2, −0.3, 0.0; nothing where there is none."""
    if np.isnan(difference):
        return ""
    text = f"{difference:+z.1f}".replace("-", "−")
    return "0.0" if text == "+0.0" else text

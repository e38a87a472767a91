"""The plots of recordings, spectrograms and training: data in, a matplotlib figure out.

No state is shared: figures are made without pyplot, and the style holds only while one is made or
saved.
"""

import textwrap
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import blended_transform_factory

# Okabe and Ito's palette, told apart with every common kind of colour vision.
BLUE, SKY, ORANGE, VERMILION, GREEN = "#0072b2", "#56b4e9", "#e69f00", "#d55e00", "#009e73"
INK, GREY, FAINT = "#222222", "#767676", "#c4c4c4"

# Asked in turn for a character that the first one lacks; in an SVG the reader's own fonts serve.
_FONTS = ("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Hiragino Sans", "Microsoft YaHei")

_STYLE = {
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,  # a word may hold dollar signs
    "figure.dpi": 100,
    "figure.titlesize": 12,
    "figure.titleweight": "bold",
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.h_pad": 0.08,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e8e8e8",
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "svg.fonttype": "none",  # text stays text: searchable, and drawn in the reader's fonts
    "svg.hashsalt": "spoken-words",  # the same ids each time
}

_plain_numbers = FuncFormatter(lambda value, _: f"{value:g}")


def style() -> AbstractContextManager:
    """The context (also a decorator) in which every figure is made and saved."""
    installed = set(font_manager.get_font_names())
    fonts = [name for name in _FONTS if name in installed]
    return rc_context(_STYLE | {"font.family": [*fonts, "sans-serif"]})


def save(figure: Figure, *paths: str | Path) -> None:
    """Write `figure` to each path, SVG or PNG (100 pixels an inch) by its suffix.

    The same figure gives the same bytes each time: no date is written.
    """
    with style():
        for path in map(Path, paths):
            if path.suffix == ".svg":
                figure.savefig(path, dpi=200, metadata={"Date": None})  # images in it: 200 an inch
            else:
                figure.savefig(path, dpi=100)


def confusion_matrix(confusion: pd.DataFrame) -> pd.DataFrame:
    """The table of pairs (target, prediction, count) squared: rows targets, columns predictions.

    Words stand in the table's order. Raises ValueError if a pair is there twice or there is no
    recording at all.
    """
    table = confusion.astype({"target": str, "prediction": str})
    words = pd.unique(pd.concat([table["target"], table["prediction"]]))
    square = table.pivot(index="target", columns="prediction", values="count")
    square = square.reindex(index=words, columns=words).fillna(0).astype(int)
    if square.to_numpy().sum() == 0:
        raise ValueError("The confusion table counts no recording.")
    return square


def shortened(word: str, length: int = 20) -> str:
    """`word`, cut with an ellipsis where it is longer than `length` characters."""
    return word if len(word) <= length else word[: length - 1] + "…"


@style()
def history(log: pd.DataFrame, best_epoch: int, note: str = "") -> Figure:
    """Loss and accuracy of both sets over the epochs, the learning rate in a strip beneath.

    `log` has a row an epoch and set (train, valid): epoch, set, loss, accuracy (0 to 1),
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
            best = rows[rows["epoch"] == best_epoch]
            if name == "valid" and len(best):
                text = f"valid at the best epoch ({best_epoch}): {best[measure].iloc[0]:.3f}"
                panel.plot(best["epoch"], best[measure], "o", color=colour, label=text)
                panel.lines[-1].set(markersize=9, markerfacecolor="white", markeredgewidth=2)
        panel.set_ylabel("accuracy (share)" if measure == "accuracy" else "loss (cross-entropy)")
        panel.legend(loc="best")
    rates = log[log["set"] == "train"].sort_values("epoch")
    panels[2].plot(rates["epoch"], rates["learning_rate"], "o-", color=FAINT, markersize=3)
    panels[2].fill_between(rates["epoch"], rates["learning_rate"], color=FAINT, alpha=0.4)
    panels[2].set_ylabel("learning\nrate")
    panels[2].yaxis.set_major_locator(MaxNLocator(2))
    panels[2].yaxis.set_major_formatter(_plain_numbers)
    panels[2].set_ylim(bottom=0)
    panels[2].set_xlabel("epoch")
    panels[2].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    for panel in panels:
        panel.axvline(best_epoch, color=INK, linewidth=1, linestyle=":")
    return figure


@style()
def learning_rates(rates: pd.DataFrame, suggested: float | None, used: float | None) -> Figure:
    """The loss while the learning rate grew batch by batch, the suggested and the used rate marked.

    `rates` has a row a batch: batch, learning_rate, loss, smoothed_loss. A rate that is None has no
    mark.
    """
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    heading(axes, "Loss while the learning rate grows batch by batch")
    axes.plot(
        rates["learning_rate"], rates["loss"], color=SKY, linewidth=1, alpha=0.6, label="each batch"
    )
    axes.plot(rates["learning_rate"], rates["smoothed_loss"], color=BLUE, label="smoothed")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(_plain_numbers)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="learning rate (log scale)", ylabel="loss (cross-entropy)")
    axes.legend(loc="lower left")

    # Where the loss explodes it may leave the frame: what comes before is what matters.
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
    # The labels stand above the frame in two rows, both on the side with more room: neither
    # covers the other or the other's line, however close the two rates are.
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


@style()
def confusion(confusion: pd.DataFrame, note: str = "") -> Figure:
    """The confusion table (target, prediction, count) as a heat map, each row's shares in per cent.

    Counts are printed in the cells up to 40 words. The scale is the share's power 0.4, so that
    confusions of a few per cent show beside the diagonal.
    """
    square = confusion_matrix(confusion)
    words, counts, n = [shortened(word) for word in square], square.to_numpy(), len(square)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = float(np.clip(0.33 * n, 2.5, 13))
    figure = Figure(figsize=(side + 2.6, side + 1.7), layout="constrained")
    axes = figure.subplots()
    axes.grid(False)
    norm = PowerNorm(0.4, vmin=0, vmax=100)
    mesh = axes.pcolormesh(shares, cmap="Blues", norm=norm, edgecolors="white", linewidth=0.5)
    axes.set(aspect="equal", xlabel="prediction", ylabel="target (word spoken)")
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
    bar.ax.yaxis.set_major_formatter(_plain_numbers)
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    bar.set_label("share of the target's recordings (%)")
    heading(axes, "What each word was taken for", note)
    return figure


@style()
def waveform(samples: np.ndarray, sample_rate: int, title: str) -> Figure:
    """The recording `samples` [N] (full scale 1) at `sample_rate` (Hz) over time."""
    figure, axes = _one_panel(title, (9, 3))
    axes.plot(np.arange(len(samples)) / sample_rate, samples, color=BLUE, linewidth=0.6)
    axes.set(xlabel="time (s)", ylabel="amplitude (full scale = 1)")
    axes.margins(x=0)
    return figure


@style()
def fourier_magnitude(samples: np.ndarray, sample_rate: int, title: str) -> Figure:
    """The magnitude of the DFT of all `samples` [N], from 0 Hz to half of `sample_rate` (Hz)."""
    figure, axes = _one_panel(title, (9, 3))
    magnitude = np.abs(np.fft.rfft(samples))
    frequency = np.fft.rfftfreq(len(samples), 1 / sample_rate)
    axes.plot(frequency, magnitude, color=BLUE, linewidth=0.6)
    axes.set(xlabel="frequency (Hz)", ylabel="magnitude (full scale = 1)")
    axes.set_xlim(0, sample_rate / 2)
    axes.set_ylim(bottom=0)
    return figure


@style()
def spectrogram(
    magnitudes: np.ndarray, frequency: np.ndarray, time: np.ndarray, title: str
) -> Figure:
    """Square roots of `magnitudes` [F, T] over `time` [T] (s) and `frequency` [F] (Hz, log scale).

    0 Hz has no place on a log scale and is left out.
    """
    figure, axes = _one_panel(title, (9, 5))
    values = np.sqrt(np.asarray(magnitudes, dtype=np.float32))
    audible = frequency > 0
    mesh = _time_frequency(axes, values[audible], frequency[audible], time, "viridis", vmin=0)
    axes.set_yscale("log")
    axes.set_ylabel("frequency (Hz, log scale)")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    figure.colorbar(mesh, ax=axes, label="√magnitude").outline.set_visible(False)
    return figure


@style()
def complex_spectrogram(
    values: np.ndarray, frequency: np.ndarray, time: np.ndarray, title: str
) -> Figure:
    """Real and imaginary part of `values` [2, F, T] over `time` [T] (s) and `frequency` [F] (Hz).

    One scale for both, symmetric about 0; the 0.5 % of values farthest from 0 stand at its ends.
    """
    figure = Figure(figsize=(12, 5), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    heading(panels[0], title)
    values = np.asarray(values, dtype=np.float32)
    limit = float(np.quantile(np.abs(values), 0.995)) or 1.0
    for panel, part, name in zip(panels, values, ("real part", "imaginary part"), strict=True):
        mesh = _time_frequency(panel, part, frequency, time, "PuOr", vmin=-limit, vmax=limit)
        panel.set_title(name)
    panels[1].set_ylabel("")
    bar = figure.colorbar(mesh, ax=panels, extend="both", label="STFT value (full scale = 1)")
    bar.outline.set_visible(False)
    return figure


def _one_panel(title: str, size: tuple[float, float]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    heading(axes, title)
    return figure, axes


def _time_frequency(axes: Axes, values, frequency, time, cmap: str, **limits):
    # An image inside the SVG: as separate shapes the cells would be 25,000.
    mesh = axes.pcolormesh(time, frequency, values, cmap=cmap, rasterized=True, **limits)
    axes.set(xlabel="time (s)", ylabel="frequency (Hz)")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(False)
    return mesh


def heading(
    axes: Axes, title: str, text: str = "", colour: str = VERMILION, distance: float = 6
) -> None:
    """Set the figure's title and, `distance` points above `axes`, one line or more of `text`.

    Both begin at the figure's left edge.
    """
    figure = axes.get_figure()
    figure.suptitle(title, x=0.01, ha="left")
    if text:
        width = int(figure.get_figwidth() * 13)  # characters of this size, in inches
        above = axes.set_title(textwrap.fill(text, width), color=colour, pad=distance)
        place = axes.transAxes + axes.titleOffsetTrans
        above.set(x=0.01, transform=blended_transform_factory(figure.transFigure, place))

"""The common style of all plots, and how they are saved.

No state is shared: figures are made without pyplot, and the style is set only while a figure is
made or saved.
"""

import io
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from matplotlib.transforms import blended_transform_factory

from spokenwords.report.plots import fonts

# Okabe and Ito's palette, distinguishable with every common kind of colour vision.
BLUE, SKY, ORANGE, VERMILION, GREEN = "#0072b2", "#56b4e9", "#e69f00", "#d55e00", "#009e73"
INK, GREY, FAINT = "#222222", "#767676", "#c4c4c4"

# Part of Matplotlib. Installed fonts add the characters that it lacks, see fonts.py.
_FONT = "DejaVu Sans"

_STYLE: dict[Any, Any] = {
    "font.family": [_FONT, "sans-serif"],
    "font.size": 10,
    "font.sans-serif": [
        "DejaVu Sans"
    ],  # each text of an SVG lists them; Matplotlib's default has 11
    "text.color": INK,
    "text.parse_math": False,  # a word may contain dollar signs
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
    "svg.fonttype": "none",  # text stays text: searchable, and displayed in the reader's fonts
    "svg.hashsalt": "spoken-words",  # the same ids each time
}

plain_numbers = FuncFormatter(lambda value, _: f"{value:g}")
grouped_numbers = FuncFormatter(lambda value, _: f"{value:,.0f}")


@contextmanager
def style() -> Iterator[None]:
    """Set the style in which every figure is made and saved; also a decorator."""
    with rc_context(_STYLE):
        yield


def save(figure: Figure, *paths: str | Path) -> None:
    """Write `figure` to each path, as SVG or PNG (100 pixels per inch) by its suffix.

    The same figure gives the same bytes each time: no date is written. An SVG shrinks to fit a
    narrower window. Characters without an installed font are reported (`fonts.complete`).
    """
    fonts.complete(figure, _FONT)
    with style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        for path in map(Path, paths):
            if path.suffix == ".svg":
                text = io.StringIO()
                # Rasterised parts have 200 pixels per inch.
                figure.savefig(text, format="svg", dpi=200, metadata={"Date": None})
                shrinking = '<svg style="max-width: 100%; height: auto" '
                drawn = text.getvalue().replace("<svg ", shrinking, 1)
                path.write_text(drawn, encoding="utf-8")
            else:
                figure.savefig(path, dpi=100)


def shortened(word: str, length: int = 20) -> str:
    """`word`, cut with an ellipsis if it is longer than `length` characters."""
    return word if len(word) <= length else word[: length - 1] + "…"


def heading(
    axes: Axes, title: str, text: str = "", colour: str = VERMILION, distance: float = 6
) -> None:
    """Set the figure's title and, `distance` points above `axes`, one or more lines of `text`.

    Both are aligned with the figure's left edge.
    """
    figure = cast(Figure, axes.get_figure())
    figure.suptitle(title, x=0.01, ha="left")
    if text:
        width = int(figure.get_figwidth() * 13)  # characters of this size, in inches
        above = axes.set_title(textwrap.fill(text, width), color=colour, pad=distance)
        place = blended_transform_factory(figure.transFigure, above.get_transform())
        above.set(x=0.01, transform=place)


def one_panel(title: str, size: tuple[float, float]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    heading(axes, title)
    return figure, axes

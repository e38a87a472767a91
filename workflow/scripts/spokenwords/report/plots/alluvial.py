"""The alluvial plot of a confusion table, as an image and as a page that shows counts."""

from typing import Any
from urllib.parse import quote

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline

from spokenwords.evaluation.confusion import OTHERS
from spokenwords.report import pages
from spokenwords.report.plots.alluvial_layout import (
    GAP,
    Alluvial,
    Ribbon,
    Stratum,
    flows,
    percent,
    summary,
)
from spokenwords.report.plots.style import GREY, INK, heading, shortened, style
from spokenwords.wording import counted

CORRECT, CONFUSED = "#cfe1f2", "#7f1d4f"
TITLE = "Predicted words (left) and spoken words (right): dark flows are confusions"

_BAR = 0.012  # width of a bar; the plot is 1 wide


def ribbon_id(target: str, prediction: str) -> str:
    """The SVG id of a ribbon, percent-encoded: any word is allowed."""
    return f"ribbon/{quote(target, safe='')}/{quote(prediction, safe='')}"


@style()
def draw(confusion: pd.DataFrame, smallest_share: float = 0.001, note: str = "") -> Figure:
    """The plot of `confusion` (see `flows`), 1,200 pixels wide; `note` begins the subtitle.

    In the SVG each ribbon has the id `ribbon_id`, each bar `target/<word>` or `prediction/<word>`
    (percent-encoded). All heights are proportional to counts.
    """
    alluvial = flows(confusion, smallest_share)
    figure = Figure(figsize=(12, _inches(alluvial) + 1.2), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(alluvial.height, 0))
    axes.axis("off")
    for ribbon in alluvial.ribbons:
        # A hairline around confusions makes rare, steep ones visible.
        colour, alpha, line = (CORRECT, 1, 0) if ribbon.correct else (CONFUSED, 0.85, 0.5)
        patch = PathPatch(_outline(ribbon), color=colour, alpha=alpha, linewidth=line)
        axes.add_patch(patch).set_gid(ribbon_id(ribbon.target, ribbon.prediction))
    sides = (
        ("prediction", alluvial.predictions, 0, "predicted", "precision"),
        ("target", alluvial.targets, 1, "spoken", "recall"),
    )
    for side, strata, edge, word, share in sides:
        _label(axes, edge, 0, word, share, lift=12, color=GREY)
        for bar in strata:
            corner = (edge - _BAR * edge, bar.y0)
            block = Rectangle(corner, _BAR, bar.y1 - bar.y0, facecolor=INK, linewidth=0)
            axes.add_patch(block).set_gid(f"{side}/{quote(bar.word, safe='')}")
            _label(axes, edge, (bar.y0 + bar.y1) / 2, shortened(bar.word), bar.share, weight="bold")
    heading(axes, TITLE, f"{note} {summary(alluvial)}".strip(), GREY, distance=24)
    return figure


def page(
    template: str, confusion: pd.DataFrame, smallest_share: float = 0.001, note: str = ""
) -> str:
    """The plot as an HTML page that shows counts for the mouse and the keyboard.

    `template` is filled with the data; rows, their order and all heights are those of `draw`.
    """
    alluvial = flows(confusion, smallest_share)
    spoken = {bar.word: bar.count for bar in alluvial.targets}
    data = {
        "summary": f"{note} {summary(alluvial)}".strip(),
        "height": alluvial.height,
        "pixels": round(100 * _inches(alluvial)),
        "ribbons": [
            {
                "left": ribbon.left,
                "right": ribbon.right,
                "correct": ribbon.correct,
                "text": _ribbon_text(ribbon, spoken[ribbon.target]),
            }
            for ribbon in alluvial.ribbons
        ],
        "bars": [
            {
                "side": side,
                "y": (bar.y0, bar.y1),
                "label": shortened(bar.word, 12),
                "share": bar.share,
                "text": _bar_text(side, bar),
            }
            for side, strata in enumerate((alluvial.predictions, alluvial.targets))
            for bar in strata
        ],
    }
    return pages.filled(template, data)


def _label(
    axes: Axes, edge: int, y: float, word: str, number: str, lift: float = 0, **style: Any
) -> None:
    """Write `number` next to the plot's left (0) or right (1) edge, `word` farther out."""
    sign, align = (1, "left") if edge else (-1, "right")
    place: dict[str, Any] = {"textcoords": "offset points", "ha": align, "va": "center"}
    axes.annotate(number, (edge, y), (sign * 6, lift), size=9, color=GREY, **place)
    axes.annotate(word, (edge, y), (sign * 58, lift), **place, **style)


def _bar_text(side: int, bar: Stratum) -> str:
    """The text of a bar; `side` is 0 for predictions and 1 for targets."""
    recordings = counted(bar.count, "recording")
    if bar.word == OTHERS and side:
        return f"{recordings} of other words, predicted as one of the words shown"
    if bar.word == OTHERS:
        return f"{recordings} of the words shown, predicted as other words"
    if side:
        return f"{recordings} of “{bar.word}”, {bar.correct:,} recognised ({bar.share})"
    times = "once" if bar.count == 1 else f"{bar.count:,} times"
    return f"“{bar.word}” was predicted {times}, {bar.correct:,} correctly ({bar.share})"


def _ribbon_text(ribbon: Ribbon, spoken: int) -> str:
    verb = "was" if ribbon.count == 1 else "were"
    fate = "recognised" if ribbon.correct else f"predicted as “{ribbon.prediction}”"
    text = f"{counted(ribbon.count, 'recording')} of “{ribbon.target}” {verb} {fate}"
    # The total number of recordings of the others is unknown.
    if ribbon.target == OTHERS:
        return text
    return f"{text} ({percent(ribbon.count, spoken)} of “{ribbon.target}”)"


def _inches(alluvial: Alluvial) -> float:
    """A height at which each row has room for a line of text."""
    rows = len(alluvial.targets)
    return max(2.5, 0.27 * rows * alluvial.height / (alluvial.total * (1 + GAP)))


def _outline(ribbon: Ribbon) -> Outline:
    """Two curves, horizontal at both ends: the ribbon has the same height everywhere."""
    (a0, a1), (b0, b1) = ribbon.left, ribbon.right
    start, end, middle = _BAR, 1 - _BAR, 0.5
    points = [(start, a0), (middle, a0), (middle, b0), (end, b0)]
    points += [(end, b1), (middle, b1), (middle, a1), (start, a1), (start, a0)]
    curve = [Outline.CURVE4] * 3
    codes = [Outline.MOVETO, *curve, Outline.LINETO, *curve, Outline.CLOSEPOLY]
    return Outline(points, codes)

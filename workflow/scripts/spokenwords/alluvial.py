"""The alluvial plot of a confusion table: predictions on the left flow into targets on the right.

Each word has a row of its own, the same on both sides. Its bars and ribbons are as high as their
recordings are many, so the plot can be measured: heights give the counts back.
"""

from collections import Counter
from dataclasses import dataclass
from html import escape
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline
from plotly import graph_objects

from spokenwords.plots import GREY, INK, confusion_matrix, heading, shortened, style

# Arranging more words would take minutes: the time grows with the fourth power of their number.
MOST_ARRANGED = 60
CORRECT, CONFUSED = "#cfe1f2", "#7f1d4f"
TITLE = "From the predicted word (left) to the word spoken (right): dark flows are confusions"

_BAR = 0.012  # width of a bar; the plot is 1 wide
_ROW = 0.8  # a row's least height and the gap between rows, in mean recordings a word
_GAP = 0.22

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Alluvial plot of confusions</title>
<style>
body {{ font-family: system-ui, sans-serif; color: #222; padding: 12px;
  margin: 0 auto; max-width: 1400px; }}
h1 {{ font-size: 1.1rem; margin: 0 0 .4rem; }}
p {{ font-size: .9rem; margin: 0; color: #555; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{text}</p>
{plot}
</body>
</html>
"""


@dataclass(frozen=True)
class Stratum:
    """A word's bar on one side: all its `count` recordings, of which `correct` stand on both."""

    word: str
    count: int
    correct: int
    y0: float
    y1: float

    @property
    def share(self) -> str:
        """The correct share in per cent: of a target its recall, of a prediction its precision."""
        return _percent(self.correct, self.count) if self.count else "–"


@dataclass(frozen=True)
class Ribbon:
    """The recordings of `target` that were predicted as `prediction`, and where the flow ends."""

    target: str
    prediction: str
    count: int
    left: tuple[float, float]
    right: tuple[float, float]

    @property
    def correct(self) -> bool:
        """Whether it is no confusion."""
        return self.target == self.prediction


@dataclass(frozen=True)
class Alluvial:
    """Where everything stands: y in recordings, downwards from 0 to `height`."""

    predictions: list[Stratum]
    targets: list[Stratum]
    ribbons: list[Ribbon]
    height: float
    total: int
    hidden: int
    smallest_share: float


def flows(confusion: pd.DataFrame, smallest_share: float = 0.001) -> Alluvial:
    """The plot's geometry for the table `confusion` (target, prediction, count: every pair).

    Pairs with fewer recordings than `smallest_share` of all have no ribbon, but strata count them:
    a stratum is as high as all recordings of its word (right) or all predictions of it (left), and
    its ribbons are packed from its top. Words confused with each other get rows near each other,
    words without a confusion shown the last ones.
    Raises ValueError as `confusion_matrix` does.
    """
    square = confusion_matrix(confusion)
    counts = square.to_numpy()
    total = int(counts.sum())
    shown = np.where(counts >= smallest_share * total * (1 - 1e-9), counts, 0)
    alphabet = sorted(range(len(square)), key=lambda i: square.index[i])
    confused = (shown + shown.T - 2 * np.diag(np.diag(shown))).any(axis=1)
    order = _arranged(shown, [i for i in alphabet if confused[i]])
    order += [i for i in alphabet if not confused[i]]
    words = [str(square.index[i]) for i in order]
    counts, shown = counts[np.ix_(order, order)], shown[np.ix_(order, order)]

    sizes = {"targets": counts.sum(axis=1), "predictions": counts.sum(axis=0)}
    mean = total / len(words)
    rows = np.maximum(np.maximum(*sizes.values()), _ROW * mean)
    tops = np.concatenate([[0.0], np.cumsum(rows + _GAP * mean)[:-1]])
    starts = {side: tops + (rows - size) / 2 for side, size in sizes.items()}
    strata = {
        side: [
            Stratum(word, int(size), int(counts[i, i]), float(start), float(start + size))
            for i, (word, size, start) in enumerate(
                zip(words, sizes[side], starts[side], strict=True)
            )
        ]
        for side in sizes
    }
    # A ribbon begins where those of the words above it, on the other side, end.
    right = starts["targets"][:, None] + np.cumsum(shown, axis=1) - shown
    left = starts["predictions"] + np.cumsum(shown, axis=0) - shown
    ribbons = [
        Ribbon(
            words[t],
            words[p],
            int(shown[t, p]),
            (float(left[t, p]), float(left[t, p] + shown[t, p])),
            (float(right[t, p]), float(right[t, p] + shown[t, p])),
        )
        for t, p in np.argwhere(shown)
    ]
    # In the order of drawing: confusions lie above correct ones, rare ones above frequent ones.
    ribbons.sort(key=lambda ribbon: (not ribbon.correct, -ribbon.count))
    return Alluvial(
        **strata,
        ribbons=ribbons,
        height=float(tops[-1] + rows[-1]),
        total=total,
        hidden=total - int(shown.sum()),
        smallest_share=smallest_share,
    )


def _arranged(counts: np.ndarray, order: list[int]) -> list[int]:
    """`order` with each word moved to wherever confusions then run less far, until none gains."""
    if len(order) > MOST_ARRANGED:
        return order
    weights = counts + counts.T
    distances = np.abs(np.subtract.outer(np.arange(len(order)), np.arange(len(order))))

    def length(candidate: list[int]) -> int:
        return int((weights[np.ix_(candidate, candidate)] * distances).sum())

    best, improved = length(order), True
    while improved:
        improved = False
        for word in sorted(order):
            rest = [other for other in order if other != word]
            candidates = [[*rest[:i], word, *rest[i:]] for i in range(len(order))]
            lengths = [length(candidate) for candidate in candidates]
            if min(lengths) < best:
                best, order = min(lengths), candidates[int(np.argmin(lengths))]
                improved = True
    return order


def summary(alluvial: Alluvial) -> str:
    """How many recordings were confused, and which share of them the plot hides."""
    confused = alluvial.total - sum(target.correct for target in alluvial.targets)
    text = (
        f"{confused:,} of {alluvial.total:,} recordings were confused "
        f"({_percent(confused, alluvial.total)})."
    )
    if not alluvial.hidden:
        return f"{text} Every pair that occurs is shown."
    return (
        f"{text} Pairs rarer than 1 in {1 / alluvial.smallest_share:,.4g} are hidden: "
        f"{_percent(alluvial.hidden, alluvial.total)} of recordings."
    )


def ribbon_id(target: str, prediction: str) -> str:
    """The SVG id of a ribbon: no character in it needs escaping, whatever the words are."""
    return f"ribbon/{quote(target, safe='')}/{quote(prediction, safe='')}"


def ribbon_words(ribbon: str) -> tuple[str, str]:
    """Target and prediction of a ribbon's SVG id."""
    target, prediction = ribbon.removeprefix("ribbon/").split("/")
    return unquote(target), unquote(prediction)


@style()
def draw(confusion: pd.DataFrame, smallest_share: float = 0.001, note: str = "") -> Figure:
    """The plot of `confusion` (see `flows`), 1,200 pixels wide; `note` follows the subtitle.

    In the SVG each ribbon has the id `ribbon_id`, each bar `target/<word>` or `prediction/<word>`
    (percent-encoded); the heights of all of them are proportional to their counts.
    """
    alluvial = flows(confusion, smallest_share)
    figure = Figure(figsize=(12, _inches(alluvial) + 1.2), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(alluvial.height, 0))
    axes.axis("off")
    for ribbon in alluvial.ribbons:
        # A hairline around confusions, so that rare ones show where they are steep.
        colour, alpha, line = (CORRECT, 1, 0) if ribbon.correct else (CONFUSED, 0.85, 0.5)
        patch = PathPatch(_outline(ribbon), color=colour, alpha=alpha, linewidth=line)
        axes.add_patch(patch).set_gid(ribbon_id(ribbon.target, ribbon.prediction))
    sides = (
        ("prediction", alluvial.predictions, 0, "predicted", "precision"),
        ("target", alluvial.targets, 1, "spoken", "recall"),
    )
    for side, strata, edge, *headings in sides:
        _label(axes, edge, 0, *headings, lift=12, color=GREY)
        for bar in strata:
            corner = (edge - _BAR * edge, bar.y0)
            patch = Rectangle(corner, _BAR, bar.y1 - bar.y0, facecolor=INK, linewidth=0)
            axes.add_patch(patch).set_gid(f"{side}/{quote(bar.word, safe='')}")
            _label(axes, edge, (bar.y0 + bar.y1) / 2, shortened(bar.word), bar.share, weight="bold")
    heading(axes, TITLE, f"{summary(alluvial)} {note}".strip(), GREY, distance=24)
    return figure


def interactive(confusion: pd.DataFrame, smallest_share: float = 0.001, note: str = "") -> str:
    """The plot as an HTML page that tells counts on hover and asks nothing of the network.

    Rows, order and colours are those of `draw`; a bar is as high as its recordings shown.
    """
    alluvial = flows(confusion, smallest_share)
    sides = (("prediction", 0, alluvial.predictions), ("target", 1, alluvial.targets))
    # A bar without ribbons must be no node: plotly would drop it and mix up the others' places.
    nodes, labels, most = {}, [], 1
    for side, x, strata in sides:
        flowing = Counter()
        for ribbon in alluvial.ribbons:
            flowing[getattr(ribbon, side)] += ribbon.count
        most = max(most, len(flowing))
        for bar in strata:
            size = flowing[bar.word]
            if size:
                nodes[side, bar.word] = (x, bar.y0 + size / 2, _bar_text(side, bar))
            labels.append((x, (bar.y0 + bar.y1) / 2, escape(shortened(bar.word, 12), quote=False)))
    place = {key: i for i, key in enumerate(nodes)}
    spoken = {bar.word: bar.count for bar in alluvial.targets}
    xs, ys, texts = zip(*nodes.values(), strict=True) if nodes else ((), (), ())
    # A padding with which a recording is as high in plotly's scale as in ours. A single bar fills
    # the height and stands in its middle. A place of 0 would count as unset.
    height = 100 * _inches(alluvial)
    shown = alluvial.total - alluvial.hidden
    padding = height * (1 - shown / alluvial.height) / max(most - 1, 1)
    sankey = graph_objects.Sankey(
        arrangement="fixed",
        node={
            "x": [max(x, 1e-9) for x in xs],
            "y": [max(y / alluvial.height, 1e-9) if most > 1 else 0.5 for y in ys],
            "pad": padding,
            "thickness": 12,
            "color": INK,
            "line": {"width": 0},
            "customdata": texts,
            "hovertemplate": "%{customdata}<extra></extra>",
        },
        link={
            "source": [place["prediction", ribbon.prediction] for ribbon in alluvial.ribbons],
            "target": [place["target", ribbon.target] for ribbon in alluvial.ribbons],
            "value": [ribbon.count for ribbon in alluvial.ribbons],
            "color": [CORRECT if ribbon.correct else CONFUSED for ribbon in alluvial.ribbons],
            "customdata": [_ribbon_text(r, spoken[r.target]) for r in alluvial.ribbons],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
    )
    margin = 20 + 7 * max(len(text) for *_, text in labels)
    figure = graph_objects.Figure(
        sankey,
        {
            "height": height + 40,
            "margin": {"l": margin, "r": margin, "t": 20, "b": 20},
            "font": {"family": "system-ui, sans-serif", "size": 12, "color": INK},
            "hoverlabel": {"bgcolor": "white", "align": "left", "font": {"size": 13}},
            "annotations": [
                {
                    "text": text,
                    "x": x,
                    "y": 1 - y / alluvial.height,
                    "xanchor": "left" if x else "right",
                    "xshift": 10 if x else -10,
                    "yanchor": "middle",
                    "showarrow": False,
                }
                for x, y, text in labels
            ],
        },
    )
    plot = figure.to_html(
        full_html=False,
        include_plotlyjs=True,
        div_id="alluvial",
        config={"responsive": True, "displayModeBar": False},
    )
    text = f"{summary(alluvial)} {note}".strip()
    return _PAGE.format(title=escape(TITLE), text=escape(text), plot=plot)


def _label(axes: Axes, edge: int, y: float, word: str, number: str, lift: float = 0, **style):
    """Write `number` beside the plot's left (0) or right (1) edge, `word` farther out."""
    sign, align = (1, "left") if edge else (-1, "right")
    place = {"textcoords": "offset points", "ha": align, "va": "center"}
    axes.annotate(number, (edge, y), (sign * 6, lift), size=9, color=GREY, **place)
    axes.annotate(word, (edge, y), (sign * 58, lift), **place, **style)


def _bar_text(side: str, bar: Stratum) -> str:
    word = escape(bar.word, quote=False)
    if side == "target":
        return f"{_recordings(bar.count)} of “{word}”,<br>{bar.correct:,} recognised ({bar.share})"
    return f"“{word}” was predicted {bar.count:,} times,<br>{bar.correct:,} rightly ({bar.share})"


def _ribbon_text(ribbon: Ribbon, spoken: int) -> str:
    target, prediction = (escape(word, quote=False) for word in (ribbon.target, ribbon.prediction))
    verb = "was" if ribbon.count == 1 else "were"
    fate = "recognised" if ribbon.correct else f"taken for “{prediction}”"
    return (
        f"{_recordings(ribbon.count)} of “{target}”<br>{verb} {fate}<br>"
        f"({_percent(ribbon.count, spoken)} of “{target}”)"
    )


def _recordings(count: int) -> str:
    return f"{count:,} recording{'' if count == 1 else 's'}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def _inches(alluvial: Alluvial) -> float:
    """A height at which each row has room for a line of text."""
    rows = len(alluvial.targets)
    return max(2.5, 0.27 * rows * alluvial.height / (alluvial.total * (1 + _GAP)))


def _outline(ribbon: Ribbon) -> Outline:
    """Two curves, level at both ends, so the ribbon is equally high everywhere."""
    (a0, a1), (b0, b1) = ribbon.left, ribbon.right
    start, end, middle = _BAR, 1 - _BAR, 0.5
    points = [(start, a0), (middle, a0), (middle, b0), (end, b0)]
    points += [(end, b1), (middle, b1), (middle, a1), (start, a1), (start, a0)]
    curve = [Outline.CURVE4] * 3
    codes = [Outline.MOVETO, *curve, Outline.LINETO, *curve, Outline.CLOSEPOLY]
    return Outline(points, codes)

"""The geometry of an alluvial plot: predictions on the left flow into targets on the right.

Each word has its own row, the same on both sides. Heights of bars and ribbons are proportional to
the number of recordings.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spokenwords.evaluation.confusion import OTHERS, matrix

# Arranging more words takes minutes: the time grows with the fourth power of their number.
MOST_ARRANGED = 60
# The smallest height of a row, and the gap between rows, in mean recordings per word.
ROW, GAP = 0.8, 0.22


@dataclass(frozen=True)
class Stratum:
    """A word's bar on one side: `count` recordings, of which `correct` were recognised."""

    word: str
    count: int
    correct: int
    y0: float
    y1: float

    @property
    def share(self) -> str:
        """The correct share in per cent: recall of a target, precision of a prediction.

        It is unknown for `confusion.OTHERS`.
        """
        known = self.count and self.word != OTHERS
        return percent(self.correct, self.count) if known else "–"


@dataclass(frozen=True)
class Ribbon:
    """The recordings of `target` that were predicted as `prediction`, and the ends of the flow."""

    target: str
    prediction: str
    count: int
    left: tuple[float, float]
    right: tuple[float, float]

    @property
    def correct(self) -> bool:
        """Whether the prediction is the target."""
        return self.target == self.prediction


@dataclass(frozen=True)
class Alluvial:
    """All positions: y in recordings, downwards from 0 to `height`."""

    predictions: list[Stratum]
    targets: list[Stratum]
    ribbons: list[Ribbon]
    height: float
    total: int
    hidden: int
    smallest_share: float


def flows(confusion: pd.DataFrame, smallest_share: float = 0.001) -> Alluvial:
    """The plot's geometry for the table `confusion` (target, prediction, count: every pair).

    Pairs with less than `smallest_share` of all recordings have no ribbon, but strata include them:
    the height of a stratum is that of all recordings of its word (right) or all predictions of it
    (left), and its ribbons are stacked from the top. Words confused with each other get rows near
    each other; words without a visible confusion are last. Raises ValueError as `matrix` does.
    """
    square = matrix(confusion)
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
    rows = np.maximum(np.maximum(*sizes.values()), ROW * mean)
    tops = np.concatenate([[0.0], np.cumsum(rows + GAP * mean)[:-1]])
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
    # Ribbons are stacked in the order of the words on the other side.
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
    # In drawing order: confusions are above correct ribbons, rare ones above frequent ones.
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
    """Move words in `order`, one at a time, as long as this shortens the flows of confusions."""
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
    """The number of confused recordings, and the share that the plot hides."""
    confused = alluvial.total - sum(target.correct for target in alluvial.targets)
    these = " these" if any(target.word == OTHERS for target in alluvial.targets) else ""
    text = (
        f"{confused:,} of{these} {alluvial.total:,} recordings were confused "
        f"({percent(confused, alluvial.total)})."
    )
    if not alluvial.hidden:
        return f"{text} All pairs are shown."
    return (
        f"{text} Pairs rarer than 1 in {1 / alluvial.smallest_share:,.4g} are hidden: "
        f"{percent(alluvial.hidden, alluvial.total)} of recordings."
    )


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}\N{NO-BREAK SPACE}%"

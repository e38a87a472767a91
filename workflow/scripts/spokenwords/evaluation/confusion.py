"""The confusion table: how often each word was taken for each other."""

from pathlib import Path

import numpy as np
import pandas as pd

# Rows of more could not be read in a plot, and a page with a million pairs would not open.
MOST_DRAWN = 50
OTHERS = "_others_"  # what stands for the words that are not drawn; it cannot be a folder's


def count(predictions: pd.DataFrame, words: list[str]) -> pd.DataFrame:
    """target, prediction, count: a row for every pair of words, zeros included."""
    pairs = pd.MultiIndex.from_product([words, words], names=["target", "prediction"])
    counts = predictions.groupby(["target", "prediction"]).size()
    return counts.reindex(pairs, fill_value=0).rename("count").reset_index()


def read(path: Path) -> pd.DataFrame:
    """A confusion table from its CSV file."""
    # Words such as `NA` or `001` are text, not missing or a number.
    text = {"target": str, "prediction": str}
    return pd.read_csv(path, dtype=text, keep_default_na=False)


def matrix(confusion: pd.DataFrame) -> pd.DataFrame:
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


def to_draw(confusion: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The table as plots show it, and what is to be said of it.

    Of more than `MOST_DRAWN` words those are kept whose recordings were confused most often, or
    that others were taken for; the rest are one, `OTHERS`, whose own recordings count only where a
    word kept is concerned.
    """
    square = matrix(confusion)
    counts, words = square.to_numpy(), square.index.to_numpy()
    if len(words) <= MOST_DRAWN:
        return confusion, ""
    confused = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    kept = np.sort(np.lexsort((-counts.sum(axis=1), -confused))[:MOST_DRAWN])
    place = np.full(len(words), MOST_DRAWN)
    place[kept] = np.arange(MOST_DRAWN)
    merged = np.zeros((MOST_DRAWN + 1, MOST_DRAWN + 1), dtype=int)
    np.add.at(merged, (place[:, None], place), counts)
    merged[-1, -1] = 0
    names = [*words[kept], OTHERS]
    pairs = pd.MultiIndex.from_product([names, names], names=["target", "prediction"])
    table = pd.Series(merged.ravel(), pairs, name="count").reset_index()
    note = f"Shown are the {MOST_DRAWN} of {len(words):,} words that were most often confused."
    return table, note

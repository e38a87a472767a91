"""The confusion table: how often each word was predicted as each other."""

from pathlib import Path

import numpy as np
import pandas as pd

from spokenwords.recordings.tables import read_table

# With more words, a plot's rows are illegible, and a page with a million pairs does not open.
MOST_SHOWN = 50
OTHERS = "_others_"  # all words that are not shown; no folder of a word can have this name


def count(predictions: pd.DataFrame, words: list[str]) -> pd.DataFrame:
    """One row per pair of words, including zeros: target, prediction, count."""
    pairs = pd.MultiIndex.from_product([words, words], names=["target", "prediction"])
    counts = predictions.groupby(["target", "prediction"]).size()
    return counts.reindex(pairs, fill_value=0).rename("count").reset_index()


def read(path: Path) -> pd.DataFrame:
    """Read a confusion table from its CSV file."""
    return read_table(path, ["target", "prediction"])


def matrix(confusion: pd.DataFrame) -> pd.DataFrame:
    """The table of pairs (target, prediction, count) as a matrix of targets by predictions.

    Words are in the table's order. Raises ValueError if a pair occurs twice or no recording is
    counted.
    """
    table = confusion.astype({"target": str, "prediction": str})
    words = pd.unique(pd.concat([table["target"], table["prediction"]]))
    square = table.pivot(index="target", columns="prediction", values="count")
    square = square.reindex(index=words, columns=words).fillna(0).astype(int)
    if square.to_numpy().sum() == 0:
        raise ValueError("The confusion table contains no recordings.")
    return square


def for_plots(confusion: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the table as plots show it, and a note if it does not show all words.

    With more than `MOST_SHOWN` words, those in most confusions (as target or as prediction) are
    shown. The others are combined as `OTHERS`; their recordings count only if they were confused
    with a word that is shown.
    """
    square = matrix(confusion)
    counts, words = square.to_numpy(), square.index.to_numpy()
    if len(words) <= MOST_SHOWN:
        return confusion, ""
    confused = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    shown = np.sort(np.lexsort((-counts.sum(axis=1), -confused))[:MOST_SHOWN])
    place = np.full(len(words), MOST_SHOWN)
    place[shown] = np.arange(MOST_SHOWN)
    merged = np.zeros((MOST_SHOWN + 1, MOST_SHOWN + 1), dtype=int)
    np.add.at(merged, (place[:, None], place), counts)
    merged[-1, -1] = 0
    names = [*words[shown], OTHERS]
    pairs = pd.MultiIndex.from_product([names, names], names=["target", "prediction"])
    table = pd.Series(merged.ravel(), pairs, name="count").reset_index()
    return table, f"Shown: the {MOST_SHOWN} most often confused of {len(words):,} words."

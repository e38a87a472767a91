"""The confusion table: how often each word was taken for each other."""

from pathlib import Path

import pandas as pd


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

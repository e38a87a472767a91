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

"""Predictions of a test set, as `evaluation.predictions` makes them."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd


def read(path: Path) -> pd.DataFrame:
    """Predictions from their CSV file: file, speaker, target, prediction, and `p(<word>)`s."""
    # Names such as `NA` or `001` are text, not missing or a number.
    text = dict.fromkeys(["file", "speaker", "target", "prediction"], str)
    return pd.read_csv(path, dtype=text, keep_default_na=False)


def of_each_word(columns: Iterable[str]) -> list[str]:
    """The columns of probabilities, `p(<word>)`, in their order."""
    return [column for column in columns if column.startswith("p(")]

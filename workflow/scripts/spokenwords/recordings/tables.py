"""CSV tables whose names are text."""

import csv
from collections.abc import Collection
from pathlib import Path

import pandas as pd


def read_table(path: Path, text: Collection[str]) -> pd.DataFrame:
    """Return the CSV table at `path`; its columns named in `text` are text, empty where a field is.

    Names such as `NA` or `001` are thus neither missing nor a number. In all other columns, an
    empty field is a missing value.
    """
    with Path(path).open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    missing = {name: [""] for name in columns if name not in text}
    types = dict.fromkeys(text, str)
    return pd.read_csv(path, dtype=types, keep_default_na=False, na_values=missing)


def speakers_known(table: pd.DataFrame) -> pd.Series:
    """Whether it is known who speaks, of each row of a table with columns file and speaker.

    Where it is not, a recording has its file for a speaker (see `dataset.speaker`).
    """
    return table["speaker"] != table["file"]

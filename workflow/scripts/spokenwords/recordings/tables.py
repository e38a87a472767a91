"""CSV tables whose names are text."""

import csv
from collections.abc import Collection
from pathlib import Path

import pandas as pd


def read_table(path: Path, text: Collection[str]) -> pd.DataFrame:
    """Return the CSV table at `path`, whose columns named in `text` are text, even if empty.

    So names such as `NA` or `001` are neither missing nor numbers. In all other columns, an empty
    field is a missing value.
    """
    with Path(path).open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    missing = {name: [""] for name in columns if name not in text}
    types = dict.fromkeys(text, str)
    return pd.read_csv(path, dtype=types, keep_default_na=False, na_values=missing)


def speakers_known(table: pd.DataFrame) -> pd.Series:
    """Return whether the speaker of each row is known; the table has columns file and speaker.

    If not, the file takes the place of the speaker (see `data_folder.speaker`).
    """
    return table["speaker"] != table["file"]

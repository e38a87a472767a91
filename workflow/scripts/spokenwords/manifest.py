"""A manifest: the recordings of a training, validation or test set."""

from pathlib import Path

import pandas as pd

# `label` numbers the words from 0, in the order of their stores; `row` is that of a word's store.
COLUMNS = ["file", "word", "label", "speaker", "row"]


def read(path: Path) -> pd.DataFrame:
    """A manifest from its CSV file: a row a recording, columns `COLUMNS`."""
    # Names such as `NA` or `001` are text, not missing or a number.
    text = {"file": str, "word": str, "speaker": str}
    return pd.read_csv(path, dtype=text, keep_default_na=False)

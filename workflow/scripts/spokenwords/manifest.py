"""A manifest: the recordings of a training, validation or test set."""

from pathlib import Path

import pandas as pd

from spokenwords.dataset import SILENCE

# `label` numbers the words from 0, in the order of their stores; `row` is that of a word's store.
COLUMNS = ["file", "word", "label", "speaker", "row"]


def read(path: Path) -> pd.DataFrame:
    """A manifest from its CSV file: a row a recording, columns `COLUMNS`."""
    # Names such as `NA` or `001` are text, not missing or a number.
    text = {"file": str, "word": str, "speaker": str}
    return pd.read_csv(path, dtype=text, keep_default_na=False)


def read_cuts(path: Path, name: str, label: int) -> pd.DataFrame:
    """The cuts of a set (train or valid) that the table of `silence.write` names, as a manifest.

    `label` is the number of their store.
    """
    table = pd.read_csv(path, dtype={"file": str, "set": str}, keep_default_na=False)
    table = table[table["set"] == name]
    return table.assign(word=SILENCE, label=label, speaker="")[COLUMNS]

"""A manifest: the recordings of a training, validation or test set."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from spokenwords.classes import Classes
from spokenwords.dataset import SILENCE
from spokenwords.errors import UserError

# `label` numbers the words from 0, in the order of their stores; `row` is that of a word's store.
COLUMNS = ["file", "word", "label", "speaker", "row"]


def read(path: Path) -> pd.DataFrame:
    """A manifest from its CSV file: a row a recording, columns `COLUMNS`."""
    # Names such as `NA` or `001` are text, not missing or a number.
    text = {"file": str, "word": str, "speaker": str}
    return pd.read_csv(path, dtype=text, keep_default_na=False)


def of_classes(path: Path, chosen: Classes, segments: Iterable[str] = ()) -> pd.DataFrame:
    """The recordings of the manifest at `path` that have a class.

    `segments` names the table of `silence.write`, if there is one: segments of noise of the same
    set are added, as many as a class has recordings, taken evenly; their store is the one after
    those of the words. Raises `UserError` when no recording has a class.
    """
    table = read(path)
    table = table[table["word"].isin(chosen.number)]
    if table.empty:
        raise UserError(
            f"There is no recording of {', '.join(chosen.names)} in {path}: change the split's "
            "shares or seed (config key splits), or the run's `words`."
        )
    parts = [table]
    for place in segments:
        noise = _segments(Path(place), path.stem, len(chosen.words))
        of_a_class = round(len(table) / (len(chosen.names) - 1))
        count = min(len(noise), max(1, of_a_class))
        parts.append(noise.iloc[np.linspace(0, len(noise) - 1, count).round().astype(int)])
    return pd.concat(parts, ignore_index=True)


def renamed(table: pd.DataFrame, chosen: Classes) -> pd.DataFrame:
    """The manifest with the name of its class for each recording's word."""
    number = table["word"].map(chosen.number)
    return table.assign(word=np.array(chosen.names, dtype=object)[number.to_numpy(np.int64)])


def _segments(path: Path, name: str, label: int) -> pd.DataFrame:
    """Segments of a set (train or valid) as a manifest; `label` is the number of their store."""
    table = pd.read_csv(path, dtype={"file": str, "set": str}, keep_default_na=False)
    table = table[table["set"] == name]
    return table.assign(word=SILENCE, label=label, speaker="")[COLUMNS]

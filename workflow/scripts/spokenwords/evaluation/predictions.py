"""The table of predictions for a test set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spokenwords.recordings.tables import read_table

# Columns of the likeliest classes and of their probabilities; the first is the prediction.
PLACES = (
    ("prediction", "probability"),
    ("second", "second_probability"),
    ("third", "third_probability"),
)
DECIMALS = 6  # of probabilities


def table(
    manifest: pd.DataFrame,
    words: Sequence[str],
    classes: np.ndarray,
    probabilities: np.ndarray,
    label_probabilities: np.ndarray,
) -> pd.DataFrame:
    """One row per recording of `manifest`.

    `classes` [recording, place] are the indices in `words` of each recording's likeliest classes,
    by falling `probabilities` [recording, place]; `label_probabilities` [recording] are those of
    the targets.

    Columns: file, speaker, target, target_probability, and the likeliest classes with their
    probabilities, named as in `PLACES`; with two classes, there is no third.
    """
    columns = {
        "file": manifest["file"].to_numpy(),
        "speaker": manifest["speaker"].to_numpy(),
        "target": manifest["word"].to_numpy(),
        "target_probability": label_probabilities.round(DECIMALS),
    }
    for place, (name, probability) in enumerate(PLACES[: classes.shape[1]]):
        columns[name] = np.array(words, dtype=object)[classes[:, place]]
        columns[probability] = probabilities[:, place].round(DECIMALS)
    return pd.DataFrame(columns)


def read(path: Path) -> pd.DataFrame:
    """Read the table from its CSV file."""
    return read_table(path, ["file", "speaker", "target", *(name for name, _ in PLACES)])


def likeliest(row: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return the likeliest classes of a row with their probabilities, the prediction first."""
    return [(row[name], row[probability]) for name, probability in PLACES if name in row]

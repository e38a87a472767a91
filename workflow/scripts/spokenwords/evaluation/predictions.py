"""The table of predictions for a test set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

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
    """A row a recording of `manifest`.

    `classes` [recording, place] are the numbers among `words` of each recording's likeliest ones,
    by falling `probabilities` [recording, place]; `label_probabilities` [recording] are those of
    the words that were said.

    Columns: file, speaker, target, target_probability, and the likeliest classes with theirs, as
    `PLACES` names them; where there are two classes, there is no third.
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
    """The table from its CSV file."""
    # Names such as `NA` or `001` are text, not missing or a number.
    text = dict.fromkeys(["file", "speaker", "target", *(name for name, _ in PLACES)], str)
    return pd.read_csv(path, dtype=text, keep_default_na=False)


def likeliest(row: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The likeliest classes of a row and their probabilities, the prediction first."""
    return [(row[name], row[probability]) for name, probability in PLACES if name in row]

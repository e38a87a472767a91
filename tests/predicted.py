"""Rows of a table of predictions, from all probabilities."""

from spokenwords.evaluation.predictions import PLACES

COLUMNS = [
    *("file", "speaker", "target", "target_probability"),
    *(name for both in PLACES for name in both),
]


def row(file: str, target: str, prediction: str, probabilities: dict[str, float], speaker="ann"):
    """A row as `spokenwords.evaluation.predictions.table` has it, given each word's probability."""
    others = sorted((word for word in probabilities if word != prediction), key=probabilities.get)
    columns = {"file": file, "speaker": speaker, "target": target}
    columns |= {"target_probability": probabilities[target]}
    for (name, probability), word in zip(PLACES, [prediction, *others[::-1]], strict=False):
        columns |= {name: word, probability: probabilities[word]}
    return columns

"""Rows of a table of predictions, from all probabilities."""


def row(file: str, target: str, prediction: str, probabilities: dict[str, float], speaker="ann"):
    """A row as `spokenwords.predictions.table` has it, given each word's probability."""
    others = sorted((p, word) for word, p in probabilities.items() if word != prediction)[::-1]
    columns = {"file": file, "speaker": speaker, "target": target}
    columns |= {"target_probability": probabilities[target]}
    columns |= {"prediction": prediction, "probability": probabilities[prediction]}
    for place, (probability, word) in zip(("second", "third"), others, strict=False):
        columns |= {place: word, f"{place}_probability": probability}
    return columns

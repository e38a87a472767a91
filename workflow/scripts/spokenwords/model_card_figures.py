"""The figures of a model card: what it was trained and tested on, and how well it did."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from spokenwords.markdown import escaped, table
from spokenwords.origins import Origin

# Of the most frequent confusions, so many.
CONFUSIONS = 10
METHODS = {
    "random": "at random",
    "speaker": "by speaker, at random: nobody is in two sets",
    "official": "as the data set's own lists have it",
}
PURPOSES = {"train": "training", "valid": "validation", "test": "test"}


def explained(settings: Mapping[str, Any]) -> str:
    """What the measures are."""
    text = (
        "Accuracy is the share of recordings whose likeliest class is the right one, whatever its "
        "probability. Precision of a class is the share of its answers that are right, recall the "
        "share of its recordings that are found, F1 their harmonic mean, macro F1 the mean of all "
        "classes. Loss is the mean cross-entropy. The expected calibration error is how far "
        "probabilities are from shares of right answers. Intervals are 95 % bootstrap intervals "
        "over recordings."
    )
    if settings["test_shift_seconds"]:
        text += (
            " In the test, probabilities were averaged over shifts of each recording by up to "
            f"{settings['test_shift_seconds']:g} s either way; the exported model hears it once, "
            "and its own accuracy is told apart."
        )
    return text


def evaluation_data(sets: Mapping[str, pd.DataFrame]) -> str:
    """Whose recordings the model was tested on."""
    test, heard = _recordings(sets["test"]), _recordings(sets["train"])["speaker"]
    speakers = set(test["speaker"])
    anonymous = int((test["speaker"] == test["file"]).sum())
    size = f"{len(test):,} recordings of the same data set that were kept back. "
    if anonymous == len(test):
        return size + (
            "File names do not tell who speaks, so it is not known whether the same people are "
            "heard in training; where they are, figures are better than for new voices."
        )
    shared = len(speakers.intersection(heard))
    text = size + (
        f"{shared:,} of their {len(speakers):,} speakers are heard in training too: for voices "
        "that the model has never heard, expect more errors than these."
        if shared
        else f"None of their {len(speakers):,} speakers is heard in training: sets are disjoint in "
        "speakers, and figures are those for voices that the model has never heard."
    )
    if anonymous:
        text += f" {anonymous:,} recordings tell no speaker and count as one each."
    return text


def training_data(
    settings: Mapping[str, Any], origin: Origin, sets: Mapping[str, pd.DataFrame]
) -> str:
    """What the model was trained on, and how recordings were divided."""
    columns, rows = ["set", "recordings", "speakers", "cuts of noise"], []
    for name, purpose in PURPOSES.items():
        spoken = _recordings(sets[name])
        cuts = len(sets[name]) - len(spoken)
        rows.append(
            (purpose, *(f"{n:,}" for n in (len(spoken), spoken["speaker"].nunique(), cuts)))
        )
    if all(row[-1] == "0" for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return (
        f"Data set: {escaped(origin.name)}. Its licence: {escaped(origin.licence)}\n\n"
        f"Recordings were divided {METHODS[settings['split']['method']]}. Weights are learnt from "
        "the training set; the validation set says which epoch is the best, and where the "
        f"threshold lies.\n\n{table(columns, rows)}"
    )


def analyses(
    exported: Mapping[str, Any],
    metrics: Mapping[str, Any],
    confusions: pd.DataFrame,
    sets: Mapping[str, pd.DataFrame],
) -> str:
    """All measures, those of each class, and the most frequent confusions."""
    rows = [
        ("Accuracy", f"{metrics['accuracy']:.2%}", _interval(metrics["accuracy_interval"], ".2%")),
        ("Macro F1", f"{metrics['macro_f1']:.4f}", _interval(metrics["macro_f1_interval"], ".4f")),
        ("Loss, nats", f"{metrics['loss']:.4f}", _interval(metrics["loss_interval"], ".4f")),
        ("Expected calibration error", f"{metrics['expected_calibration_error']:.4f}", ""),
        (
            "Accuracy of the exported model",
            f"{exported['test']['accuracy']:.2%}",
            _interval(exported["test"]["accuracy_interval"], ".2%"),
        ),
    ]
    return "\n\n".join(
        [
            table(["measure", "value", "95 % interval"], rows),
            "Of each class:",
            _of_each_class(metrics["words"], sets["train"]),
            _most_frequent(confusions),
        ]
    )


def _of_each_class(words: Mapping[str, Mapping[str, float]], trained: pd.DataFrame) -> str:
    counts = trained["word"].value_counts()
    rows = []
    for word, row in words.items():
        # Of what was never said there is no share that was found.
        found = [f"{row[key]:.1%}" if row["recordings"] else "–" for key in ("recall", "f1")]
        tested = f"{row['recordings']:,}"
        rows.append(
            (escaped(word), f"{counts.get(word, 0):,}", tested, f"{row['precision']:.1%}", *found)
        )
    return table(["class", "trained on", "tested on", "precision", "recall", "F1"], rows)


def _most_frequent(confusions: pd.DataFrame) -> str:
    """The pairs of different classes that were confused most often."""
    said = confusions.groupby("target")["count"].transform("sum")
    wrong = confusions.assign(said=said)[confusions["target"] != confusions["prediction"]]
    worst = wrong[wrong["count"] > 0].sort_values("count", ascending=False, kind="stable")
    if worst.empty:
        return "No test recording was taken for another class."
    rows = [
        (
            escaped(row.target),
            escaped(row.prediction),
            f"{row.number:,}",
            f"{row.number / row.said:.1%}",
        )
        for row in worst.head(CONFUSIONS).rename(columns={"count": "number"}).itertuples()
    ]
    columns = ["said", "taken for", "recordings", "of those said"]
    return f"The most frequent confusions:\n\n{table(columns, rows)}"


def _recordings(manifest: pd.DataFrame) -> pd.DataFrame:
    """Those of a manifest that are no cuts of noise, which nobody speaks."""
    return manifest[manifest["speaker"] != ""]


def _interval(bounds: list[float], form: str) -> str:
    low, high = bounds
    return f"{low:{form}} to {high:{form}}"

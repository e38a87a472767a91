"""The figures of a model card: how well the model does, and what to beware of."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from spokenwords.export.markdown import escaped, table
from spokenwords.names import UNKNOWN

# Of the most frequent confusions, so many.
CONFUSIONS = 10


def explained(settings: Mapping[str, Any]) -> str:
    """What the measures are."""
    text = (
        "Accuracy is the share of recordings whose likeliest class is the right one, whatever its "
        "probability. Precision of a class is the share of its answers that are right, recall the "
        "share of its recordings that are found, F1 their harmonic mean, macro F1 the mean of all "
        "classes. Loss is the mean cross-entropy. The expected calibration error is how far "
        "probabilities are from shares of right answers. Intervals (95 %) "
        "are over speakers, whose recordings are alike, where it is known who speaks."
    )
    if settings["test_shift_seconds"]:
        text += (
            " In the test, probabilities were averaged over shifts of each recording by up to "
            f"{settings['test_shift_seconds']:g} s either way; the exported model hears it once, "
            "and its own accuracy is told apart."
        )
    return text


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


def caveats(exported: Mapping[str, Any], alarms: pd.DataFrame | None) -> str:
    """A list of what to beware of; `alarms` is the table of `false_alarms`, if there is one."""
    threshold, no_words = exported["threshold"], exported["no_words"]
    points = [
        f"It hears {seconds(exported):g} s at a time and expects one word in them, whole; of two "
        "words, or of half a word, it makes one all the same.",
    ]
    if threshold:
        points.append(
            f"An answer with a probability below {threshold:.4g} is to count as `{UNKNOWN}`: "
            f"from there on, {_percent(exported['kept'])} of the right answers to validation "
            "recordings count. A higher threshold has fewer false alarms and leaves more words "
            "unheard."
        )
    else:
        points.append("No threshold was found: every answer counts, however unsure.")
    if no_words:
        points.append(
            f"It also answers {' or '.join(map(escaped, no_words))}, for sounds that are none of "
            "its words, and does so best for sounds like those that it was trained on."
        )
    else:
        points.append(
            "It has no class for silence, noise or other words: it takes them for one of its "
            "words, or is unsure."
        )
    if alarms is None:
        points.append("How often other words, or noise, are taken for its words was not measured.")
    else:
        points += _false_alarms(alarms, exported["kept"])
    points.append(
        "Microphones, rooms, noise and accents unlike those of the training data cost accuracy. "
        "Try it on recordings of your own before you rely on it."
    )
    return "\n".join(f"- {point}" for point in points)


def seconds(exported: Mapping[str, Any]) -> float:
    """The length of what the model takes."""
    return exported["samples"] / exported["transform"]["sample_rate"]


def _false_alarms(alarms: pd.DataFrame, kept: float) -> list[str]:
    """What is taken for a word at the threshold that keeps about the share `kept`."""
    row = alarms.loc[(alarms["share"] - kept).abs().idxmin()]
    where = "With every answer counting"
    if row["threshold"]:
        where = (
            f"At the threshold that keeps {_percent(row['share'])} of the right answers to "
            f"validation recordings, {row['threshold']:.4g}"
        )
    points = [
        f"{where}, the following was measured before the export, in brackets with 95 % intervals "
        "(Wilson's, over speakers; of noise, Garwood's)."
    ]
    for name, sounds, outcome in (
        ("words", "its words", "are recognised"),
        ("unknown", f"words that it was trained to call `{UNKNOWN}`", "are taken for its words"),
        ("strangers", "words that it was never trained on", "are taken for its words"),
    ):
        if row[f"{name}_tested"]:
            bounds = _interval([row[f"{name}_low"], row[f"{name}_high"]], ".1%")
            points.append(
                f"Of {row[f'{name}_tested']:,.0f} test recordings of {sounds}, {row[name]:.1%} "
                f"({bounds}) {outcome}."
            )
        elif name == "strangers":
            points.append(f"How often {sounds} {outcome} was not measured.")
    if row["noise_tested"]:
        bounds = _interval([row["noise_low"], row["noise_high"]], ".3g")
        points.append(
            f"In {60 * row['noise_tested']:.2g} min of noise that nothing was trained on, searched "
            f"with a window that slides on, {row['noise']:.3g} words an hour ({bounds}) are found."
        )
    else:
        points.append("How often words are found in noise was not measured.")
    return points


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


def _interval(bounds: list[float], form: str) -> str:
    low, high = bounds
    # Of recordings that are all alike, resampling learns nothing.
    return "–" if low == high else f"{low:{form}} to {high:{form}}"


def _percent(share: float) -> str:
    """With as many digits as the share has."""
    return f"{100 * share:g}%"

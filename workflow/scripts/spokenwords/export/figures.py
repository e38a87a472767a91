"""The figures of a model card: metrics, and caveats."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from spokenwords.export.markdown import escaped, table
from spokenwords.names import UNKNOWN

CONFUSIONS = 10  # at most, in the table of the most frequent ones


def explained(settings: Mapping[str, Any]) -> str:
    """Definitions of the metrics."""
    text = (
        "Accuracy is the share of recordings whose likeliest class is correct, regardless of the "
        "confidence threshold. Precision of a class is the share of its predictions that are "
        "correct, recall the share of its recordings that are recognised, F1 their harmonic mean, "
        "macro F1 the mean F1 of all classes. Loss is the mean cross-entropy. The expected "
        "calibration error is the mean distance of probabilities from shares of correct answers. "
        "Intervals (95 %) are over speakers as far as they are known, because recordings of one "
        "speaker are correlated."
    )
    if settings["test_shift_seconds"]:
        text += (
            " In the test, probabilities were averaged over shifts of each recording by up to "
            f"{settings['test_shift_seconds']:g} s either way. The exported model does not do so: "
            "see its own accuracy below."
        )
    return text


def analyses(
    exported: Mapping[str, Any],
    metrics: Mapping[str, Any],
    confusions: pd.DataFrame,
    sets: Mapping[str, pd.DataFrame],
) -> str:
    """All metrics, those of each class, and the most frequent confusions."""
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
            "Metrics of each class:",
            _of_each_class(metrics["words"], sets["train"]),
            _most_frequent(confusions),
        ]
    )


def caveats(exported: Mapping[str, Any], alarms: pd.DataFrame | None) -> str:
    """A list of caveats; `alarms` is the table of `false_alarms`, if there is one."""
    threshold, non_words = exported["threshold"], exported["no_words"]
    points = [
        f"The input is {seconds(exported):g} s that contain one whole word; two words, or half a "
        "word, are classified as one word all the same.",
    ]
    if threshold:
        points.append(
            f"Treat an answer with a probability below {threshold:.4g} as `{UNKNOWN}`. This "
            f"threshold accepts {_percent(exported['kept'])} of the correct validation answers. A "
            "higher one causes fewer false alarms, and misses more words."
        )
    else:
        points.append("There is no confidence threshold: every answer is accepted.")
    if counted := exported["false_alarms"]:
        bounds = _interval([counted["low"], counted["high"]], ".2g")
        points.append(
            f"With this threshold, {counted['per_hour']:.2g} false alarms per hour ({bounds}) were "
            f"found in {counted['hours']:.2g} hours of negatives of the validation set."
        )
    if non_words:
        points.append(
            f"Sounds that are none of the words are classified as "
            f"{' or '.join(map(escaped, non_words))}; this works best for sounds like those of the "
            "training data."
        )
    else:
        points.append(
            "There is no class for silence, noise or other words: they are classified as one of "
            "the words, possibly with a low probability."
        )
    if alarms is None:
        points.append("False alarms on other words and on noise were not measured.")
    else:
        points += _false_alarms(alarms, threshold)
    points.append(
        "Microphones, rooms, noise and accents that differ from the training data reduce accuracy. "
        "Test the model on your own recordings before you rely on it."
    )
    return "\n".join(f"- {point}" for point in points)


def seconds(exported: Mapping[str, Any]) -> float:
    """The length of the model's input."""
    return exported["samples"] / exported["transform"]["sample_rate"]


def _false_alarms(alarms: pd.DataFrame, threshold: float) -> list[str]:
    """False alarms at the closest threshold."""
    row = alarms.loc[(alarms["threshold"] - threshold).abs().idxmin()]
    where = "With all answers accepted"
    if row["threshold"]:
        where = (
            f"With the threshold {row['threshold']:.4g}, which accepts {_percent(row['share'])} of "
            "the correct validation answers"
        )
    points = [
        f"{where}, the following was measured before the export. Brackets contain 95 % intervals "
        "(Wilson's, over speakers; Garwood's for noise)."
    ]
    for name, sounds, outcome in (
        ("words", "the words", "are recognised"),
        ("unknown", f"words trained as `{UNKNOWN}`", "are predicted as one of the words"),
        ("strangers", "out-of-vocabulary words", "are predicted as one of the words"),
    ):
        if row[f"{name}_tested"]:
            bounds = _interval([row[f"{name}_low"], row[f"{name}_high"]], ".1%")
            points.append(
                f"Of {row[f'{name}_tested']:,.0f} test recordings of {sounds}, {row[name]:.1%} "
                f"({bounds}) {outcome}."
            )
        elif name == "strangers":
            points.append(f"False alarms on {sounds} were not measured.")
    if row["noise_tested"]:
        bounds = _interval([row["noise_low"], row["noise_high"]], ".3g")
        points.append(
            f"In {60 * row['noise_tested']:.2g} min of noise that was not used for training, "
            f"searched with a sliding window, {row['noise']:.3g} words per hour ({bounds}) are "
            "found."
        )
    else:
        points.append("False alarms on noise were not measured.")
    return points


def _of_each_class(words: Mapping[str, Mapping[str, float]], trained: pd.DataFrame) -> str:
    counts = trained["word"].value_counts()
    rows = []
    for word, row in words.items():
        # Without recordings there is no recall.
        found = [f"{row[key]:.1%}" if row["recordings"] else "–" for key in ("recall", "f1")]
        tested = f"{row['recordings']:,}"
        rows.append(
            (escaped(word), f"{counts.get(word, 0):,}", tested, f"{row['precision']:.1%}", *found)
        )
    return table(["class", "trained on", "tested on", "precision", "recall", "F1"], rows)


def _most_frequent(confusions: pd.DataFrame) -> str:
    """The pairs of different classes that were confused most often."""
    totals = confusions.groupby("target")["count"].transform("sum")
    wrong = confusions.assign(total=totals)[confusions["target"] != confusions["prediction"]]
    worst = wrong[wrong["count"] > 0].sort_values("count", ascending=False, kind="stable")
    if worst.empty:
        return "No test recording was confused."
    rows = [
        (
            escaped(row.target),
            escaped(row.prediction),
            f"{row.number:,}",
            f"{row.number / row.total:.1%}",
        )
        for row in worst.head(CONFUSIONS).rename(columns={"count": "number"}).itertuples()
    ]
    columns = ["spoken", "predicted as", "recordings", "share of spoken"]
    return f"The most frequent confusions:\n\n{table(columns, rows)}"


def _interval(bounds: list[float], form: str) -> str:
    low, high = bounds
    # Resampling identical recordings gives no interval.
    return "–" if low == high else f"{low:{form}} to {high:{form}}"


def _percent(share: float) -> str:
    """A share in per cent, with all its digits."""
    return f"{100 * share:g}%"

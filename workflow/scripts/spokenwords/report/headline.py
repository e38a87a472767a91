"""The opening page of the report: data, runs and their results."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from spokenwords.recordings import limits
from spokenwords.recordings.splits import read_summary
from spokenwords.recordings.tables import read_table
from spokenwords.wording import counted, duration, some

MARK = "{headline}"  # where a template wants the page
PURPOSES = ("training", "validation", "test")
ORIGINS = {
    "archive": "unpacked from the data set's archive",
    "folder": "from your own folder",
    "synthetic": "synthesised by eSpeak NG",
}


def of_files(
    runs: Mapping[str, Mapping[str, Any]],
    metrics: Iterable[Path],
    splits: Iterable[Path],
    features: Iterable[Path],
    recordings: Path,
    source: str,
    streams: Iterable[Path],
) -> str:
    """Return the page for these files; `metrics` are in the order of `runs`."""
    read = [json.loads(path.read_text(encoding="utf-8")) for path in metrics]
    return page(
        runs,
        dict(zip(runs, read, strict=True)),
        {path.parent.name: read_summary(path) for path in splits},
        {path.parent.name: pd.read_csv(path) for path in features},
        read_table(recordings, ["word"]),
        ORIGINS[source],
        {path.parent.name: pd.read_csv(path) for path in streams},
    )


def incomplete(failures: Iterable[Any], missing: Sequence[str]) -> str:
    """Return the paragraphs before the page of a report with failed jobs and missing files.

    `failures` are those of `jobs.summary`.
    """
    parts = [
        "**This report is incomplete.** The next run creates the missing files and a new report."
    ]
    for failure in failures:
        error = " ".join((failure.error or "without a message").removeprefix("Error: ").split())
        log = f" (log: {failure.log})" if failure.log else ""
        parts.append(f"* **{_escaped(failure.job)}** failed: {_escaped(error + log)}")
    if missing:
        parts.append(f"Missing: {_escaped(', '.join(missing))}.")
    return "\n\n".join(parts) + "\n\n"


def page(
    runs: Mapping[str, Mapping[str, Any]],
    metrics: Mapping[str, Mapping],
    splits: Mapping[str, pd.DataFrame],
    features: Mapping[str, pd.DataFrame],
    recordings: pd.DataFrame,
    origin: str,
    streams: Mapping[str, pd.DataFrame],
) -> str:
    """Return the page in reStructuredText.

    `runs` has each run's split, features, representation, model and published accuracy (or None);
    `metrics` those of the evaluation; `splits` the summary of each split; `features` the table of
    sizes of each entry; `recordings` the summary of `checks`; `origin` is where the recordings come
    from; `streams` has the table of `stream_scores` of each run that was tested in a stream.
    """
    usable = recordings["usable"].sum()
    parts = [
        f"**{usable:,} recordings of {counted(len(recordings), 'word')}** "
        f"({recordings['hours'].sum():.2f} hours), {origin}.",
        _table(_rows(runs, metrics)),
    ]
    if any(run["published"] for run in runs.values()):
        parts.append(
            "*Published* is the accuracy in S. Keydana's experiment with the same recordings and "
            "representation; another random 60 % of the recordings were used for training."
        )
    parts += _limits(metrics)
    parts += [_about_stream(name, table) for name, table in streams.items()]
    parts += [_about_run(name, run, metrics[name]) for name, run in runs.items()]
    parts += [_about_split(name, summary) for name, summary in splits.items()]
    parts += [_about_features(name, sizes) for name, sizes in features.items()]
    return "\n\n".join(parts) + "\n"


def _rows(
    runs: Mapping[str, Mapping[str, Any]], metrics: Mapping[str, Mapping]
) -> list[dict[str, str]]:
    """The table of headline figures, one row per run."""
    compared = any(run["published"] for run in runs.values())
    rows = []
    for name, run in runs.items():
        result = metrics[name]
        low, high = result["accuracy_interval"]
        row = {
            "run": f"**{_escaped(name)}**",
            "representation": run["representation"],
            "test accuracy (95 % interval)": (
                f"**{result['accuracy']:.2%}** ({low:.2%} to {high:.2%})"
            ),
        }
        if compared:
            row["published"] = f"{run['published']:.2%}" if run["published"] else "–"
        row["loss"] = f"{result['loss']:.4f}"
        row["macro F1"] = f"{result['macro_f1']:.4f}"
        row["training"] = duration(result["training"]["seconds"])
        rows.append(row)
    return rows


def _limits(metrics: Mapping[str, Mapping]) -> list[str]:
    """Limits of the figures in the table; one paragraph for all runs that have the same ones."""
    runs_of: dict[str, list[str]] = {}
    for run, result in metrics.items():
        if text := " ".join(limits.of_test(result["words"])):
            runs_of.setdefault(text, []).append(run)
    return [
        f"**Limits** of {_escaped(', '.join(runs))}: {_escaped(text)}"
        for text, runs in runs_of.items()
    ]


def _table(rows: list[dict[str, str]]) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for first, *others in [list(rows[0]), *(row.values() for row in rows)]:
        lines += [f"   * - {first}", *(f"     - {cell}" for cell in others)]
    return "\n".join(lines)


def _about_run(name: str, run: Mapping[str, Any], result: Mapping) -> str:
    training, evaluation = result["training"], result["evaluation"]
    return (
        f"**{_escaped(name)}**: features *{_escaped(run['features'])}*, split "
        f"*{_escaped(run['split'])}*; the {run['model']} network with "
        f"{result['model']['parameters']:,} parameters and {len(result['words'])} classes, trained "
        f"for {training['epochs']} epochs (selected: {training['kept_epoch']}) in "
        f"{duration(training['seconds'])} on {_escaped(training['device'])}, tested on "
        f"{result['recordings']:,} recordings in {duration(evaluation['seconds'])}. "
        f"{_escaped(training['warning'])}"
    ).rstrip()


def _about_stream(name: str, table: pd.DataFrame) -> str:
    row = table.iloc[0]  # that of the threshold in use
    found = "no words"
    if row["words"]:
        found = (
            f"{row['recall']:.1%} ({row['recall_low']:.1%} to {row['recall_high']:.1%}) of "
            f"{row['words']:,.0f} words"
        )
    return (
        f"**{_escaped(name)}** in a stream of {60 * row['hours']:.3g} min, with the threshold "
        f"{row['threshold']:.3f}: {found} found, {row['per_hour']:.3g} false alarms per hour "
        f"({row['per_hour_low']:.2g} to {row['per_hour_high']:.3g})."
    )


def _about_split(name: str, summary: pd.DataFrame) -> str:
    known = "" if summary["speaker_known"].sum() == summary["recordings"].sum() else "known "
    sets = ", ".join(
        f"{row.recordings:,} for {purpose}"
        + (f" ({counted(row.speakers, known + 'speaker')})" if row.speaker_known else "")
        for row, purpose in zip(summary.itertuples(), PURPOSES, strict=True)
    )
    lacking = "".join(
        f" The set {row.set} lacks {some(row.missing_words.split('/'))}: {limits.LACKING[row.set]}."
        for row in summary.itertuples()
        if row.missing_words
    )
    return f"Split *{_escaped(name)}*: {sets}{_escaped(_about_speakers(summary) + lacking)}"


def _about_speakers(summary: pd.DataFrame) -> str:
    """How many of the test speakers are in the training set, as far as speakers are known."""
    test = summary.set_index("set").loc["test"]
    shared = f"{test['speakers_in_training']:,} of the test speakers are also in the training set"
    known, count = summary["speaker_known"].sum(), summary["recordings"].sum()
    if known == count:
        return f"; {shared}."
    advice = limits.advice(test["prefixed_file"])
    if not known:
        return (
            ". File names do not contain speakers, so it is not known whether test speakers are "
            f"also in the training set. {advice}"
        )
    return (
        f". Speakers are known for {known:,} of the {count:,} recordings, and for "
        f"{test['speaker_known']:,} of the {test['recordings']:,} test recordings: of these, "
        f"{shared}. {advice}"
    )


def _about_features(name: str, sizes: pd.DataFrame) -> str:
    total = sizes.iloc[-1]
    return (
        f"Features *{_escaped(name)}*: complex spectrograms of {total['frequencies']} frequencies "
        f"by {total['frames']} frames, {total['megabytes']:,.0f} MB on disk, "
        f"{total['kilobytes_a_recording']:.1f} kB per recording: "
        f"{total['megabytes'] / total['raw_megabytes']:.0%} of the same values in float32."
    )


def _escaped(text: str) -> str:
    """Text with the markup of reStructuredText escaped."""
    return "".join(f"\\{char}" if char in r"\*`|_<>" else char for char in text)

"""Comparison of runs: their metrics, the spread over seeds, and differences between runs.

A concrete run is one training; a run of the catalogue has one concrete run per seed.
"""

import logging
from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from spokenwords.evaluation import intervals
from spokenwords.recordings.tables import read_table
from spokenwords.wording import counted

logger = logging.getLogger("spokenwords")

MEASURES = ("accuracy", "loss", "macro_f1")
# Figures of a labelled stream, and what they are called here.
OF_STREAM = {"recall": "words_found", "per_hour": "false_alarms_per_hour"}

_TEXT = (
    "name",
    "run",
    "split",
    "features",
    "representation",
    "model",
    "device",
    "first",
    "second",
    "word",
)
_PAIR = (
    "first",
    "second",
    "recordings",
    "only_first_right",
    "only_second_right",
    "difference",
    "difference_low",
    "difference_high",
    "p_value",
)


def read(path: Path) -> pd.DataFrame:
    """Read one of this module's tables from its CSV file."""
    return read_table(path, _TEXT)


def runs(
    catalogue: Mapping[str, Mapping],
    metrics: Mapping[str, Mapping],
    streams: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """One row per concrete run: its metrics, and the resources of its training.

    `catalogue` gives each concrete run's `run` (its name in the catalogue), split, features,
    representation, model and seed; `metrics` are those of `test_set.evaluate`. `streams` has the
    table of `stream_scores` of each run that was tested in a stream. Its words_found (share) and
    false_alarms_per_hour are those of the threshold in use; other runs have none.
    """
    rows = []
    for name, run in catalogue.items():
        found = metrics[name]
        row = {"name": name} | {key: run[key] for key in ("run", "split", "features")}
        row |= {key: run[key] for key in ("representation", "model", "seed")}
        row |= {"classes": len(found["words"]), "recordings": found["recordings"]}
        for measure in MEASURES:
            low, high = found[f"{measure}_interval"]
            if low == high:  # Resampling identical recordings gives no interval.
                low = high = np.nan
            row |= {measure: found[measure], f"{measure}_low": low, f"{measure}_high": high}
        heard = streams[name].iloc[0] if name in streams else {}
        for figure, column in OF_STREAM.items():
            row |= {column + end: heard.get(figure + end, np.nan) for end in ("", "_low", "_high")}
        row["expected_calibration_error"] = found["expected_calibration_error"]
        row["parameters"] = found["model"]["parameters"]
        training = found["training"]
        row |= {"epochs": training["epochs"], "kept_epoch": training["kept_epoch"]}
        row["training_seconds"] = training["seconds"]
        row["recordings_per_second"] = training["recordings_per_second"]
        row["device"] = training["device"]
        rows.append(row)
    return pd.DataFrame(rows)


def seeds(table: pd.DataFrame) -> pd.DataFrame:
    """One row per run of the catalogue: seeds, mean and sample standard deviation of each measure.

    `table` is that of `runs`. With one seed there is no standard deviation.
    """
    groups = table.groupby("run", sort=False)
    columns = {"seeds": groups.size()}
    for measure in MEASURES:
        columns[f"{measure}_mean"] = groups[measure].mean()
        columns[f"{measure}_sd"] = groups[measure].std(ddof=1)
    return pd.DataFrame(columns).reset_index()


def pairs(predictions: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per pair of concrete runs that were tested on the same recordings.

    - only_first_right, only_second_right: recordings that only one of the two recognised
    - difference: the second run's accuracy minus the first's, with the interval of
      `intervals.of_difference`
    - p_value: `sign_flip_test` of how many more recordings of each speaker the second run
      recognised; if each speaker has one recording, this is McNemar's exact test
    - p_holm: the same, adjusted for the number of pairs (Holm, 1979)

    The figures compare these trained models on such speakers; other seeds may differ otherwise.
    Recordings are matched by file. Pairs with different recordings are left out and logged.
    """
    outcomes = {name: _outcomes(table) for name, table in predictions.items()}
    _log_test_sets(outcomes)
    rows = []
    for (first, a), (second, b) in combinations(outcomes.items(), 2):
        if a.index.equals(b.index):
            lead = b.astype(int) - a.astype(int)
            speakers = a.index.get_level_values("speaker")
            rows.append(
                (
                    first,
                    second,
                    len(a),
                    int((lead < 0).sum()),
                    int((lead > 0).sum()),
                    lead.mean(),
                    *intervals.of_difference(a, b, speakers),
                    sign_flip_test(np.bincount(intervals.groups(speakers), lead)),
                )
            )
    table = pd.DataFrame(rows, columns=_PAIR)
    return table.assign(p_holm=_holm(table["p_value"]))


def words(
    catalogue: Mapping[str, Mapping], predictions: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """One row per word and run of the catalogue: recordings, recall, and difference in recall.

    - recall: the mean over the run's seeds; missing if the word has no test recordings
    - difference: to the recall of the catalogue's first run
    - p_value: `sign_flip_test` of how many more of each speaker's recordings the run's seeds
      recognised, if both runs were tested on the same recordings; with one seed each, and one
      recording of each speaker, this is McNemar's exact test
    - p_holm: the same, adjusted for the number of tests in the table (Holm, 1979)
    """
    names: dict[str, list[str]] = {}
    for name, settings in catalogue.items():
        names.setdefault(settings["run"], []).append(name)
    # The number of a run's seeds that recognised each recording. Seeds share a test set.
    correct = {run: sum(_outcomes(predictions[n]).astype(int) for n in names[run]) for run in names}
    first = next(iter(names))
    parts: dict[str, pd.DataFrame] = {}
    for run, count in correct.items():
        by_word = count.groupby(level="target")
        part = pd.DataFrame({"recordings": by_word.size(), "recall": by_word.mean()})
        part["recall"] /= len(names[run])
        if run != first:
            part["difference"] = part["recall"] - parts[first]["recall"]
            if count.index.equals(correct[first].index):
                lead = count * len(names[first]) - correct[first] * len(names[run])
                group = intervals.groups(lead.index.get_level_values("speaker"))
                lead = lead.groupby([lead.index.get_level_values("target"), group]).sum()
                part["p_value"] = lead.groupby(level="target").agg(sign_flip_test)
        parts[run] = part
    table = pd.concat(parts, names=["run", "word"]).swaplevel()
    every = [sorted(set(table.index.get_level_values("word"))), names]
    table = table.reindex(
        index=pd.MultiIndex.from_product(every, names=["word", "run"]),
        columns=["recordings", "recall", "difference", "p_value"],
    ).reset_index()
    table["recordings"] = table["recordings"].fillna(0).astype(int)
    return table.assign(p_holm=_holm(table["p_value"]))


def sign_flip_test(differences: Iterable[int]) -> float:
    """Return the exact two-sided p value of paired whole-number differences with random signs.

    This is Fisher's randomisation test (The Design of Experiments, 1935, §21): the share of all
    assignments of signs whose sum is at least as far from 0. With sums over speakers, whose
    recordings are correlated, it is the test of I. A. Canay, J. P. Romano and A. M. Shaikh
    (Randomization tests under an approximate symmetry assumption, Econometrica 85, 2017). With
    fewer than six speakers no p value is below 0.05.
    """
    differences = np.asarray(differences, dtype=int)
    sizes, counts = np.unique(np.abs(differences), return_counts=True)
    highest = int(sizes @ counts)
    period = 2 * highest + 1
    # The characteristic function of a difference is cos(size x), that of the sum their product. Its
    # Fourier transform gives the probabilities of 0, 1, … and, from the end, of −1, −2, …
    places, function = np.arange(highest + 1), np.ones(highest + 1)
    for size, count in zip(sizes, counts, strict=True):
        function *= np.cos(2 * np.pi / period * (places * size % period)) ** count
    chances = np.fft.irfft(function, period)
    far = abs(int(differences.sum()))
    return float(np.clip(chances[far : period - far + (far > 0)].sum(), 0, 1))


def _outcomes(predictions: pd.DataFrame) -> pd.Series:
    """Whether each recording was recognised, with a sorted index of target, file and speaker."""
    correct = predictions["target"] == predictions["prediction"]
    recordings = predictions[["target", "file", "speaker"]]
    return correct.set_axis(pd.MultiIndex.from_frame(recordings)).sort_index()


def _log_test_sets(outcomes: Mapping[str, pd.Series]) -> None:
    groups: list[tuple[pd.Index, list[str]]] = []
    for name, outcome in outcomes.items():
        for index, names in groups:
            if index.equals(outcome.index):
                names.append(name)
                break
        else:
            groups.append((outcome.index, [name]))
    if len(groups) > 1:
        lines = [
            f"\n  {', '.join(names)} ({counted(len(index), 'recording')})"
            for index, names in groups
        ]
        logger.info(f"Only runs with the same test recordings are compared:{''.join(lines)}")


def _holm(p_values: pd.Series) -> pd.Series:
    known = p_values.dropna().astype(float)
    if known.empty:
        return p_values
    return pd.Series(multipletests(known, method="holm")[1], known.index).reindex(p_values.index)

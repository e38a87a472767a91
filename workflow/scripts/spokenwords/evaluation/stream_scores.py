"""Words found, missed and falsely found in a labelled stream, at each threshold."""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spokenwords.evaluation import false_alarms, intervals, labelled_stream
from spokenwords.evaluation.false_alarms import SHARES
from spokenwords.evaluation.labelled_stream import Source, Spoken, build
from spokenwords.model import thresholds
from spokenwords.recognition import detector
from spokenwords.recordings import audio, manifest, negatives, tables

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier
    from spokenwords.recognition.detector import Event

DECODED = 2  # negatives in memory: parts of a long one may follow each other
# What happened to a word, and what an event is.
OUTCOMES = ("found", "mistaken", "missed")
KINDS = ("found", "repeated", "mistaken", "false alarm")


def of_test_set(
    classifier: "Classifier",
    folder: Path,
    test: Path,
    noise: Sequence[Path],
    parts: Sequence[str],
    folders_of_negatives: Sequence[Path],
    stream: Mapping[str, Any],
    window: str,
) -> tuple[np.ndarray, list[Spoken], list[Spoken]]:
    """Return a stream of test recordings, as `labelled_stream.build` does.

    `test` is the manifest of recordings in `folder`; those of words that the classifier does not
    have are spoken, too. `noise` are recordings whose ends are the background. `parts`, if there is
    one, is the table of the parts of negatives, whose test part is heard. `stream` has `hours` and
    `seed`; `window` cuts recordings as in training. Unreadable noise is skipped with a warning.
    """
    rate, length = classifier.transform.sample_rate, classifier.samples

    def load(file: str) -> np.ndarray:
        with audio.usable_before(file):
            return audio.load(folder / file, rate, length, window)

    @lru_cache(DECODED)
    def negative(file: str) -> np.ndarray:
        return audio.mono(negatives.path_of(file, folders_of_negatives), rate)

    def part(file: str, start: int, end: int) -> np.ndarray:
        return negative(file)[start:end]

    words: list[Source] = []
    others: list[Source] = []
    names = set(classifier.words).difference(classifier.non_words)
    for row in manifest.read(test).itertuples():
        if row.word in names:
            words.append(Source(partial(load, row.file), row.word, row.file, row.speaker))
        else:
            others.append(Source(partial(load, row.file), "", row.file, row.speaker))
    for path in parts:
        table = tables.read_table(Path(path), ["file", "set"])
        step = round(labelled_stream.LONGEST * rate)
        for row in table[table["set"] == "test"].itertuples():
            end = row.start + row.samples
            for start in range(row.start, end, step):
                sound = partial(part, row.file, start, min(start + step, end))
                others.append(Source(sound, "", row.file))
    background = [
        sound for sound in false_alarms.testing_parts(noise, rate) if len(sound) >= length
    ]
    return build(words, others, background, stream["hours"], rate, stream["seed"])


def score(
    classifier: "Classifier",
    scan: tuple[np.ndarray, np.ndarray],
    length: int,
    spoken: Sequence[Spoken],
    used: float,
) -> pd.DataFrame:
    """Return one row per threshold: what happened to each word, and false alarms per hour.

    `scan` are all windows of a stream of `length` samples, as of `sliding_window.scan`.
    Thresholds are those of `false_alarms.SHARES` and, first, `used`, the one that is used. Columns:
    share (of correct validation answers accepted), threshold, words (in the stream), recordings
    (different ones of words), found, mistaken (only another word was found) and missed (counts),
    repeated (a word that was found again), false_alarms, hours; and with 95 % intervals (`_low`,
    `_high`) recall (share found, by `intervals.of_share`) and per_hour (false alarms, Garwood's).
    """
    hours = length / classifier.transform.sample_rate / 3600
    speakers = [one.speaker for one in spoken]
    rows = []
    accepted = (classifier.confidences >= used).mean() if len(classifier.confidences) else 1.0
    listed = [(share, thresholds.threshold(classifier.confidences, share)) for share in SHARES]
    for share, threshold in [(accepted, used), *listed]:
        events = detector.events(classifier, *scan, length, threshold)
        outcomes, kinds = matched(events, spoken)
        row = {"share": share, "threshold": threshold, "words": len(spoken)}
        row["recordings"] = len({one.file for one in spoken})
        row |= {name: outcomes.count(name) for name in OUTCOMES}
        alarms = kinds.count("false alarm")
        row |= {"repeated": kinds.count("repeated"), "false_alarms": alarms, "hours": hours}
        found = np.array([outcome == "found" for outcome in outcomes])
        recall, (low, high) = np.nan, (np.nan, np.nan)
        if len(found):
            recall, (low, high) = found.mean(), intervals.of_share(found, speakers)
        row |= {"recall": recall, "recall_low": low, "recall_high": high}
        rate, (low, high) = intervals.of_rate(alarms, hours)
        rows.append(row | {"per_hour": rate, "per_hour_low": low, "per_hour_high": high})
    return pd.DataFrame(rows)


def matched(events: Sequence["Event"], spoken: Sequence[Spoken]) -> tuple[list[str], list[str]]:
    """Return the outcome of each word spoken (`OUTCOMES`), and the kind of each event (`KINDS`).

    An event belongs to the word whose middle is closest to that of its window, if it is within the
    window. A word is `found` if one of its events has its name, and further ones are `repeated`;
    `mistaken` if there are only events with other names; otherwise `missed`. Events that belong to
    no word are false alarms, and so are those with another name than that of a word that is found.
    """
    middles = np.array([one.middle for one in spoken])
    outcomes, kinds = ["missed"] * len(spoken), ["false alarm"] * len(events)
    owners: list[int | None] = []
    for number, event in enumerate(events):
        distances = np.abs(middles - (event.start + event.end) / 2)
        near = len(distances) and distances.min() <= (event.end - event.start) / 2
        owner = int(distances.argmin()) if near else None
        owners.append(owner)
        if owner is not None and event.word == spoken[owner].word:
            kinds[number] = "repeated" if outcomes[owner] == "found" else "found"
            outcomes[owner] = "found"
    for number, owner in enumerate(owners):
        if owner is not None and outcomes[owner] != "found":
            outcomes[owner] = kinds[number] = "mistaken"
    return outcomes, kinds

"""False alarms: sounds that are none of the classifier's words and are recognised as one.

An answer is accepted if its probability reaches the confidence threshold. With a higher threshold
there are fewer false alarms, and fewer words are recognised. Each threshold here accepts some share
of the correct validation answers. Its effect is measured on test recordings: of the classifier's
words, of words that it was trained to call `unknown`, of out-of-vocabulary words, and of noise.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spokenwords.evaluation import intervals
from spokenwords.model import inference, thresholds
from spokenwords.model.thresholds import Best
from spokenwords.names import NOISE_PARTS, UNKNOWN
from spokenwords.recognition import detector, sliding_window
from spokenwords.recordings import audio, classes, decoding, manifest
from spokenwords.spectrograms import in_memory

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier

logger = logging.getLogger("spokenwords")

# Shares of correct validation answers that are accepted, from all of them down to half.
SHARES = np.arange(200, 99, -1) / 200


def of_test_set(
    classifier: "Classifier",
    stores: Sequence[str],
    test: Path,
    recordings_of_noise: Sequence[Path],
    settings: Mapping[str, Any],
    threads: int,
) -> pd.DataFrame:
    """Return the `table` for the recordings of the manifest `test` and the ends of noise files.

    `stores` are the zarr.json files of all words, `settings` those of the run.
    """
    chosen = classes.of_stores(stores, settings)
    recordings = manifest.read(test)
    budget = in_memory.as_bytes(settings["memory_budget"])
    [spectrograms] = in_memory.load(
        in_memory.open_stores(stores, threads), [recordings], classifier.device, budget
    )
    best, probabilities = (
        values.cpu().numpy() for values in inference.likeliest_classes(classifier, spectrograms)
    )
    spoken = recordings["word"]
    unknown = spoken.isin(settings["unknown"])
    out_of_vocabulary = ~spoken.isin(chosen.number)
    words = ~(unknown | out_of_vocabulary)
    parts = {"words": words, "unknown": unknown, "strangers": out_of_vocabulary}
    return table(
        classifier,
        (best[words], probabilities[words]),
        spoken[words],
        (best[unknown], probabilities[unknown]),
        (best[out_of_vocabulary], probabilities[out_of_vocabulary]),
        testing_parts(recordings_of_noise, classifier.transform.sample_rate),
        {name: recordings.loc[part, "speaker"] for name, part in parts.items()},
    )


def table(
    classifier: "Classifier",
    words: Best,
    targets: Sequence[str],
    unknown: Best,
    out_of_vocabulary: Best,
    waveforms_of_noise: Sequence[np.ndarray],
    speakers: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    """One row per threshold: the share of words recognised, and the rates of false alarms.

    `words`, `unknown` and `out_of_vocabulary` are the likeliest classes of test recordings: of the
    classifier's words (their names are `targets`), of words trained as unknown, and of words that
    were not trained on. `speakers` has the speakers of each of the three, under the names of the
    columns. `waveforms_of_noise` [samples] are searched for words with a sliding window.

    Columns: share (of correct validation answers accepted); threshold; words (share recognised);
    unknown and strangers (shares of these two kinds of other words predicted as one of the words);
    noise (words found per hour). Each of the four comes with the number tested (`_tested`; hours
    for noise) and a 95 % interval (`_low`, `_high`), by `intervals.of_share` or, for the Poisson
    rate, Garwood's. What could not be tested is NaN.
    """
    hours = sum(map(len, waveforms_of_noise)) / classifier.transform.sample_rate / 3600
    scans = list(sliding_window.scan(classifier, waveforms_of_noise))
    rows = []
    for share in SHARES:
        threshold = thresholds.threshold(classifier.confidences, share)
        answers = thresholds.answer(*words, classifier.words, classifier.non_words, threshold)
        row = {"share": share, "threshold": threshold}
        row |= _share("words", answers == np.array(targets, dtype=object), speakers)
        for name, others in (("unknown", unknown), ("strangers", out_of_vocabulary)):
            row |= _share(name, _accepted(classifier, others, threshold), speakers)
        found = sum(
            len(detector.events(classifier, *scan, len(waveform), threshold))
            for scan, waveform in zip(scans, waveforms_of_noise, strict=True)
        )
        rows.append(row | _per_hour("noise", found, hours))
    return pd.DataFrame(rows)


def testing_parts(files: Sequence[Path], sample_rate: int) -> list[np.ndarray]:
    """Return the ends of recordings of noise at `sample_rate` (Hz): no part of training uses them.

    Unreadable files are skipped with a warning.
    """
    parts = []
    for file in files:
        try:
            waveform = audio.mono(file, sample_rate)
        except decoding.UnreadableRecordingError as reason:
            logger.warning(f"Warning: {file} is skipped: {reason}.")
            continue
        first, end = (round(share * len(waveform)) for share in NOISE_PARTS["test"])
        parts.append(waveform[first:end])
    return parts


def _accepted(classifier: "Classifier", others: Best, threshold: float) -> np.ndarray:
    """Which recordings are falsely accepted as words, bool [recording]."""
    answers = thresholds.answer(*others, classifier.words, classifier.non_words, threshold)
    return ~np.isin(answers, [UNKNOWN, *classifier.non_words])


def _share(
    name: str, chosen: np.ndarray, speakers: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    share = low = high = np.nan
    if len(chosen):
        several = len(set().union(*speakers.values())) > 1
        share, (low, high) = chosen.mean(), intervals.of_share(chosen, speakers[name], several)
    return {name: share, f"{name}_tested": len(chosen), f"{name}_low": low, f"{name}_high": high}


def _per_hour(name: str, count: int, hours: float) -> dict[str, float]:
    rate, (low, high) = intervals.of_rate(count, hours) if hours else (np.nan, (np.nan, np.nan))
    return {name: rate, f"{name}_tested": hours, f"{name}_low": low, f"{name}_high": high}

"""False alarms: what is no word of the classifier's and is taken for one, and what they cost.

From a confidence on, an answer counts. The higher this threshold, the fewer false alarms, and the
fewer words are recognised. Thresholds are those that keep some share of right answers on the
validation set; what each does is measured on test recordings, on words that were never trained on,
and on noise that was not.
"""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import chi2

from spokenwords.evaluation import intervals
from spokenwords.model import thresholds
from spokenwords.model.classifier import Classifier
from spokenwords.model.thresholds import Best
from spokenwords.names import UNKNOWN
from spokenwords.recognition import sliding_window
from spokenwords.recordings import audio, decoding
from spokenwords.spectrograms import noise

logger = logging.getLogger("spokenwords")

# Shares of right answers on the validation set, from all of them to half.
SHARES = np.arange(200, 99, -1) / 200


def table(
    classifier: Classifier,
    words: Best,
    targets: Sequence[str],
    unknown: Best,
    strangers: Best,
    recordings_of_noise: Sequence[np.ndarray],
    speakers: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    """A row a threshold: what is recognised, and what is taken for a word and is none.

    `words`, `unknown` and `strangers` are the likeliest classes of test recordings: of the
    classifier's words, which `targets` names, of words that were trained as unknown, and of words
    that were not trained on; `speakers` names those of each of the three. `recordings_of_noise` are
    waveforms [samples], in which words are looked for as `spotting` does.

    Columns: share (of right answers on the validation set), threshold; words, the share recognised;
    unknown and strangers, the shares taken for words; noise, the words found in an hour of it. Each
    of the four has the number tested (`_tested`; of noise, hours) and a 95 % interval (`_low`,
    `_high`; by `intervals.of_share`, and Garwood's of a Poisson rate). What could not be tested is
    NaN.
    """
    rate = classifier.transform.sample_rate
    hours = sum(map(len, recordings_of_noise)) / rate / 3600
    with ThreadPoolExecutor(1) as pool:
        scans = list(sliding_window.probabilities(classifier, recordings_of_noise, pool))
    scans = [sliding_window.smoothed(scan) for scan in scans]
    rows = []
    for share in SHARES:
        threshold = thresholds.threshold(classifier.confidences, share)
        said = thresholds.answer(*words, classifier.words, classifier.no_words, threshold)
        row = {"share": share, "threshold": threshold}
        row |= _share("words", said == np.array(targets, dtype=object), speakers)
        for name, others in (("unknown", unknown), ("strangers", strangers)):
            row |= _share(name, _taken(classifier, others, threshold), speakers)
        found = sum(
            len(sliding_window.events(classifier, scan, len(waveform), threshold))
            for scan, waveform in zip(scans, recordings_of_noise, strict=True)
        )
        rows.append(row | _per_hour("noise", found, hours))
    return pd.DataFrame(rows)


def testing_parts(files: Sequence[Path], sample_rate: int) -> list[np.ndarray]:
    """The ends of recordings of noise, at `sample_rate` (Hz), which nothing is trained on.

    Unreadable files are left out, and the log says which.
    """
    parts = []
    for file in files:
        try:
            waveform = audio.mono(file, sample_rate)
        except decoding.UnreadableRecordingError as reason:
            logger.warning(f"Warning: {file} is left out: {reason}.")
            continue
        first, end = (round(share * len(waveform)) for share in noise.PARTS["test"])
        parts.append(waveform[first:end])
    return parts


def _taken(classifier: Classifier, others: Best, threshold: float) -> np.ndarray:
    """Which of the recordings are taken for words, bool [recording]."""
    said = thresholds.answer(*others, classifier.words, classifier.no_words, threshold)
    return ~np.isin(said, [UNKNOWN, *classifier.no_words])


def _share(
    name: str, chosen: np.ndarray, speakers: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    share, low, high = [np.nan] * 3
    if len(chosen):
        several = len(set().union(*speakers.values())) > 1
        share, (low, high) = chosen.mean(), intervals.of_share(chosen, speakers[name], several)
    columns = {name: share, f"{name}_tested": len(chosen)}
    return columns | {f"{name}_low": low, f"{name}_high": high}


def _per_hour(name: str, count: int, hours: float) -> dict[str, float]:
    """A Poisson rate with its exact interval (F. Garwood, Biometrika 28, 1936)."""
    rate, low, high = [np.nan] * 3
    if hours:
        low = chi2.ppf(intervals.TAIL, 2 * count) / 2 / hours if count else 0.0
        high = chi2.ppf(1 - intervals.TAIL, 2 * count + 2) / 2 / hours
        rate = count / hours
    return {name: rate, f"{name}_tested": hours, f"{name}_low": low, f"{name}_high": high}

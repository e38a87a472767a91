"""What is said in recordings: a table of the likeliest words, from a trained model alone."""

import csv
import io
import logging
import math
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from spokenwords.jobs.progress import Progress
from spokenwords.model import thresholds
from spokenwords.model.classifier import Classifier
from spokenwords.names import UNKNOWN
from spokenwords.recognition import sliding_window
from spokenwords.recordings import audio, decoding
from spokenwords.spectrograms import level

logger = logging.getLogger("spokenwords")

# Recordings are read ahead of the network as long as their files, and so many bytes more for each,
# take no more than this together. Samples of 16 bits take twice as much as 32-bit numbers. Files
# with other suffixes than these are compressed, of speech about to so small a part.
AHEAD = 32_000_000
BESIDES = 100_000
PLAIN = (*(".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc"), ".caf", ".au")
COMPRESSION = 20

LIKELIEST = 3
COLUMNS = [
    *("file", "start", "end", "answer"),
    *(f"{name}{place}" for place in range(1, LIKELIEST + 1) for name in ("word", "p")),
    "fault",
]
# Of times (s) and probabilities.
DECIMALS = 6


def recognize(
    classifier: Classifier, paths: list[Path], kept: float, threads: int
) -> Iterator[dict[str, Any]]:
    """Rows of `COLUMNS` on recordings of any rate, channels and length, in the order of `paths`.

    A recording no longer than the classifier's window has a row. A longer one has a row for each
    word that is found in it (see spotting.py), or one row over all of it: its answer is the class
    that all windows take it for, if that is the same one (`silence`), and else `unknown`; the
    probabilities are means over the windows. Times are in s, in a recording brought to the
    classifier's sample rate. Where there are fewer than three classes, columns are missing.

    A word counts from a threshold on that keeps the share `kept` of right answers (see answers.py).
    An unreadable recording has a row with its file and its `fault`; all of them are told together
    at the end. `threads` threads read ahead. Raises `UserError` when the classifier's scores are
    no numbers.
    """
    threshold = thresholds.threshold(classifier.confidences, kept)
    logger.info(f"A word counts from a probability of {threshold:.3g} on.")
    progress = Progress("Recognising", len(paths), "recordings")
    in_work: deque[tuple[Path, int, str]] = deque()
    faults, quiet, narrow = [], [], []

    def waveforms(pool: ThreadPoolExecutor) -> Iterator[np.ndarray]:
        load = partial(_load, classifier=classifier)
        for recording in sliding_window.ahead(pool, load, paths, AHEAD, _weight):
            in_work.append((recording.path, len(recording.waveform), recording.fault))
            if recording.level < classifier.quietest:
                quiet.append(recording.path)
            if recording.rate < classifier.transform.sample_rate:
                narrow.append(recording.path)
            yield recording.waveform
            del recording  # Hours of sound, maybe, while the next one is waited for.

    with ThreadPoolExecutor(threads) as pool:
        for windows in sliding_window.probabilities(classifier, waveforms(pool), pool):
            path, length, fault = in_work.popleft()
            file = _text(path)
            if fault:
                faults.append(f"{_shown(path)}: {fault}")
                yield {"file": file, "fault": fault}
            else:
                for row in _rows(classifier, windows, length, threshold):
                    yield {"file": file} | row
            progress.advance()
    if faults:
        head = f"{len(faults):,} of {len(paths):,} recordings could not be read:"
        logger.warning("\n  ".join([head, *faults]))
    if quiet:
        logger.warning(
            f"Warning: {_share(quiet, paths)} far quieter than what the model was trained on "
            f"(below {classifier.quietest:.0f} dBFS): it may miss words. Record louder, or closer "
            "to the microphone."
        )
    if narrow:
        logger.warning(
            f"Warning: {_share(narrow, paths)} recorded with a sample rate below the model's, "
            f"{classifier.transform.sample_rate:,} Hz. Without high frequencies it may miss words."
        )


def write(rows: Iterable[dict[str, Any]], file: TextIO) -> int:
    """Write rows as CSV to a file opened with newline=""; return how many of them are faults."""
    faults = 0
    file.write(_line(COLUMNS))
    for row in rows:
        faults += "fault" in row
        file.write(_line(row.get(column, "") for column in COLUMNS))
    return faults


def _line(values: Iterable[Any]) -> str:
    # A carriage return in a file's name is not quoted where lines end with a line feed alone.
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(values)
    return text.getvalue().removesuffix("\r\n") + "\n"


@dataclass
class _Recording:
    """A recording of the classifier's rate [samples], or why there is none."""

    path: Path
    waveform: np.ndarray
    fault: str = ""
    # Of the file, Hz, and of its loudest part, dBFS; where there is a fault nothing is said of it.
    rate: float = math.inf
    level: float = 0.0


def _weight(path: Path) -> int:
    """About how many bytes reading takes."""
    try:
        plain = path.suffix.lower() in PLAIN
        return BESIDES + path.stat().st_size * (1 if plain else COMPRESSION)
    except OSError:
        return BESIDES


def _load(path: Path, classifier: Classifier) -> _Recording:
    try:
        samples, rate = decoding.decode(path)
        waveform = audio.mix_down(samples)
        del samples  # Hours of all channels, maybe.
        waveform = audio.resample(waveform, rate, classifier.transform.sample_rate)
        loudest = level.of_loudest(waveform, classifier.samples)
        return _Recording(path, waveform, rate=rate, level=loudest)
    except decoding.UnreadableRecordingError as reason:
        fault = str(reason)
    except MemoryError:
        fault = "too long for this machine's memory"
    return _Recording(path, np.empty(0, np.float32), fault)


def _text(path: Path) -> str:
    """A path, whose bytes that are no text are given by number."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _shown(path: Path) -> str:
    """A path as messages have it: in quotes where it would steer a terminal."""
    name = _text(path)
    return name if name.isprintable() else repr(name)


def _share(some: list[Path], paths: list[Path]) -> str:
    """How many of the recordings these are, with a name, and the verb."""
    such = f" ({'such as ' if len(paths) > 1 else ''}{_shown(some[0])})"
    return f"{len(some):,} of {len(paths):,} recordings{such} {'is' if len(some) == 1 else 'are'}"


def _rows(
    classifier: Classifier, windows: np.ndarray, length: int, threshold: float
) -> list[dict[str, Any]]:
    """The rows, but for the file, on a recording of `length` samples; `windows` [window, class]."""
    means = sliding_window.smoothed(windows)
    if found := sliding_window.events(classifier, means, length, threshold):
        return [
            _row(classifier, event.start, event.end, event.word, event.probabilities)
            for event in found
        ]
    best = thresholds.best(means)
    said = set(thresholds.answer(*best, classifier.words, classifier.no_words, threshold))
    answer = said.pop() if len(said) == 1 else UNKNOWN
    end = length / classifier.transform.sample_rate
    return [_row(classifier, 0.0, end, answer, windows.mean(axis=0))]


def _row(
    classifier: Classifier, start: float, end: float, answer: str, probabilities: np.ndarray
) -> dict[str, Any]:
    """A row: from when to when (s), the answer, and the likeliest classes."""
    likeliest = np.argsort(-probabilities, kind="stable")[:LIKELIEST]
    row = {"start": round(start, DECIMALS), "end": round(end, DECIMALS), "answer": answer}
    for place, i in enumerate(likeliest, start=1):
        row[f"word{place}"] = classifier.words[i]
        row[f"p{place}"] = round(float(probabilities[i]), DECIMALS)
    return row

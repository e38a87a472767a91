"""The table of words that a trained model recognises in recordings."""

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
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from spokenwords.jobs.progress import Progress
from spokenwords.model import thresholds
from spokenwords.names import UNKNOWN
from spokenwords.recognition import detector, reading_ahead, sliding_window
from spokenwords.recordings import audio, decoding
from spokenwords.spectrograms import level

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier

logger = logging.getLogger("spokenwords")

# Bytes of files that are read ahead of the network; 16-bit samples take twice as much in memory.
AHEAD = 32_000_000
OVERHEAD = 100_000  # bytes per recording
# Suffixes of uncompressed files; speech in other formats is compressed about this much.
PLAIN = (".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".caf", ".au")
COMPRESSION = 20

LIKELIEST = 3
COLUMNS = ["file", "start", "end", "answer"]
COLUMNS += [f"{name}{place}" for place in range(1, LIKELIEST + 1) for name in ("word", "p")]
COLUMNS += ["fault"]
DECIMALS = 6  # of times (s) and probabilities


def recognize(
    classifier: "Classifier", paths: list[Path], threshold: float, threads: int
) -> Iterator[dict[str, Any]]:
    """Yield rows of `COLUMNS` for recordings of any rate and length, in the order of `paths`.

    A recording no longer than the classifier's window has one row. A longer one has one row per
    word found in it (`detector.Detector`). If none is found, it has one row for its whole
    length: the answer is the class that all windows have in common (such as `silence`), otherwise
    `unknown`, and the probabilities are means over the windows. Times are in s, after resampling to
    the classifier's rate. With fewer than three classes, columns are missing.

    Words are reported if their probability reaches `threshold`. An unreadable recording has a row
    with its file and the error (`fault`); the log lists all of them at the end. `threads` threads
    read ahead. Raises `UserError` if the classifier's scores are not finite.
    """
    logger.info(f"Words are reported if their probability reaches {threshold:.3g}.")
    progress = Progress("Recognising", len(paths), "recordings")
    pending: deque[tuple[Path, int, str]] = deque()
    unreadable, quiet, narrow = [], [], []

    def waveforms(pool: ThreadPoolExecutor) -> Iterator[np.ndarray]:
        load = partial(_load, classifier=classifier)
        for recording in reading_ahead.ahead(pool, load, paths, AHEAD, _weight):
            pending.append((recording.path, len(recording.waveform), recording.error))
            if recording.level < classifier.quietest:
                quiet.append(recording.path)
            if recording.rate < classifier.transform.sample_rate:
                narrow.append(recording.path)
            yield recording.waveform
            del recording  # It may be hours long: free it before waiting for the next one.

    with ThreadPoolExecutor(threads) as pool:
        for starts, probabilities in sliding_window.scan(classifier, waveforms(pool)):
            path, length, error = pending.popleft()
            file = _text(path)
            if error:
                unreadable.append(f"{_shown(path)}: {error}")
                yield {"file": file, "fault": error}
            else:
                for row in _rows(classifier, starts, probabilities, length, threshold):
                    yield {"file": file} | row
            progress.advance()
    if unreadable:
        head = f"{len(unreadable):,} of {len(paths):,} recordings could not be read:"
        logger.warning("\n  ".join([head, *unreadable]))
    if quiet:
        logger.warning(
            f"Warning: {_share(quiet, paths)} far quieter than the training recordings (below "
            f"{classifier.quietest:.0f} dBFS), so that words may be missed. Record louder, or "
            "closer to the microphone."
        )
    if narrow:
        logger.warning(
            f"Warning: {_share(narrow, paths)} recorded with a lower sample rate than the model's, "
            f"{classifier.transform.sample_rate:,} Hz. Without high frequencies, words may be "
            "missed."
        )


def write(rows: Iterable[dict[str, Any]], file: TextIO) -> int:
    """Write rows as CSV to a file opened with newline=""; return the number of unreadable files."""
    unreadable = 0
    file.write(_line(COLUMNS))
    for row in rows:
        unreadable += "fault" in row
        file.write(_line(row.get(column, "") for column in COLUMNS))
    return unreadable


def _line(values: Iterable[Any]) -> str:
    # With "\n" as line terminator, csv would not quote a carriage return in a file name.
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(values)
    return text.getvalue().removesuffix("\r\n") + "\n"


@dataclass
class _Recording:
    """A recording at the classifier's rate [samples], or the error if it is unreadable."""

    path: Path
    waveform: np.ndarray
    error: str = ""
    rate: float = math.inf  # of the file, Hz
    level: float = 0.0  # of the loudest part, dBFS


def _weight(path: Path) -> int:
    """Estimate the uncompressed size of a recording in bytes."""
    try:
        plain = path.suffix.lower() in PLAIN
        return OVERHEAD + path.stat().st_size * (1 if plain else COMPRESSION)
    except OSError:
        return OVERHEAD


def _load(path: Path, classifier: "Classifier") -> _Recording:
    try:
        samples, rate = decoding.decode(path)
        waveform = audio.mix_down(samples)
        del samples  # All channels may take gigabytes.
        waveform = audio.resample(waveform, rate, classifier.transform.sample_rate)
        loudest = level.of_loudest(waveform, classifier.samples)
        return _Recording(path, waveform, rate=rate, level=loudest)
    except decoding.UnreadableRecordingError as reason:
        error = str(reason)
    except MemoryError:
        error = "too long for this machine's memory"
    return _Recording(path, np.empty(0, np.float32), error)


def _text(path: Path) -> str:
    """A path as text; bytes that are not UTF-8 are written as numbers."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _shown(path: Path) -> str:
    """A path for messages: quoted if it contains control characters for the terminal."""
    name = _text(path)
    return name if name.isprintable() else repr(name)


def _share(some: list[Path], paths: list[Path]) -> str:
    """The beginning of a sentence about some of the recordings, with an example and the verb."""
    example = f"{'such as ' if len(paths) > 1 else ''}{_shown(some[0])}"
    verb = "is" if len(some) == 1 else "are"
    return f"{len(some):,} of {len(paths):,} recordings ({example}) {verb}"


def _rows(
    classifier: "Classifier",
    starts: np.ndarray,
    probabilities: np.ndarray,
    length: int,
    threshold: float,
) -> list[dict[str, Any]]:
    """The rows, without `file`, for a recording of `length` samples, given its windows."""
    if found := detector.events(classifier, starts, probabilities, length, threshold):
        return [
            _row(classifier, event.start, event.end, event.word, event.probabilities)
            for event in found
        ]
    best = thresholds.best(detector.smoothed(probabilities))
    answers = set(thresholds.answer(*best, classifier.words, classifier.non_words, threshold))
    answer = answers.pop() if len(answers) == 1 else UNKNOWN
    end = length / classifier.transform.sample_rate
    return [_row(classifier, 0.0, end, answer, probabilities.mean(axis=0))]


def _row(
    classifier: "Classifier", start: float, end: float, answer: str, probabilities: np.ndarray
) -> dict[str, Any]:
    """A row: start and end (s), the answer, and the likeliest classes."""
    likeliest = np.argsort(-probabilities, kind="stable")[:LIKELIEST]
    row = {"start": round(start, DECIMALS), "end": round(end, DECIMALS), "answer": answer}
    for place, i in enumerate(likeliest, start=1):
        row[f"word{place}"] = classifier.words[i]
        row[f"p{place}"] = round(float(probabilities[i]), DECIMALS)
    return row

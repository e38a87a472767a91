"""Spotting words in recordings of any length: the classifier answers to a window that slides on.

A recording no longer than that is one window, zero-padded as it is for training.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view

from spokenwords.errors import UserError
from spokenwords.jobs.progress import Progress
from spokenwords.model import thresholds
from spokenwords.model.classifier import Classifier
from spokenwords.names import UNKNOWN
from spokenwords.recordings import audio

Item = TypeVar("Item")
Result = TypeVar("Result")

# From one window to the next, s. Some window then has a word within 0.05 s of any place in it; in
# the recordings that classifiers learn from, words begin 0.18 s sooner or later (the standard
# deviation in 1,100 of Speech Commands).
STEP = 0.1
# Windows that the network sees at a time. On a CPU more gain nothing (16 to 128 were tried); in the
# published network's widest layer 64 take 0.2 GB.
BATCH = 64
BATCHES_AHEAD = 4


@dataclass(frozen=True, eq=False)
class Event:
    """A word that was found in the window from `start` to `end` (s).

    `probabilities` are those of all classes there [class]; the word's is the largest.
    """

    word: str
    start: float
    end: float
    probabilities: np.ndarray


def starts(length: int, classifier: Classifier) -> np.ndarray:
    """Where the windows of a recording of `length` samples start, in samples [window].

    The last one ends where the recording does. A recording shorter than a window has one, an empty
    recording none.
    """
    if length == 0:
        return np.empty(0, np.int64)
    step = max(1, round(STEP * classifier.transform.sample_rate))
    last = max(0, length - classifier.samples)
    return np.append(np.arange(0, last, step), last)


def probabilities(
    classifier: Classifier, waveforms: Iterable[np.ndarray], pool: ThreadPoolExecutor
) -> Iterator[np.ndarray]:
    """Of each waveform [samples] the probabilities in its windows, float32 [window, class].

    Waveforms are taken as they are needed, and not kept. Spectrograms are computed by `pool`, ahead
    of the network. Raises `UserError` when the network's scores are no numbers.
    """
    classifier.eval()
    counts: deque[int] = deque()  # of windows, of recordings whose turn is to come
    known, parts, scan = 0, [], None
    batches = _batches(classifier, waveforms, counts)
    transform = classifier.transform.complex_spectrogram
    for spectrograms in ahead(pool, transform, batches, BATCHES_AHEAD):
        parts.append(_network(classifier, spectrograms))
        known += len(parts[-1])
        if counts[0] <= known:
            values, scan = np.concatenate(parts), None
            while counts and counts[0] <= len(values):
                yield values[: counts[0]]
                values = values[counts.popleft() :]
            known, parts = len(values), [values]
        if counts:
            scan = scan or Progress("Scanning", counts[0], "windows")
            scan.advance(known - scan.done)
    for _ in counts:
        yield np.empty((0, len(classifier.words)), np.float32)


def _batches(
    classifier: Classifier, waveforms: Iterable[np.ndarray], counts: deque[int]
) -> Iterator[np.ndarray]:
    """The windows of all waveforms, float32 [window, samples], `BATCH` at a time.

    Each waveform's number of windows is added to `counts`.
    """
    samples = classifier.samples
    batch, filled = np.empty((BATCH, samples), np.float32), 0
    for waveform in waveforms:
        first = starts(len(waveform), classifier)
        counts.append(len(first))
        windows = sliding_window_view(audio.fit(waveform, max(samples, len(waveform))), samples)
        while len(first):
            some, first = np.split(first, [BATCH - filled])
            batch[filled : filled + len(some)] = windows[some]
            filled += len(some)
            if filled == BATCH:
                yield batch
                batch, filled = np.empty_like(batch), 0
        del waveform, windows  # Hours of sound, maybe, while the next recording is waited for.
    if filled:
        yield batch[:filled]


@torch.inference_mode()
def _network(classifier: Classifier, spectrograms: np.ndarray) -> np.ndarray:
    """[window, 2, frequency, time] to probabilities [window, class]."""
    place = next(classifier.network.parameters()).device
    scores = classifier(torch.from_numpy(spectrograms).to(place))
    if not scores.isfinite().all():
        raise UserError(
            "The model's scores are no numbers: its training went wrong. Take another model, or "
            "train it again with a lower learning rate."
        )
    return scores.softmax(dim=1).cpu().numpy()


def ahead(
    pool: ThreadPoolExecutor,
    function: Callable[[Item], Result],
    items: Iterable[Item],
    room: float,
    weight: Callable[[Item], float] = lambda item: 1,
) -> Iterator[Result]:
    """`function` of each item, in order, computed by `pool` ahead of need.

    So many at a time as weigh no more than `room` together, or one. An item weighs until the result
    after its own is asked for.
    """
    waiting: deque[tuple[Future[Result], float]] = deque()
    load = 0.0
    for item in items:
        own = weight(item)
        while waiting and load + own > room:
            yield waiting[0][0].result()
            load -= waiting.popleft()[1]
        waiting.append((pool.submit(function, item), own))
        load += own
        del item
    while waiting:
        yield waiting[0][0].result()
        waiting.popleft()


def smoothed(windows: np.ndarray) -> np.ndarray:
    """The means over each window and its neighbours of probabilities [window, class].

    G. Chen, C. Parada and G. Heigold, "Small-footprint keyword spotting using deep neural networks"
    (2014), smooth posteriors so, over 30 frames of the past.
    """
    sums, counts = windows.copy(), np.ones((len(windows), 1), windows.dtype)
    for values, added in ((sums, windows), (counts, np.ones_like(counts))):
        values[1:] += added[:-1]
        values[:-1] += added[1:]
    return sums / counts


def events(
    classifier: Classifier, windows: np.ndarray, length: int, threshold: float
) -> list[Event]:
    """The words in a recording of `length` samples, in order of time.

    `windows` are the probabilities of its windows [window, class], `smoothed`. Those whose answer
    is a word (see answers.py) are taken from the most probable on, the earliest of equals. Each
    hides those that start within half a window of it, and those of the same word that overlap with
    it, as they may have heard the same: without the latter rule up to one word in fifty was found
    twice.
    """
    first, samples = starts(length, classifier), classifier.samples
    spans = np.stack([first, np.minimum(first + samples, length)], axis=1)
    begins, ends = (spans / classifier.transform.sample_rate).T.tolist()
    numbers, confidences = thresholds.best(windows)
    said = thresholds.answer(numbers, confidences, classifier.words, classifier.no_words, threshold)
    left = ~np.isin(said, [UNKNOWN, *classifier.no_words])
    candidates = np.flatnonzero(left)
    taken = []
    for i in candidates[np.argsort(-confidences[candidates], kind="stable")]:
        if left[i]:
            taken.append(i)
            near = slice(*np.searchsorted(first, [first[i] - samples + 1, first[i] + samples]))
            close = 2 * np.abs(first[near] - first[i]) <= samples
            left[near] &= ~close & (said[near] != said[i])
    return [Event(said[i], begins[i], ends[i], windows[i]) for i in sorted(taken)]

"""Word spotting in recordings of any length: the classifier is applied to a sliding window.

A recording no longer than the window is one window, zero-padded as in training.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view

from spokenwords.errors import UserError
from spokenwords.jobs.progress import Progress
from spokenwords.model import thresholds
from spokenwords.names import UNKNOWN
from spokenwords.recordings import audio

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier

Item = TypeVar("Item")
Result = TypeVar("Result")

# From one window to the next, s. Then in some window a word is within 0.05 s of any given position.
# In 1,100 training recordings of Speech Commands, the start of the word has a standard deviation of
# 0.18 s.
STEP = 0.1
# Windows per batch. On a CPU larger batches are not faster (16 to 128 were tried); in the published
# network's widest layer 64 windows take 0.2 GB.
BATCH = 64
BATCHES_AHEAD = 4


@dataclass(frozen=True, eq=False)
class Event:
    """A word that was found in the window from `start` to `end` (s).

    `probabilities` are those of all classes [class]; the word's is the largest.
    """

    word: str
    start: float
    end: float
    probabilities: np.ndarray


def starts(length: int, classifier: "Classifier") -> np.ndarray:
    """Return the starts of the windows of a recording of `length` samples, in samples [window].

    The last window ends with the recording. A recording shorter than a window has one window, an
    empty recording none.
    """
    if length == 0:
        return np.empty(0, np.int64)
    step = max(1, round(STEP * classifier.transform.sample_rate))
    last = max(0, length - classifier.samples)
    return np.append(np.arange(0, last, step), last)


def probabilities(
    classifier: "Classifier", waveforms: Iterable[np.ndarray], pool: ThreadPoolExecutor
) -> Iterator[np.ndarray]:
    """Yield for each waveform [samples] the probabilities of its windows, float32 [window, class].

    Waveforms are read when they are needed, and released. Spectrograms are computed by `pool`,
    ahead of the network. Raises `UserError` if the network's scores are not finite.
    """
    classifier.eval()
    counts: deque[int] = deque()  # windows of each recording that is not finished
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
    classifier: "Classifier", waveforms: Iterable[np.ndarray], counts: deque[int]
) -> Iterator[np.ndarray]:
    """Yield the windows of all waveforms, float32 [window, samples], `BATCH` at a time.

    The number of windows of each waveform is appended to `counts`.
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
        del waveform, windows  # They may be hours long: free them before waiting for the next.
    if filled:
        yield batch[:filled]


@torch.inference_mode()
def _network(classifier: "Classifier", spectrograms: np.ndarray) -> np.ndarray:
    """[window, 2, frequency, time] to probabilities [window, class]."""
    scores = classifier(torch.from_numpy(spectrograms).to(classifier.device))
    if not scores.isfinite().all():
        raise UserError(
            "The model's scores are not finite numbers: its training failed. Use another model, or "
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
    """Yield `function(item)` of each item in order, computed by `pool` in advance.

    Items in work, and the one whose result was yielded last, weigh at most `room` together; a
    heavier item is alone.
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
    """Average probabilities [window, class] over each window and its two neighbours.

    Similar to the smoothing over 30 past frames of G. Chen, C. Parada and G. Heigold,
    "Small-footprint keyword spotting using deep neural networks" (2014).
    """
    sums, counts = windows.copy(), np.ones((len(windows), 1), windows.dtype)
    for values, added in ((sums, windows), (counts, np.ones_like(counts))):
        values[1:] += added[:-1]
        values[:-1] += added[1:]
    return sums / counts


def events(
    classifier: "Classifier", windows: np.ndarray, length: int, threshold: float
) -> list[Event]:
    """Return the words in a recording of `length` samples, in order of time.

    `windows` are the `smoothed` probabilities of its windows [window, class]. Windows whose answer
    is a word (`thresholds.answer`) are selected by falling probability; of equal ones the earliest
    is first. Each selected window removes those that start within half a window of it, and
    overlapping ones with the same word, which may contain the same utterance: without the latter
    rule up to one word in fifty was found twice.
    """
    first, samples = starts(length, classifier), classifier.samples
    spans = np.stack([first, np.minimum(first + samples, length)], axis=1)
    begins, ends = (spans / classifier.transform.sample_rate).T.tolist()
    numbers, confidences = thresholds.best(windows)
    words, non_words = classifier.words, classifier.non_words
    answers = thresholds.answer(numbers, confidences, words, non_words, threshold)
    left = ~np.isin(answers, [UNKNOWN, *non_words])
    candidates = np.flatnonzero(left)
    selected = []
    for i in candidates[np.argsort(-confidences[candidates], kind="stable")]:
        if left[i]:
            selected.append(i)
            near = slice(*np.searchsorted(first, [first[i] - samples + 1, first[i] + samples]))
            close = 2 * np.abs(first[near] - first[i]) <= samples
            left[near] &= ~close & (answers[near] != answers[i])
    return [Event(answers[i], begins[i], ends[i], windows[i]) for i in sorted(selected)]

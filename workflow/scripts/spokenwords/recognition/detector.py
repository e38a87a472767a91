"""From the probabilities of successive windows to events: words and their times.

Each decision needs only the windows close to it, so that a stream has the same events as a
recording of it.
"""

import math
from collections import deque
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from spokenwords.model import thresholds
from spokenwords.names import UNKNOWN

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier

# Probabilities closer than this are equal. Those of the same window differ by up to 1e-7, depending
# on the number of windows in its batch.
EQUAL = 1e-6
# How far a window is compared with later ones, in windows; each event is delayed as long. With a
# shorter comparison, more words are predicted as others if all answers are accepted; a longer one
# makes little difference (benchmarks/listening.py).
REACH = 0.3


@dataclass(frozen=True, eq=False)
class Event:
    """A word that was found in the window from `start` to `end` (s).

    `probabilities` are those of all classes [class]; the word's is the largest.
    """

    word: str
    start: float
    end: float
    probabilities: np.ndarray

    @property
    def probability(self) -> float:
        """The word's probability."""
        return float(self.probabilities.max())


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A window whose answer is a word: its start (in samples), and its probabilities [class]."""

    start: int
    word: str
    probabilities: np.ndarray

    @property
    def probability(self) -> float:
        return self.probabilities.max()


class Detector:
    """Find the words in successive windows.

    Probabilities are `smoothed`. A window whose answer is a word (`thresholds.answer`) is an event,
    except if

    - an earlier event starts within half a window of it, or has the same word and overlaps it: both
      may contain the same utterance; or
    - a more probable one, to which this does not apply, starts at most `REACH` windows later.
    """

    def __init__(self, classifier: "Classifier", threshold: float):
        self._classifier, self._threshold = classifier, threshold
        self.reset()

    def reset(self) -> None:
        """Begin a new stream."""
        self._starts = np.empty(0, np.int64)
        self._rows = np.empty((0, len(self._classifier.words)))
        self._smoothed = 0  # Of these windows, so many at the beginning are smoothed.
        self._candidates: deque[_Candidate] = deque()
        # Events are more than half a window apart: no earlier one overlaps a window to come.
        self._latest: deque[_Candidate] = deque(maxlen=2)

    def feed(self, starts: np.ndarray, probabilities: np.ndarray) -> list[Event]:
        """Return the events that follow from these windows and those before, in order of time.

        `starts` are in samples [window], `probabilities` [window, class].
        """
        self._starts = np.append(self._starts, starts)
        self._rows = np.concatenate([self._rows, probabilities])
        end = max(0, len(self._rows) - 1)  # The next window is a neighbour of the last one.
        self._select(end)
        known = self._starts[end - 1] if end else -math.inf
        # The last smoothed window is a neighbour, too.
        first = max(0, end - 1)
        self._starts, self._rows, self._smoothed = (
            self._starts[first:],
            self._rows[first:],
            end - first,
        )
        return self._decide(known, math.inf)

    def finish(self, length: int) -> list[Event]:
        """Return the remaining events of a stream of `length` samples."""
        self._select(len(self._rows))
        return self._decide(math.inf, length)

    def _select(self, end: int) -> None:
        """Add the candidates among the windows up to `end` that are not smoothed."""
        new = slice(self._smoothed, end)
        starts, means = self._starts[new], smoothed(self._rows)[new]
        words, non_words = self._classifier.words, self._classifier.non_words
        answers = thresholds.answer(*thresholds.best(means), words, non_words, self._threshold)
        for i in np.flatnonzero(~np.isin(answers, [UNKNOWN, *non_words])):
            self._candidates.append(_Candidate(int(starts[i]), answers[i], means[i]))

    def _decide(self, known: float, length: float) -> list[Event]:
        """Return the events among candidates; all windows that start up to `known` are known."""
        samples, rate = self._classifier.samples, self._classifier.transform.sample_rate
        events = []
        while self._candidates and self._candidates[0].start + REACH * samples <= known:
            one = self._candidates.popleft()
            reach = one.start + REACH * samples
            rivals = takewhile(lambda other: other.start <= reach, self._candidates)  # noqa: B023
            if not self._hidden(one) and not any(
                rival.probability > one.probability + EQUAL and not self._hidden(rival)
                for rival in rivals
            ):
                self._latest.append(one)
                start, end = one.start / rate, min(one.start + samples, length) / rate
                events.append(Event(one.word, start, end, one.probabilities))
        return events

    def _hidden(self, candidate: _Candidate) -> bool:
        """Return whether an earlier event may contain the same utterance."""
        samples = self._classifier.samples
        return any(
            2 * gap <= samples or (gap < samples and event.word == candidate.word)
            for event, gap in ((one, candidate.start - one.start) for one in self._latest)
        )


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
    classifier: "Classifier",
    starts: np.ndarray,
    probabilities: np.ndarray,
    length: int,
    threshold: float,
) -> list[Event]:
    """Return the words in a recording of `length` samples, given all its windows as for `feed`."""
    detector = Detector(classifier, threshold)
    return detector.feed(starts, probabilities) + detector.finish(length)

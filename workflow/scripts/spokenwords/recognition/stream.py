"""The decoder of a stream: samples in pieces of any length in, events out."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from spokenwords.recognition.detector import Detector, Event
from spokenwords.recognition.sliding_window import SlidingWindow, Window, batches, classify

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier


class StreamDecoder:
    """Find words in a stream of samples at the classifier's rate.

    The events do not depend on how the stream is divided into pieces, but probabilities may differ
    by rounding, which may decide at the threshold. An event is returned
    `sliding_window.STEP` (for smoothing) and `detector.REACH` windows after the end of its window.
    Memory is bounded: the state has one window, and few probabilities.
    """

    def __init__(self, classifier: "Classifier", threshold: float):
        self._classifier = classifier.eval()
        self._windows = SlidingWindow(classifier)
        self._detector = Detector(classifier, threshold)

    def feed(self, samples: np.ndarray) -> list[Event]:
        """Return the events that samples, float32 [n], complete, in order of time.

        Raises `UserError` if the network's scores are not finite.
        """
        return self._events(self._windows.feed(samples))

    def finish(self) -> list[Event]:
        """Return the remaining events at the end of the stream, and begin a new stream."""
        events = self._events(self._windows.finish())
        events += self._detector.finish(self._windows.length)
        self.reset()
        return events

    def reset(self) -> None:
        """Forget the stream so far, and begin a new one."""
        self._windows.reset()
        self._detector.reset()

    def _events(self, windows: Iterable[Window]) -> list[Event]:
        events = []
        for batch in batches(windows):
            starts, probabilities = classify(self._classifier, batch)
            events += self._detector.feed(starts, probabilities)
        return events

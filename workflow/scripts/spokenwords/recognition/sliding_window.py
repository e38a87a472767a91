"""The sliding window: from samples, which arrive in pieces, to the probabilities of windows."""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch

from spokenwords.errors import UserError
from spokenwords.jobs.progress import Progress

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier

# The start of a window, in samples, and its spectrogram [2, frequency, time].
Window = tuple[int, np.ndarray]

# From one window to the next, s. Then in some window a word is within 0.05 s of any given position.
# In 1,100 training recordings of Speech Commands, the start of the word has a standard deviation of
# 0.18 s.
STEP = 0.1
# Windows per batch. On a CPU larger batches are not faster (16 to 128 were tried); in the published
# network's widest layer 64 windows take 0.2 GB.
BATCH = 64


class SlidingWindow:
    """The windows in a stream of samples; they are as long as the classifier's recordings.

    They are parts of the spectrogram of the whole stream, so that each frame is computed once.
    Windows start `STEP` apart, rounded to whole frames, and the last one ends with the stream. A
    stream no longer than a window is one window, padded with zeros as in training.
    """

    def __init__(self, classifier: "Classifier"):
        self._transform, self._samples = classifier.transform, classifier.samples
        self._frames = len(self._transform.time(self._samples))
        self._step = max(1, round(STEP * self._transform.sample_rate / self._transform.hop_length))
        # Samples that a frame needs, up to the beginning of the next one.
        self._extent = max(self._transform.n_fft, self._transform.hop_length)
        self.reset()

    def reset(self) -> None:
        """Begin a new stream."""
        self.length = 0  # samples so far
        self._computed = 0  # frames
        self._waiting = np.empty(0, np.float32)  # samples from the next frame on
        self._latest = np.empty(0, np.float32)  # samples to be reflected at the end of the stream
        self._spectrogram = np.empty((2, self._transform.n_fft // 2 + 1, 0), np.float32)

    def count(self, length: int) -> int:
        """Return the number of windows in a stream of `length` samples."""
        frames = len(self._transform.time(max(length, self._samples)))
        return 1 + math.ceil((frames - self._frames) / self._step) if length else 0

    def feed(self, samples: np.ndarray) -> Iterator[Window]:
        """Yield the windows that samples, float32 [n], complete. It must be read to the end."""
        # In parts, since buffers are copied and samples may be hours long.
        for first in range(0, len(samples), self._samples):
            part = samples[first : first + self._samples]
            self.length += len(part)
            self._append(part)
            yield from self._windows()

    def finish(self) -> Iterator[Window]:
        """Yield the windows up to the end of the stream; an empty stream has none."""
        if not self.length:
            return
        self._append(np.zeros(max(0, self._samples - self.length), np.float32))
        # Reflected at the last sample, without repeating it.
        end = np.pad(self._latest[-2::-1], (0, self._extent - self._transform.n_fft))
        self._waiting = np.append(self._waiting, end)
        yield from self._windows()
        if rest := self._whole_frames():
            yield self._window(rest)

    def _append(self, samples: np.ndarray) -> None:
        half, before = self._transform.n_fft // 2, len(self._latest)
        self._latest = np.append(self._latest, samples)[-half - 1 :]
        self._waiting = np.append(self._waiting, samples)
        if before <= half < len(self._latest):
            # Reflected at the first sample, without repeating it.
            self._waiting = np.append(self._waiting[half:0:-1], self._waiting)

    def _whole_frames(self) -> int:
        return max(0, (len(self._waiting) - self._extent) // self._transform.hop_length + 1)

    def _windows(self) -> Iterator[Window]:
        # Frames are computed in groups that do not depend on the lengths of pieces.
        while self._whole_frames() >= (count := self._step if self._computed else self._frames):
            yield self._window(count)

    def _window(self, count: int) -> Window:
        """Return the window that ends `count` frames after the latest one."""
        hop = self._transform.hop_length
        samples = self._waiting[: (count - 1) * hop + self._transform.n_fft]
        frames = self._transform.whole_frames(samples)
        self._waiting = self._waiting[count * hop :]
        # A new array, as the latest window may be in use.
        self._spectrogram = np.concatenate([self._spectrogram, frames], axis=2)[
            ..., -self._frames :
        ]
        self._computed += count
        return (self._computed - self._frames) * hop, self._spectrogram


def batches(windows: Iterable[Window]) -> Iterator[list[Window]]:
    """Yield `BATCH` windows at a time, and at last the rest."""
    source = iter(windows)
    while batch := list(islice(source, BATCH)):
        yield batch


@torch.inference_mode()
def classify(classifier: "Classifier", windows: list[Window]) -> tuple[np.ndarray, np.ndarray]:
    """Return the starts of windows [window] and their probabilities [window, class].

    Probabilities are float64, in which those near 1 differ. Raises `UserError` if the network's
    scores are not finite.
    """
    starts, spectrograms = zip(*windows, strict=True)
    scores = classifier(torch.from_numpy(np.stack(spectrograms)).to(classifier.device))
    if not scores.isfinite().all():
        raise UserError(
            "The model's scores are not finite numbers: its training failed. Use another model, or "
            "train it again with a lower learning rate."
        )
    return np.array(starts), scores.cpu().double().softmax(dim=1).numpy()


def scan(
    classifier: "Classifier", waveforms: Iterable[np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for each waveform [samples] what `classify` returns for its windows.

    Batches have windows of several waveforms, which are read when they are needed, and released.
    Raises `UserError` if the network's scores are not finite.
    """
    classifier.eval()
    counts: deque[int] = deque()  # windows of each waveform that is not finished
    starts: list[int] = []
    rows: list[np.ndarray] = []

    def windows() -> Iterator[Window]:
        stream = SlidingWindow(classifier)
        for waveform in waveforms:
            stream.reset()
            counts.append(stream.count(len(waveform)))
            yield from stream.feed(waveform)
            del waveform  # It may be hours long: free it before waiting for the next one.
            yield from stream.finish()

    def finished() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        while counts and counts[0] <= len(rows):
            count = counts.popleft()
            values = np.array(rows[:count]).reshape(count, len(classifier.words))
            yield np.array(starts[:count], np.int64), values
            del starts[:count], rows[:count]

    progress = None
    for batch in batches(windows()):
        firsts, probabilities = classify(classifier, batch)
        starts.extend(firsts)
        rows.extend(probabilities)
        for result in finished():
            yield result
            progress = None
        if counts:
            progress = progress or Progress("Scanning", counts[0], "windows")
            progress.advance(len(rows) - progress.done)
    yield from finished()

"""Listening to a source: words are printed as they are found, with a level meter between them."""

import json
import logging
import queue
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

import numpy as np

from spokenwords.errors import UserError
from spokenwords.recognition import sources
from spokenwords.recognition.detector import Event
from spokenwords.recognition.sources import Source
from spokenwords.recognition.stream import StreamDecoder
from spokenwords.recordings.resampling import Resampler
from spokenwords.spectrograms import level
from spokenwords.wording import counted

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier

logger = logging.getLogger("spokenwords")

# Pieces that are read ahead.
AHEAD = 100
# The meter: its columns, the level of an empty one (dBFS), and its steps (s).
WIDTH, LOWEST, REFRESH = 40, -60, 0.1


def listen(
    classifier: "Classifier", threshold: float, source: Source, file: TextIO, as_json: bool
) -> None:
    """Write a line per event to `file` until the source ends or Ctrl-C is pressed.

    Words are reported if their probability reaches `threshold`. At the end the log has a summary.
    Raises `UserError` if the source fails.
    """
    rate = classifier.transform.sample_rate
    logger.info(f"Words are reported if their probability reaches {threshold:.3g}.")
    if source.rate < rate:
        logger.warning(
            f"Warning: the sample rate of {source.name}, {source.rate:,} Hz, is lower than the "
            f"model's, {rate:,} Hz. Without high frequencies, words may be missed."
        )
    logger.info(f"Listening to {source.name}, {source.rate:,} Hz; Ctrl-C ends it.")
    decoder, resampler = StreamDecoder(classifier, threshold), Resampler(source.rate, rate)
    meter, found, heard = _Meter(source.rate), Counter[str](), 0

    def report(events: list[Event]) -> None:
        for event in events:
            found[event.word] += 1
            meter.clear()
            print(_line(event, as_json), file=file, flush=True)

    try:
        for piece in _until_interrupted(source):
            heard += len(piece)
            if not np.isfinite(piece).all():
                raise UserError(
                    f"The sound from {source.name} has samples that are not finite numbers."
                )
            report(decoder.feed(resampler.feed(piece)))
            meter.show(piece)
        report(decoder.feed(resampler.finish()))
        report(decoder.finish())
    finally:
        meter.clear()
        words = ", ".join(f"{word} {count}" for word, count in found.most_common())
        end = f": {words}" if words else ""
        total = counted(found.total(), "word")
        logger.info(f"{heard / source.rate:,.1f} s heard, {total}{end}.")


def _line(event: Event, as_json: bool) -> str:
    values = {"word": event.word, "start": round(event.start, 3), "end": round(event.end, 3)}
    values["probability"] = round(event.probability, 6)
    if as_json:
        return json.dumps(values, ensure_ascii=False)
    return f"{event.start:8.1f} s  {event.word}  ({event.probability:.3f})"


def _until_interrupted(source: Source) -> Iterator[np.ndarray]:
    """Yield the source's pieces, read by a thread; SIGINT ends them.

    Reading in this thread, the decoder could be interrupted amid a window.
    """
    waiting: queue.Queue[np.ndarray | Exception | None] = queue.Queue(AHEAD)
    end = threading.Event()

    def put(item: np.ndarray | Exception | None) -> None:
        while not end.is_set():
            with suppress(queue.Full):
                return waiting.put(item, timeout=0.1)

    def read() -> None:
        try:
            for piece in source.pieces:
                put(piece)
                if end.is_set():
                    break
            put(None)
        except Exception as error:
            put(error)
        finally:
            source.pieces.close()

    before = signal.signal(signal.SIGINT, lambda *_: end.set())
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    latest = time.monotonic()
    try:
        while not end.is_set():
            try:
                piece = waiting.get(timeout=0.1)
            except queue.Empty:
                if source.patience and time.monotonic() > latest + source.patience:
                    raise sources.stopped(source.name, "it sends nothing") from None
                continue
            if isinstance(piece, Exception):
                raise piece
            if piece is None:
                break
            yield piece
            latest = time.monotonic()
    finally:
        signal.signal(signal.SIGINT, before)
        end.set()
        thread.join(1)  # A microphone is closed; a pipe may have nothing more to read.


class _Meter:
    """The level of the sound, in a line of the terminal that is overwritten."""

    def __init__(self, rate: int):
        self._shown = sys.stderr is not None and sys.stderr.isatty()
        self._length = REFRESH * rate
        self._samples = np.empty(0, np.float32)

    def show(self, samples: np.ndarray) -> None:
        """Show the level of samples [n] and of those before that were too few to be shown."""
        if not self._shown:
            return
        self._samples = np.append(self._samples, samples)
        if len(self._samples) >= self._length:
            now = level.of_samples(self._samples)
            filled = round(WIDTH * min(1, max(0, 1 - now / LOWEST)))
            print(f"\r{'#' * filled:{WIDTH}} {now:4.0f} dBFS", end="", file=sys.stderr, flush=True)
            self._samples = self._samples[:0]

    def clear(self) -> None:
        """Remove the line."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

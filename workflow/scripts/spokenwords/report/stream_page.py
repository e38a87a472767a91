"""The page of a labelled stream: spectrogram and sound of its beginning, words and events."""

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spokenwords.evaluation import stream_scores
from spokenwords.evaluation.labelled_stream import Spoken
from spokenwords.recognition import detector
from spokenwords.recordings import audio
from spokenwords.report import gallery, pages

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier

logger = logging.getLogger("spokenwords")

SHOWN = 180.0  # s of the stream: 1.5 MB at 16 kHz
PART = 5.0  # s of a spectrogram
THRESHOLDS = 40  # that can be chosen, and the one in use
# Of the whole stream, at each threshold.
FIGURES = ("recall", "recall_low", "recall_high", "per_hour", "per_hour_low", "per_hour_high")


def page(
    template: str,
    run: str,
    classifier: "Classifier",
    sound: np.ndarray,
    scan: tuple[np.ndarray, np.ndarray],
    said: tuple[Sequence[Spoken], Sequence[Spoken]],
    table: pd.DataFrame,
) -> str:
    """Return the page: `template` with the beginning of the stream `sound`, float32 [samples].

    `scan` are all its windows, as of `sliding_window.scan`, `said` the words and the other
    recordings in it, and `table` is that of `stream_scores.score`.
    """
    rate = classifier.transform.sample_rate
    length = min(len(sound), round(SHOWN * rate))
    whole = scan[0] + classifier.samples <= length
    windows = (scan[0][whole], scan[1][whole])
    spoken, others = ([one for one in kind if one.middle < length / rate] for kind in said)
    listed = table.drop_duplicates("threshold").sort_values("threshold", ignore_index=True)
    places = np.linspace(0, len(listed) - 1, min(len(listed), THRESHOLDS)).round()
    used = int((listed["threshold"] == table["threshold"].iloc[0]).argmax())
    events: dict[tuple, int] = {}
    levels = []
    for place in sorted({*map(int, places), used}):
        row = listed.iloc[place]
        found = detector.events(classifier, *windows, length, row["threshold"])
        outcomes, kinds = stream_scores.matched(found, spoken)
        # The same ones are found at most thresholds.
        keys = [(one.word, one.start, one.end, round(one.probability, 6)) for one in found]
        levels.append(
            {
                "threshold": row["threshold"],
                "used": place == used,
                "figures": [None if np.isnan(row[name]) else row[name] for name in FIGURES],
                "outcomes": [stream_scores.OUTCOMES.index(one) for one in outcomes],
                "events": [
                    (events.setdefault(key, len(events)), stream_scores.KINDS.index(kind))
                    for key, kind in zip(keys, kinds, strict=True)
                ],
            }
        )
    data = {
        "run": run,
        "minutes": 60 * table["hours"].iloc[0],
        "words": int(table["words"].iloc[0]),
        "recordings": int(table["recordings"].iloc[0]),
        "seconds": length / rate,
        "part": PART,
        "highest": rate / 2,
        "range": gallery.RANGE,
        "spoken": [(one.word, one.middle, one.file) for one in spoken],
        "others": [(one.middle, one.file) for one in others],
        "outcomes": stream_scores.OUTCOMES,
        "kinds": stream_scores.KINDS,
        "events": list(events),
        "levels": levels,
        "sound": gallery.sound(sound[:length], rate),
        "spectrograms": [
            gallery.data_uri("image/webp", gallery.spectrogram(samples, rate))
            for samples in _parts(sound[:length], round(PART * rate))
        ],
    }
    text = pages.filled(template, data)
    logger.info(f"The page shows {length / rate:.0f} s of the stream ({len(text) / 1e6:.1f} MB).")
    return text


def _parts(sound: np.ndarray, length: int) -> Iterator[np.ndarray]:
    """Yield parts of [length] samples; the last one is padded with zeros."""
    for start in range(0, len(sound), length):
        yield audio.fit(sound[start:], length)

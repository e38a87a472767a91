"""False alarms in sound without any of the words, at each threshold."""

from typing import TYPE_CHECKING

import numpy as np

from spokenwords.model import thresholds
from spokenwords.recognition import detector, sliding_window

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier


def count(classifier: "Classifier", sound: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the number of words found at each threshold of `thresholds.COUNTED`, and the hours.

    `sound` is float32 [samples] at the classifier's rate. Raises `UserError` if the scores of the
    network are not finite.
    """
    [scan] = sliding_window.scan(classifier, [sound])
    counts = [
        len(detector.events(classifier, *scan, len(sound), threshold))
        for threshold in thresholds.COUNTED
    ]
    return np.array(counts), len(sound) / classifier.transform.sample_rate / 3600

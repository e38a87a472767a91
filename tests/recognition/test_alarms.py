"""False alarms at each threshold: as many as the decoder has events in the sound."""

import numpy as np
import pytest
import tones

from spokenwords.model import thresholds
from spokenwords.recognition import alarms
from spokenwords.recognition.stream import StreamDecoder


def test_counts_are_those_of_a_decoder_at_each_threshold():
    classifier = tones.classifier(gain=3.0)
    # Tones of several lengths, whose probabilities differ.
    said = [("low", 2.0, 2.9), ("high", 6.0, 6.4), ("middle", 10.0, 10.2), ("low", 14.0, 14.3)]
    sound = tones.sound(20, said)
    counts, hours = alarms.count(classifier, sound)
    assert hours == pytest.approx(20 / 3600)
    assert len(counts) == len(thresholds.COUNTED)
    for number in (0, 40, 80, 120):
        decoder = StreamDecoder(classifier, thresholds.COUNTED[number])
        assert counts[number] == len(decoder.feed(sound)) + len(decoder.finish())
    assert len(np.unique(counts)) > 1

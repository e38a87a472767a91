"""Calibration, on answers few enough to be reckoned by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from spokenwords.evaluation import calibration


def answers(*rows):
    table = pd.DataFrame(rows, columns=["confidence", "correct"])
    return table.assign(speaker=range(len(table)))


def test_answers_of_predictions():
    predictions = pd.DataFrame(
        {
            "speaker": ["ann", "NA", "ann"],
            "target": ["a", "NA", "a"],
            "prediction": ["a", "a", "NA"],
            "probability": [0.75, 0.5, 0.75],
        }
    )
    found = calibration.of(predictions)
    assert list(found["confidence"]) == [0.75, 0.5, 0.75]
    assert list(found["correct"]) == [True, False, False]
    assert list(found["speaker"]) == ["ann", "NA", "ann"]


def test_bins():
    # Fifteen bins, each a fifteenth wide: 0.4 ends the sixth, which it belongs to.
    table = calibration.reliability(
        answers((0.4, True), (0.35, False), (0.41, True), (0.99, True), (1.0, False))
    )
    assert list(table["low"] * 15) == pytest.approx([5, 6, 14])
    assert list(table["high"] * 15) == pytest.approx([6, 7, 15])
    assert list(table["recordings"]) == [2, 1, 2]
    assert list(table["confidence"]) == pytest.approx([0.375, 0.41, 0.995])
    assert list(table["accuracy"]) == [0.5, 1, 0.5]


def test_wilson_interval_of_a_bin():
    rows = [(0.9, True)] * 8 + [(0.9, False)] * 2
    bin_ = calibration.reliability(answers(*rows)).iloc[0]
    # Wilson (1927): (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n)
    z, n, p = 1.959964, 10, 0.8
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    middle, scale = p + z**2 / (2 * n), 1 + z**2 / n
    assert bin_["accuracy_low"] == pytest.approx((middle - half) / scale, abs=1e-5)
    assert bin_["accuracy_high"] == pytest.approx((middle + half) / scale, abs=1e-5)


def test_expected_error():
    rows = [(0.9, True)] * 6 + [(0.9, False)] * 2 + [(0.5, True), (0.5, False)]
    # Eight of confidence 0.9 and accuracy 0.75, two of 0.5 and 0.5.
    found = calibration.expected_error(answers(*rows))
    assert found == pytest.approx(0.8 * 0.15 + 0.2 * 0)


def test_probabilities_that_are_right_have_hardly_an_error():
    generator = np.random.default_rng(1)
    confidence = generator.uniform(0.3, 1, 50_000)
    honest = answers(*zip(confidence, generator.random(50_000) < confidence, strict=True))
    assert calibration.expected_error(honest) < 0.01
    boasting = honest.assign(confidence=np.sqrt(confidence))
    # The mean of √x − x over 0.3 to 1.
    distance = (2 / 3 * (1 - 0.3**1.5) - (1 - 0.3**2) / 2) / 0.7
    assert calibration.expected_error(boasting) == pytest.approx(distance, abs=0.01)


def test_coverage():
    table = calibration.coverage(
        answers((0.5, True), (0.9, True), (0.9, False), (0.99, True), (0.3, False))
    )
    assert list(table["threshold"]) == [0.99, 0.9, 0.5, 0.3]
    assert list(table["answered"]) == pytest.approx([0.2, 0.6, 0.8, 1])
    assert list(table["accuracy"]) == pytest.approx([1, 2 / 3, 3 / 4, 3 / 5])


def test_extremes():
    only = answers((1.0, True))
    assert calibration.expected_error(only) == 0
    assert len(calibration.coverage(only)) == 1
    # A probability can be rounded to 0.
    assert list(calibration.reliability(answers((0.0, False)))["low"]) == [0]

"""False alarms over words kept, on cases small enough to be counted by hand."""

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from conftest import SMALL, SPOTTER
from torch import nn

from spokenwords.evaluation import false_alarms, predictions
from spokenwords.model import thresholds
from spokenwords.model.classifier import Classifier
from spokenwords.recordings import manifest
from spokenwords.report.plots.false_alarms import false_alarms as plot

WORDS = ["bed", "cat", "unknown"]


class Constant(nn.Module):
    """Answers `bed` with a probability of 0.8, whatever it hears."""

    def __init__(self):
        super().__init__()
        self.scores = nn.Parameter(torch.tensor([0.8, 0.15, 0.05]).log())

    def forward(self, images):
        return self.scores.expand(len(images), 3)


@pytest.fixture
def classifier():
    made = Classifier(WORDS, "complex", SMALL, 1_000, "published", non_words=["unknown"])
    made.network = Constant()
    made.confidences = np.linspace(0.505, 1, 100, dtype=np.float32)  # 0.505, 0.51, ... 1
    return made


def probable(*rows):
    return thresholds.best(np.array(rows, np.float32).reshape(-1, 3))


# Four recordings: right and sure, right and less so, taken for the other word, and for none.
SAID = probable([0.95, 0.03, 0.02], [0.3, 0.6, 0.1], [0.7, 0.2, 0.1], [0.2, 0.2, 0.6])
TARGETS = ["bed", "cat", "cat", "bed"]


def table_of(classifier, unknown, strangers, noise):
    """The table of these and of the four recordings of words, each of a speaker of its own."""
    tests = {"words": SAID, "unknown": unknown, "strangers": strangers}
    speakers = {name: range(len(best[0])) for name, best in tests.items()}
    return false_alarms.table(classifier, SAID, TARGETS, unknown, strangers, noise, speakers)


def at(table, share):
    return table[np.isclose(table["share"], share)].iloc[0]


def test_words_and_other_speech(classifier):
    unknown = probable([0.1, 0.2, 0.7], [0.9, 0.05, 0.05])
    strangers = probable([0.55, 0.25, 0.2], [0.05, 0.75, 0.2], [0.3, 0.3, 0.4])
    table = table_of(classifier, unknown, strangers, [])
    everything, half = at(table, 1), at(table, 0.5)
    assert (everything["threshold"], half["threshold"]) == pytest.approx((0.505, 0.7525), abs=0.003)
    assert (everything["words"], half["words"]) == (2 / 4, 1 / 4)
    assert (everything["unknown"], half["unknown"]) == (1 / 2, 1 / 2)
    assert everything["strangers"] == pytest.approx(2 / 3)
    assert half["strangers"] == 0
    assert half["strangers_tested"] == 3
    # Wilson's interval of none in three: up to z² / (3 + z²).
    assert half["strangers_low"] == pytest.approx(0, abs=1e-12)
    assert half["strangers_high"] == pytest.approx(1.959964**2 / (3 + 1.959964**2), rel=1e-5)


def test_words_found_in_noise(classifier):
    """In 10 s of whatever, ten windows of 1 s do not overlap; each is `bed` with 0.8."""
    noise = [np.zeros(10_000, np.float32)]
    table = table_of(classifier, probable(), probable(), noise)
    found, none = at(table, 0.9), at(table, 0.5)
    assert found["threshold"] < 0.8
    assert found["noise"] == pytest.approx(3600)
    assert found["noise_tested"] == pytest.approx(10 / 3600)
    # Garwood's interval of ten events: 4.795 to 18.39, as tables have it.
    assert found["noise_low"] * 10 / 3600 == pytest.approx(4.795, abs=0.001)
    assert found["noise_high"] * 10 / 3600 == pytest.approx(18.39, abs=0.005)
    assert none["threshold"] < 0.8
    classifier.confidences = np.full(3, 0.9, np.float32)
    none = at(table_of(classifier, probable(), probable(), noise), 0.5)
    assert (none["noise"], none["noise_low"]) == (0, 0)
    assert none["noise_high"] * 10 / 3600 == pytest.approx(-np.log(0.025), rel=1e-6)


def test_missing_recordings_are_not_tested(classifier):
    table = table_of(classifier, probable(), probable(), [])
    assert table[["unknown", "strangers", "noise"]].isna().all(axis=None)
    assert (table[["unknown_tested", "strangers_tested", "noise_tested"]] == 0).all(axis=None)
    texts = [text.get_text() for axes in plot(table).axes for text in axes.texts]
    assert texts == ["no test recordings"] * 2


def test_the_plot_marks_the_usual_threshold(classifier):
    strangers = probable([0.55, 0.25, 0.2], [0.05, 0.75, 0.2])
    table = table_of(classifier, probable(), strangers, [])
    speech = plot(table).axes[0]
    curve, mark = speech.lines
    np.testing.assert_allclose(curve.get_xydata(), table[["words", "strangers"]])
    assert mark.get_xydata().tolist() == [[at(table, 0.95)["words"], at(table, 0.95)["strangers"]]]
    assert "out-of-vocabulary words (2 recordings)" in speech.get_legend().get_texts()[0].get_text()


def test_the_test_uses_the_end_of_noise(write_noise, messages):
    path = write_noise("tap.wav", seed=1, seconds=10)
    text = path.with_name("text.wav")
    text.write_text("no sound")
    samples, _ = soundfile.read(path, dtype="float32")
    [part] = false_alarms.testing_parts([text, path], SMALL.sample_rate)
    np.testing.assert_array_equal(part, samples[6_000:])
    assert [line for line in messages if "text.wav is skipped" in line]


def test_a_run_that_is_tested_on_out_of_vocabulary_words(spotter):
    run = spotter.results / "runs" / "spotter"
    classifier = Classifier.load(run / "model.pt")
    assert classifier.words == ["bird", "happy", "silence"]
    assert classifier.non_words == ["silence"]
    test = manifest.read(spotter.results / "splits/speaker/test.csv")
    of_words = test[test["word"] != "seven"]
    found = predictions.read(run / "predictions.csv")
    assert found["file"].tolist() == of_words["file"].tolist()
    assert found["target"].tolist() == of_words["word"].tolist()
    table = pd.read_csv(run / "false_alarms.csv")
    assert set(table["words_tested"]) == {len(of_words)}
    assert set(table["strangers_tested"]) == {len(test) - len(of_words)} != {0}
    assert set(table["unknown_tested"]) == {0}
    # Of two recordings of noise of 20 s each, the last two fifths.
    assert table["noise_tested"].to_numpy() == pytest.approx(16 / 3600)
    # At the threshold that keeps all, what is right is what predictions have right with as much.
    right = (found["target"] == found["prediction"]) & (
        found["probability"] >= thresholds.threshold(classifier.confidences, 1) - 1e-6
    )
    assert table["words"].iloc[0] == pytest.approx(right.mean())
    assert spotter.plan(*(f"results/small/runs/spotter/{name}" for name in SPOTTER)) == {}

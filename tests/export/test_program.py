"""The program in the model card, in a process of its own: it finds the words of predict.py."""

import re
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import tones
import torch
from test_card import card, exported

from spokenwords.export import onnx_model
from spokenwords.recognition import sliding_window, table

LONG = [
    *(("low", 0.4, 0.9), ("middle", 2.13, 2.5), ("high", 4.0, 4.3), ("high", 4.7, 5.0)),
    *(("unknown", 6.5, 7.0), ("low", 8.0, 8.12), ("low", 9.3, 11.9), ("middle", 12.3, 12.8)),
    *(("high", 12.9, 13.3), ("middle", 15.1, 15.65)),
]


class Centred(tones.Bands):
    """Prefers tones in the middle of the window: otherwise many windows are equally probable."""

    def forward(self, images):
        return super().forward(2 * torch.hann_window(images.shape[3]) * images)


@pytest.fixture(scope="module")
def classifier():
    made = tones.classifier()
    made.network = Centred(gain=5.0)
    return made.eval()


@pytest.fixture(scope="module")
def program(classifier, tmp_path_factory):
    """A function that runs the program of a card on a recording; returns rows of its words."""
    folder = tmp_path_factory.mktemp("export")
    (folder / "model.onnx").write_bytes(onnx_model.to_onnx(classifier, tones.THRESHOLD))
    text = card(exported=exported()).partition("```python\n")[2].partition("```")[0]
    (folder / "recognise.py").write_text(text, encoding="utf-8")
    assert len(text.splitlines()) <= 40

    def run(path):
        done = subprocess.run(
            [sys.executable, "recognise.py", str(path)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        found = re.findall(r"^(\S+) s to (\S+) s: (\S+) (\S+)$", done.stdout, re.M)
        assert len(found) == len(done.stdout.splitlines())
        return [(float(start), float(end), word, float(p)) for start, end, word, p in found]

    return run


def predicted(classifier, path):
    rows = table.recognize(classifier, [path], tones.THRESHOLD, threads=1)
    words = [row for row in rows if row["answer"] not in ("unknown", "silence")]
    return [(row["start"], row["end"], row["answer"], row["p1"]) for row in words]


def agree(found, expected):
    assert [word for _, _, word, _ in found] == [word for _, _, word, _ in expected]
    for one, other in zip(found, expected, strict=True):
        # Windows begin and end abruptly in one, and are parts of one spectrogram in the other.
        assert one[:2] == pytest.approx(other[:2], abs=sliding_window.STEP + 1e-6)
        assert one[3] == pytest.approx(other[3], abs=0.03)


@pytest.mark.parametrize(("rate", "seconds"), [(1000, 17), (1000, 17.03), (2205, 16.6)])
def test_a_long_recording_of_any_rate(classifier, program, tmp_path, rate, seconds):
    path = tmp_path / "long.wav"
    soundfile.write(path, tones.sound(seconds, LONG, rate), rate)
    expected = predicted(classifier, path)
    assert len(expected) >= 8
    agree(program(path), expected)


def test_a_word_at_the_end_and_one_shorter_than_a_window(classifier, program, tmp_path):
    path = tmp_path / "a.wav"
    for seconds, said in ((2.37, [("low", 1.8, 2.37)]), (0.6, [("high", 0.1, 0.5)])):
        soundfile.write(path, tones.sound(seconds, said), tones.RATE)
        [[_, end, *_]] = found = program(path)
        assert end == pytest.approx(seconds, abs=0.02)  # a frame
        agree(found, predicted(classifier, path))


def test_channels_that_cancel(classifier, program, tmp_path):
    path, sound = tmp_path / "a.wav", tones.sound(3, [("low", 1, 1.5)])
    soundfile.write(path, np.stack([-0.9 * sound, sound], axis=1), tones.RATE)
    agree(program(path), predicted(classifier, path))


@pytest.mark.parametrize("said", [[], [("unknown", 0.2, 1.9)]])
def test_no_words(program, tmp_path, said):
    path = tmp_path / "a.wav"
    soundfile.write(path, tones.sound(2, said), tones.RATE)
    assert program(path) == []

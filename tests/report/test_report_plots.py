"""Plots of the data set, of splits and of calibration: plots show what the tables contain."""

import numpy as np
import pandas as pd
import pytest

from spokenwords.evaluation import calibration
from spokenwords.report.plots import dataset, style
from spokenwords.report.plots.calibration import calibration as plot_calibration

ODD = ["bed", "$bird$", "<b>NA</b>", "001", "犬"]
ODDITIES = pd.Series(["short", "clipped", "short"])


def recordings(words, each=20):
    """So many recordings of each word, a word's level 10 dB under the last one's."""
    return pd.DataFrame(
        [
            {
                "file": f"{word}/{number}.wav",
                "word": word,
                "speaker": f"speaker{number % 5}",
                "rms": 10 ** (-(10 + 10 * place) / 20),
                "seconds": 0.5 + number / (2 * each),
            }
            for place, word in enumerate(words)
            for number in range(each - place)
        ]
    )


def manifests(words=("bed", "cat")):
    """Sets of which the test set's speakers are known, but for one."""
    rows = {"train": (6, "abc"), "valid": (2, "xy"), "test": (4, "abz")}
    return {
        name: pd.DataFrame(
            {
                "file": [f"{word}/{name}{i}.wav" for word in words for i in range(count)],
                "word": [word for word in words for _ in range(count)],
                "speaker": [speakers[i % len(speakers)] for i in range(count * len(words))],
            }
        )
        for name, (count, speakers) in rows.items()
    }


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_recordings_of_each_word():
    figure = dataset.recordings(recordings(ODD), ODDITIES)
    counts, levels, lengths, voices = figure.axes
    assert [text.get_text() for text in counts.get_yticklabels()] == sorted(ODD)
    expected = [20 - ODD.index(word) for word in sorted(ODD)]
    assert [bar.get_width() for bar in counts.patches] == expected
    assert list(counts.lines[0].get_xdata()) == [5] * 5
    # All recordings of a word are equally loud: its quantiles are one point.
    medians = [line.get_xdata()[0] for line in levels.lines[2::3]]
    assert medians == pytest.approx([-10 - 10 * ODD.index(word) for word in sorted(ODD)])
    assert sum(bar.get_height() for bar in lengths.patches) == 90
    assert sum(bar.get_height() for bar in voices.patches) == 5
    labels = {label() for axes in figure.axes for label in (axes.get_xlabel, axes.get_ylabel)}
    assert {"length of a recording (s)", "recordings of one speaker"} <= labels


def test_oddities_are_counted_under_the_title():
    figure = dataset.recordings(recordings(ODD), ODDITIES)
    title = " ".join(figure.axes[0].get_title(loc="left").split())
    assert title == "5 words, 90 recordings of 5 speakers. Oddities: 2 short, 1 clipped."
    figure = dataset.recordings(recordings(ODD), ODDITIES[:0])
    assert figure.axes[0].get_title(loc="left").endswith("Oddities: none.")


def test_of_many_words_the_rarest_and_the_most_frequent_are_plotted():
    words = [f"word{number:02}" for number in range(70)]
    figure = dataset.recordings(recordings(words, each=80), ODDITIES)
    shown = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert shown == [*words[:-31:-1], *words[29::-1]]
    assert "most frequent of 70 words" in figure.axes[0].get_title(loc="left")


def test_split_in_shares_and_numbers():
    figure = dataset.split(manifests())
    balance, voices = figure.axes
    shares = [bar.get_width() for bar in balance.patches]
    assert shares == pytest.approx([50, 50, 100 / 6, 100 / 6, 100 / 3, 100 / 3])
    written = texts(figure)
    assert written[:6] == ["6", "6", "2", "2", "4", "4"]
    assert written[6:] == ["3", "2, none in training", "3, 2 of them in the training set"]
    lengths = [bar.get_width() for bar in voices.patches]
    assert lengths == [3, 0, 2, 0, 1, 2]


def test_a_word_that_a_set_lacks():
    sets = manifests(("bed", "cat"))
    sets["valid"] = sets["valid"][sets["valid"]["word"] == "bed"]
    balance = dataset.split(sets).axes[0]
    shares = [bar.get_width() for bar in balance.patches]
    assert shares == pytest.approx([50, 60, 100 / 6, 0, 100 / 3, 40])
    assert balance.get_title(loc="left") == "The set valid lacks cat."


def test_unknown_speakers_are_not_plotted_as_speakers(tmp_path):
    sets = manifests()
    sets["test"]["speaker"] = sets["test"]["file"]
    sets["valid"].loc[0, "speaker"] = sets["valid"].loc[0, "file"]
    figure = dataset.split(sets)
    assert texts(figure)[6:] == [
        *("3", "2 known, 1 recordings of unknown speakers"),
        "0 known, 8 recordings of unknown speakers",
    ]
    assert [bar.get_width() for bar in figure.axes[1].patches] == [3, 0, 2, 0, 0, 0]

    table = recordings(ODD)
    figure = dataset.recordings(table.assign(speaker=table["file"]), ODDITIES)
    assert "5 words, 90 recordings of unknown speakers." in figure.axes[0].get_title(loc="left")
    assert list(figure.axes[0].lines[0].get_xdata()) == [0] * 5
    style.save(figure, tmp_path / "recordings.svg")


def test_plots_of_extreme_data(tmp_path):
    silence = recordings(["only"], each=1).assign(rms=0.0)
    style.save(dataset.recordings(silence, ODDITIES), tmp_path / "recordings.svg")
    style.save(dataset.split(manifests(ODD)), tmp_path / "split.svg")
    assert ">$bird$</text>" in (tmp_path / "split.svg").read_text()


def answers(count=400):
    generator = np.random.default_rng(1)
    confidence = generator.uniform(0.2, 1, count).round(3)
    correct = generator.random(count) < confidence
    return pd.DataFrame({"speaker": range(count), "confidence": confidence, "correct": correct})


def test_calibration_is_that_of_the_tables(tmp_path):
    given = answers()
    reliability, coverage = calibration.reliability(given), calibration.coverage(given)
    figure = plot_calibration(reliability, coverage, 0.077)
    diagram, counts, answered = figure.axes
    points = diagram.containers[0].lines[0]
    assert list(points.get_ydata()) == list(reliability["accuracy"])
    assert sum(bar.get_height() for bar in counts.patches) == 400
    assert "7.7 percentage points" in diagram.get_title(loc="left")
    curve = answered.lines[0]
    assert list(curve.get_xdata()) == list(coverage["answered"])
    # Where all are answered, accuracy is that of all.
    assert texts(figure)[1] == f"{given['correct'].mean():.1%}".replace("%", " %")
    style.save(figure, tmp_path / "calibration.svg")


@pytest.mark.parametrize("correct", [True, False])
def test_calibration_of_a_single_answer(tmp_path, correct):
    only = pd.DataFrame({"speaker": ["ann"], "confidence": [1.0], "correct": [correct]})
    figure = plot_calibration(calibration.reliability(only), calibration.coverage(only), 0.0)
    style.save(figure, tmp_path / "calibration.svg")
    assert texts(figure)[1:] == ["100.0 %" if correct else "0.0 %"]

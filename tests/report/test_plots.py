import re
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest

from spokenwords.evaluation import confusion as table_of_confusion
from spokenwords.report.plots import recording, style, training
from spokenwords.report.plots.confusion import heat_map

RATE = 16_000


def log(epochs):
    epoch = np.arange(1, epochs + 1)
    sets = []
    for name, gap in (("train", 0.0), ("valid", 0.2)):
        columns = {"epoch": epoch, "set": name, "loss": 2 / epoch + gap}
        columns |= {"accuracy": 1 - 0.7 / epoch - gap, "learning_rate": 0.01 / epoch}
        sets.append(pd.DataFrame(columns))
    return pd.concat(sets, ignore_index=True)


def rates():
    rate = np.geomspace(1e-6, 1, 150)
    smoothed = 3 - 2 * np.exp(-(np.log10(rate / 0.01) ** 2)) + (10 * rate) ** 2
    noise = np.random.default_rng(0).normal(0, 0.1, 150)
    columns = {"batch": range(150), "learning_rate": rate, "loss": smoothed + noise}
    return pd.DataFrame(columns | {"smoothed_loss": smoothed})


def confusion():
    counts = [[90, 10, 0], [0, 50, 0], [3, 1, 196]]
    words = ["bed", "$bird$", "犬 & <cat>"]
    pairs = [(t, p, counts[i][j]) for i, t in enumerate(words) for j, p in enumerate(words)]
    return pd.DataFrame(pairs, columns=["target", "prediction", "count"]), words, np.array(counts)


def spectrogram():
    """Values [2, F, T], the frequencies (Hz) of 257 bins and the times (s) of 101 frames."""
    values = np.random.default_rng(0).normal(0, 0.1, (2, 257, 101)).astype("float16")
    return values, np.arange(257) * RATE / 512, np.arange(101) * 0.01


def tone(hertz):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)


def every_plot():
    values, frequency, time = spectrogram()
    return {
        "history": training.history(log(12), 12, note="Stopped early"),
        "learning_rates": training.learning_rates(rates(), 0.003, 0.004),
        "confusion": heat_map(confusion()[0]),
        "waveform": recording.waveform(tone(440), RATE, "bird"),
        "fourier_magnitude": recording.fourier_magnitude(tone(440), RATE, "bird"),
        "spectrogram": recording.spectrogram(np.abs(values[0]), frequency, time, "bird"),
        "complex_spectrogram": recording.complex_spectrogram(values, frequency, time, "bird"),
    }


def lines(axes, label):
    return [line for line in axes.lines if line.get_label() == label]


def test_axes_are_labelled_with_units():
    figures = every_plot()
    labels = {
        "history": {"epoch", "loss (cross-entropy)", "accuracy (share)", "learning\nrate"},
        "learning_rates": {"learning rate (log scale)", "loss (cross-entropy)"},
        "confusion": {"prediction", "target (spoken word)", "share of the target's recordings (%)"},
        "waveform": {"time (s)", "amplitude (full scale = 1)"},
        "fourier_magnitude": {"frequency (Hz)", "magnitude (full scale = 1)"},
        "spectrogram": {"time (s)", "frequency (Hz, log scale)", "√magnitude"},
        "complex_spectrogram": {"time (s)", "frequency (Hz)", "STFT value (full scale = 1)"},
    }
    for name, figure in figures.items():
        found = {label() for axes in figure.axes for label in (axes.get_xlabel, axes.get_ylabel)}
        assert found - {""} == labels[name], name


def test_saving_is_repeatable_and_keeps_text(tmp_path):
    again = every_plot()
    for name, figure in every_plot().items():
        first, second, image = (tmp_path / f"{name}{end}" for end in ("1.svg", "2.svg", ".png"))
        style.save(figure, first, image)
        style.save(again[name], second)
        assert first.read_bytes() == second.read_bytes(), name
        assert b"<dc:date>" not in first.read_bytes()
        assert image.read_bytes().startswith(b"\x89PNG")
    assert ">amplitude (full scale = 1)</text>" in (tmp_path / "waveform1.svg").read_text()
    assert ">$bird$</text>" in (tmp_path / "confusion1.svg").read_text()


def test_no_global_state():
    before = dict(matplotlib.rcParams)
    every_plot()
    assert dict(matplotlib.rcParams) == before
    modules = sorted(path.stem for path in Path(style.__file__).parent.glob("[a-z]*.py"))
    plots = ", ".join(modules)
    code = f"import sys; from spokenwords.report.plots import {plots}; print(*sys.modules)"
    folder = Path(style.__file__).parents[3]
    run = [sys.executable, "-c", code]
    names = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=True).stdout
    assert "matplotlib.pyplot" not in names.split()


def test_history_draws_the_log_and_marks_the_selected_epoch():
    figure = training.history(log(12), 7, note="Stopped at epoch 12")
    table = log(12)
    for panel, measure in zip(figure.axes, ("loss", "accuracy"), strict=False):
        for name in ("train", "valid"):
            (line,) = lines(panel, name)
            expected = table.loc[table["set"] == name, measure]
            np.testing.assert_allclose(line.get_ydata(), expected)
            np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 13))
    value = 2 / 7 + 0.2
    (selected,) = lines(figure.axes[0], f"valid at the selected epoch (7): {value:.3f}")
    np.testing.assert_allclose(selected.get_xydata(), [[7, value]])
    assert "Stopped at epoch 12" in figure.axes[0].get_title(loc="left")
    (rate,) = (line for line in figure.axes[2].lines if len(line.get_xdata()) == 12)
    np.testing.assert_allclose(rate.get_ydata(), 0.01 / np.arange(1, 13))


@pytest.mark.parametrize("epochs", [1, 2, 60])
def test_history_of_any_length(epochs, tmp_path):
    style.save(training.history(log(epochs), 1), tmp_path / "history.png")


@pytest.mark.parametrize(
    ("suggested", "used"),
    [(0.003, 0.0031), (0.003, 0.00299), (1e-6, 1.1e-6), (1e-6, 0.9), (0.9, 0.95), (0.05, 2.0)],
)
def test_marked_rates_stand_where_they_are(suggested, used):
    figure = training.learning_rates(rates(), suggested, used)
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    marks = [line for line in axes.lines if len(set(line.get_xdata())) == 1]
    assert {line.get_xdata()[0] for line in marks} == {suggested, used}
    low, high = axes.get_xlim()
    assert low <= min(suggested, used) and max(suggested, used) <= high

    figure.draw_without_rendering()
    boxes = {text.get_text(): text.get_window_extent() for text in axes.texts}
    assert set(boxes) == {f"suggested: {suggested:.3g}", f"used: {used:.3g}"}
    first, second = boxes.values()
    assert not first.overlaps(second)
    for box in boxes.values():
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
        assert box.y1 < figure.bbox.y1 - 25  # below the title
        for line in marks:  # through no label runs a line
            (x, top) = line.get_transform().transform(line.get_xydata())[-1]
            assert not (box.x0 < x < box.x1 and top > box.y0)


def test_equal_rates_share_a_mark():
    (axes,) = training.learning_rates(rates(), 0.003, 0.003).axes
    assert [text.get_text() for text in axes.texts] == ["suggested and used: 0.003"]
    assert [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 2] == [0.003]


def test_learning_rates_survive_a_loss_that_overflows(tmp_path):
    table = rates()
    table.loc[140:, ["loss", "smoothed_loss"]] = [np.inf, np.nan]
    figure = training.learning_rates(table, 0.003, 0.003)
    style.save(figure, tmp_path / "rates.png")
    assert figure.axes[0].get_ylim()[1] < 10


def test_heat_map_has_the_shares_and_the_counts():
    table, words, counts = confusion()
    axes, bar = heat_map(table, note="A note").axes
    shares = axes.collections[0].get_array()
    np.testing.assert_allclose(shares, 100 * counts / counts.sum(axis=1, keepdims=True))
    cells = {text.get_position(): int(text.get_text()) for text in axes.texts}
    expected = {(j + 0.5, i + 0.5): n for (i, j), n in np.ndenumerate(counts) if n}
    assert cells == expected
    assert [tick.get_text() for tick in axes.get_xticklabels()] == words
    assert [tick.get_text() for tick in axes.get_yticklabels()] == words
    assert axes.yaxis_inverted()
    assert bar.get_ylabel().endswith("(%)")
    assert axes.get_title(loc="left") == "A note"


def test_confusion_matrix_is_square_and_ordered():
    table = pd.DataFrame(
        {"target": ["b", "a", "b"], "prediction": ["b", "a", "c"], "count": [5, 7, 2]}
    )
    square = table_of_confusion.matrix(table)
    assert list(square.index) == list(square.columns) == ["b", "a", "c"]
    assert square.to_numpy().tolist() == [[5, 0, 2], [0, 7, 0], [0, 0, 0]]
    with pytest.raises(ValueError, match="duplicate"):
        table_of_confusion.matrix(pd.concat([table, table]))


def test_of_many_words_the_most_confused_are_plotted(monkeypatch):
    monkeypatch.setattr(table_of_confusion, "MOST_SHOWN", 2)
    words = ["a", "b", "c", "d"]
    counts = [[90, 0, 10, 0], [1, 50, 0, 0], [0, 2, 70, 5], [0, 0, 0, 80]]
    pairs = [(t, p, counts[i][j]) for i, t in enumerate(words) for j, p in enumerate(words)]
    table = pd.DataFrame(pairs, columns=["target", "prediction", "count"])
    shown, note = table_of_confusion.for_plots(table)
    assert note == "Shown: the 2 most often confused of 4 words."
    square = table_of_confusion.matrix(shown)
    assert list(square) == ["a", "c", "_others_"]
    # Recordings of b and d count as far as they were predicted as a or c.
    assert square.to_numpy().tolist() == [[90, 10, 0], [0, 70, 7], [1, 0, 0]]
    # How many of their own recordings there are is not known, so that there are no shares.
    shares = heat_map(shown).axes[0].collections[0].get_array()
    np.testing.assert_allclose(shares.data[0], [90, 10, 0])
    assert shares.mask[2].all()
    assert not shares.mask[:2].any()
    monkeypatch.setattr(table_of_confusion, "MOST_SHOWN", 4)
    assert table_of_confusion.for_plots(table)[0] is table
    assert table_of_confusion.for_plots(table)[1] == ""


def test_a_heat_map_of_many_words_has_no_shape_for_each_pair(tmp_path):
    words = [f"word {i}" for i in range(45)]
    pairs = [(t, p, int(t == p)) for t in words for p in words]
    table = pd.DataFrame(pairs, columns=["target", "prediction", "count"])
    style.save(heat_map(table), tmp_path / "confusion.svg")
    assert (tmp_path / "confusion.svg").read_text().count("<path") < 45


def test_counts_fit_in_their_cells_with_35_words():
    words = [f"word {i}" for i in range(35)]
    pairs = [(t, p, 4000 if t == p else 88) for t in words for p in words]
    table = pd.DataFrame(pairs, columns=["target", "prediction", "count"])
    figure = heat_map(table)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    cell = axes.get_window_extent().width / 35
    boxes = [text.get_window_extent() for text in axes.texts]
    assert max(box.width for box in boxes) < cell
    assert min(text.get_fontsize() for text in axes.texts) >= 6


def test_waveform_in_seconds():
    (axes,) = recording.waveform(tone(440), RATE, "bird").axes
    (line,) = axes.lines
    np.testing.assert_allclose(line.get_xdata(), np.arange(RATE) / RATE)
    np.testing.assert_allclose(line.get_ydata(), tone(440))


def test_fourier_magnitude_of_a_tone_peaks_at_it():
    (axes,) = recording.fourier_magnitude(tone(440), RATE, "bird").axes
    (line,) = axes.lines
    frequency, magnitude = line.get_xdata(), line.get_ydata()
    assert frequency[np.argmax(magnitude)] == pytest.approx(440)
    assert magnitude.max() == pytest.approx(0.5 * RATE / 2)
    assert axes.get_xlim() == (0, RATE / 2)


def test_spectrogram_shows_square_roots_above_0_hertz():
    values, frequency, time = spectrogram()
    magnitudes = np.abs(values[0])
    axes, _ = recording.spectrogram(magnitudes, frequency, time, "bird").axes
    shown = axes.collections[0].get_array()
    np.testing.assert_allclose(shown, np.sqrt(magnitudes[1:].astype(float)), rtol=1e-6)
    assert axes.get_yscale() == "log"
    low, high = axes.get_ylim()
    assert 0 < low < frequency[1] and high >= RATE / 2


def test_complex_spectrogram_has_one_symmetric_scale():
    values, frequency, time = spectrogram()
    values[0, 50, 50] = 60.0  # one outlier does not take the scale away from the others
    real, imaginary, _ = recording.complex_spectrogram(values, frequency, time, "bird").axes
    for axes, part in ((real, values[0]), (imaginary, values[1])):
        mesh = axes.collections[0]
        np.testing.assert_allclose(mesh.get_array(), part.astype(float))
        low, high = mesh.get_clim()
        assert low == -high and 0.2 < high < 0.4
    assert [axes.get_title(loc="left") for axes in (real, imaginary)] == [
        "real part",
        "imaginary part",
    ]


def test_silence_has_a_complex_spectrogram(tmp_path):
    _, frequency, time = spectrogram()
    figure = recording.complex_spectrogram(np.zeros((2, 257, 101)), frequency, time, "silence")
    style.save(figure, tmp_path / "silence.png")


def test_images_in_an_svg_are_few(tmp_path):
    values, frequency, time = spectrogram()
    path = tmp_path / "spectrogram.svg"
    style.save(recording.spectrogram(np.abs(values[0]), frequency, time, "bird"), path)
    assert path.stat().st_size < 1_000_000
    assert len(re.findall("<path", path.read_text())) < 200


def test_rate_without_a_suggestion():
    figure = training.learning_rates(rates(), None, 0.01)
    assert [text.get_text() for text in figure.axes[0].texts] == ["used: 0.01"]

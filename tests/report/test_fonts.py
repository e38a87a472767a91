"""Characters that the plots' own font lacks: taken from an installed font, or reported."""

import warnings

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure

from spokenwords.report.plots import fonts, style
from spokenwords.report.plots.confusion import heat_map


def write_font(path, family, characters):
    """A font in which each of the characters is a filled square as large as the letters."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 1000), (1000, 1000), (1000, 0)):
        pen.lineTo(corner)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap({ord(character): "square" for character in characters})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "square": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "square": (1000, 0)})
    builder.setupHorizontalHeader(ascent=1000, descent=0)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=1000, usWinAscent=1000, usWinDescent=0)
    builder.setupPost()
    builder.save(path)
    return str(path)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """A function that makes the machine have fonts of these characters, by name, and no others."""

    def install(**characters):
        paths = [
            write_font(tmp_path / f"{name}.ttf", name, characters[name]) for name in characters
        ]
        monkeypatch.setattr(font_manager, "findSystemFonts", lambda: paths)
        fonts._families.cache_clear()
        fonts._warn.cache_clear()
        return paths

    yield install
    fonts._families.cache_clear()
    fonts._warn.cache_clear()


def families(figure):
    """The families of each text, but for the plots' own."""
    own = {"DejaVu Sans", "sans-serif"}
    return {
        text.get_text(): [name for name in text.get_fontfamily() if name not in own]
        for text in figure.findobj(matplotlib.text.Text)
        if text.get_text()
    }


def plot(*words):
    """Words along an axis, of the size of the figure."""
    with style.style():
        figure = Figure(figsize=(3, 2))
        axes = figure.add_axes((0.5, 0.1, 0.4, 0.8))
        axes.set_yticks(range(len(words)), words)
    return figure


def saved(figure, path):
    """The text of a saved SVG; no warning of Python's may be raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        style.save(figure, path, path.with_suffix(".png"))
    return path.read_text(encoding="utf-8")


def test_an_installed_font_has_what_the_plots_own_lacks(install, tmp_path, messages):
    install(Squares="犬猫")
    figure = plot("犬", "dog")
    plotted = saved(figure, tmp_path / "a.svg")
    assert families(figure)["犬"] == ["Squares"]
    assert families(figure)["dog"] == []
    [line] = [line for line in plotted.splitlines() if ">犬<" in line]
    assert "'DejaVu Sans', 'Squares'," in line
    assert line.rstrip().endswith(">犬</text>")
    assert "sans-serif;" in line
    # 10 points are 13.9 pixels: of the square, 13 by 13 are wholly black, or the text's colour.
    image = matplotlib.image.imread(tmp_path / "a.png")[:, :150, 0]
    windows = np.lib.stride_tricks.sliding_window_view(image, (13, 13))
    assert (windows.max(axis=(2, 3)) < 0.2).any()
    assert messages == []


def test_fonts_are_as_few_as_have_all_characters(install, tmp_path):
    install(One="犬", Both="犬猫", Other="क", Useless="x")
    figure = plot("犬", "猫 क", "dog")
    saved(figure, tmp_path / "a.svg")
    assert families(figure)["猫 क"] == ["Both", "Other"]
    assert "One" not in families(figure)["犬"]


def test_saving_twice_gives_the_same(install, tmp_path):
    install(Squares="犬")
    figure = plot("犬")
    assert saved(figure, tmp_path / "a.svg") == saved(figure, tmp_path / "b.svg")


def test_a_broken_font_is_passed_over(install, tmp_path, monkeypatch):
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    paths = [str(broken), str(tmp_path / "missing.ttf"), *install(Squares="犬")]
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: paths)
    figure = plot("犬")
    saved(figure, tmp_path / "a.svg")
    assert families(figure)["犬"] == ["Squares"]


@pytest.mark.parametrize(
    ("word", "character", "package"),
    [
        ("犬", "犬 (U+72AC)", "fonts-noto-cjk"),
        ("はい", "い (U+3044)", "fonts-noto-cjk"),
        ("안녕", "녕 (U+B155)", "fonts-noto-cjk"),
        ("नमस्ते", "त (U+0924)", "fonts-noto-core"),
    ],
)
def test_without_a_font_one_warning_names_a_package(
    install, tmp_path, messages, word, character, package
):
    install(Useless="x")
    for number in range(2):
        assert f">{word}</text>" in saved(plot(word, "dog"), tmp_path / f"{number}.svg")
    [message] = messages
    assert f"no installed font has the character {character}" in message
    assert f"(Debian: {package})" in message


def test_fonts_are_searched_only_for_characters_that_are_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: pytest.fail("asked"))
    fonts._families.cache_clear()
    saved(plot("dog", "Žluťoučký", "Привет", "a\nb\tc"), tmp_path / "a.svg")


def test_words_in_a_plot_of_the_workflow(install, tmp_path):
    install(Squares="犬猫")
    pairs = [(one, other, 1) for one in ("犬", "猫") for other in ("犬", "猫")]
    figure = heat_map(pd.DataFrame(pairs, columns=["target", "prediction", "count"]))
    saved(figure, tmp_path / "a.svg")
    assert families(figure)["犬"] == families(figure)["猫"] == ["Squares"]

"""The page of a labelled stream in a browser: words and events at each threshold, and its sound."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tones

from spokenwords.evaluation import stream_scores
from spokenwords.evaluation.labelled_stream import Spoken
from spokenwords.recognition import sliding_window
from spokenwords.report import stream_page

TEMPLATE = Path(__file__).parents[2] / "workflow/report/stream.html"
RATE = 16_000
EVIL = '"><script>alert(1)<img src=x onerror=alert(1)>'
# Tones of 0.2 s, and what is said to be spoken: `low` is found, `high` is reported for `low`, there
# is no `middle`, and the tone `middle` at 17 s is none of the words.
SOUNDS = [("low", 2.3, 2.5), ("high", 6.3, 6.5), ("middle", 17.1, 17.3)]
SPOKEN = [Spoken("low", 2.4, "low/a.wav", "ann"), Spoken("low", 6.4, "low/b.wav", "ann")]
SPOKEN.append(Spoken("middle", 11.0, "middle/c.wav", "ben"))
OTHERS = [Spoken("", 17.2, f"{EVIL}/d.wav", "")]


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    """A function that writes the page of these words, and returns its address."""

    def write(spoken=SPOKEN, run="complex", seconds=22):
        classifier = tones.classifier()
        classifier.confidences = np.repeat([0.6, 0.7, 0.8, 1], [10, 5, 10, 25]).astype(np.float32)
        [(starts, probabilities)] = sliding_window.scan(classifier, [tones.sound(seconds, SOUNDS)])
        used = classifier.threshold(keep=0.9)
        # The same windows of a sound that browsers play: their lowest rate is 3 kHz.
        listener = SimpleNamespace(
            **{"words": classifier.words, "non_words": classifier.non_words, "samples": RATE},
            **{"transform": SimpleNamespace(sample_rate=RATE)},
            confidences=classifier.confidences,
        )
        sound, scan = (
            tones.sound(seconds, SOUNDS, RATE),
            (starts * (RATE // tones.RATE), probabilities),
        )
        table = stream_scores.score(listener, scan, len(sound), spoken, used)
        template = TEMPLATE.read_text(encoding="utf-8")
        text = stream_page.page(template, run, listener, sound, scan, (spoken, OTHERS), table)
        path = tmp_path_factory.mktemp("stream") / "stream.html"
        path.write_text(text, encoding="utf-8")
        return path.as_uri()

    return write


@pytest.fixture(scope="module")
def address(write):
    return write()


@pytest.fixture
def opened(page, address):
    page.goto(address)
    return page


def texts(page, place):
    """What is said or heard in each part."""
    return page.locator(".part").evaluate_all(
        f"(parts) => parts.map((part) => [...part.querySelectorAll('{place}')]"
        ".map((one) => one.textContent))"
    )


def played(page):
    """Beginning and end of the sound that is played, s."""
    page.wait_for_function("() => playing && playing.since !== undefined")
    return page.evaluate("[playing.start, playing.end]")


def at(page, time):
    """The place of this time on the page."""
    box = page.locator(".part").nth(int(time // 5)).bounding_box()
    return box["x"] + box["width"] * (time % 5) / 5, box["y"] + box["height"] / 2


def test_words_and_events(opened):
    assert opened.title() == "Labelled stream of complex"
    assert texts(opened, ".said span") == [["✓ low"], ["≠ low"], ["✗ middle"], [EVIL], []]
    assert texts(opened, ".heard .word") == [["✓ low"], ["≠ high"], [], ["! middle"], []]
    assert opened.locator(".part").nth(3).get_attribute("aria-label") == (
        "0:15 to 0:20, false alarm middle"
    )
    # A window of a second around the tone, a fifth of a part.
    bar, part = opened.locator(".bar").first, opened.locator(".part").first
    bar, part = bar.bounding_box(), part.bounding_box()
    assert bar["width"] == pytest.approx(part["width"] / 5, abs=1)
    assert bar["x"] < at(opened, 2.3)[0] and bar["x"] + bar["width"] > at(opened, 2.5)[0]
    # One of three, and one in 22 s.
    figures = opened.locator("#figures div").all_inner_texts()
    assert "33.3 %" in figures[0] and "words found" in figures[0]
    assert "164 " in figures[1] and "false alarms per hour" in figures[1]
    assert "0.367 minutes with 3 words, from 3 different recordings" in opened.inner_text("#about")


def test_another_threshold(opened):
    slider = opened.locator("#threshold")
    assert "in use" in opened.inner_text("#level")
    slider.press("End")
    # It accepts half of the validation answers, and none of these.
    assert opened.inner_text("#level") == "1"
    assert texts(opened, ".said span")[:3] == [["✗ low"], ["✗ low"], ["✗ middle"]]
    assert opened.locator(".bar").count() == 0
    assert "0.0 %" in opened.inner_text("#figures")
    opened.get_by_role("button", name="Threshold in use").click()
    assert texts(opened, ".said span")[0] == ["✓ low"]


def test_any_part_is_played_by_mouse(opened):
    opened.mouse.click(*at(opened, 7))
    start, end = played(opened)
    assert (start, end) == pytest.approx((7, 22), abs=0.02)
    opened.get_by_text("of 0:22").wait_for()
    # Into the next part, backwards.
    opened.mouse.move(*at(opened, 10.3))
    opened.mouse.down()
    opened.mouse.move(*at(opened, 9.9))
    opened.mouse.up()
    assert opened.locator(".selected").count() == 2
    opened.wait_for_function("() => playing === null")
    assert opened.inner_text("#status") == ""


def test_keys(opened):
    opened.keyboard.press("n")
    assert played(opened) == pytest.approx([5.4, 7.4])
    opened.keyboard.press("n")
    assert played(opened) == pytest.approx([10, 12])
    opened.keyboard.press("p")
    assert played(opened) == pytest.approx([5.4, 7.4])
    opened.keyboard.press("Escape")
    assert opened.evaluate("playing") is None
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("Space")
    assert played(opened) == pytest.approx([10, 22])
    opened.keyboard.press("Space")
    assert opened.evaluate("playing") is None
    opened.keyboard.press("Home")
    assert opened.evaluate("document.activeElement.getAttribute('aria-label')").startswith("0:00")
    for _ in range(3):
        opened.keyboard.press("n")
    assert "No further error" in opened.inner_text("#status")


def test_the_sound_is_that_of_the_stream(opened):
    """It begins at the same time, and is cut neither by its encoding nor by the page."""
    spoken = opened.evaluate(
        """async () => {
          context = new OfflineAudioContext(1, 1, 16000);
          const values = (await samples()).getChannelData(0);
          const loud = [...values.keys()].filter((i) => Math.abs(values[i]) > 0.2);
          return [values.length / 16000, loud[0] / 16000, loud.at(-1) / 16000];
        }"""
    )
    assert spoken == pytest.approx([22, 2.3, 17.3], abs=0.01)


@pytest.mark.parametrize("width", [360, 1440])
def test_the_page_fits(opened, width):
    opened.set_viewport_size({"width": width, "height": 800})
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    opened.emulate_media(color_scheme="dark")
    assert opened.locator(".part").first.bounding_box()["width"] > 300


def test_a_stream_without_words(page, write):
    page.goto(write(spoken=[], run=EVIL, seconds=4))
    assert page.inner_text("h1") == EVIL
    assert "words found" not in page.inner_text("#figures")
    assert texts(page, ".heard .word") == [["! low"]]

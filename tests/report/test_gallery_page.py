"""The error gallery in a browser: by click, by key, on a phone, and whatever words are called."""

import base64
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import pandas as pd
import pytest
from predicted import row
from scipy.io import wavfile

from spokenwords.report import gallery

TEMPLATE = Path(__file__).parents[2] / "workflow/report/gallery.html"
RATE = 16_000
WORDS = ["bed", "bird", "cat"]
# file, speaker, target, prediction, probabilities of bed, bird, cat: by falling confidence.
MISTAKES = [
    ("cat/dan.wav", "dan", "cat", "bed", 0.95, 0.02, 0.03),
    ("bed/ann1.wav", "ann", "bed", "bird", 0.09, 0.90, 0.01),
    ("bird/ann2.wav", "ann", "bird", "bed", 0.80, 0.15, 0.05),
    ("bed/eve.wav", "eve", "bed", "cat", 0.01, 0.29, 0.70),
    ("bed/bob.wav", "bob", "bed", "bird", 0.25, 0.60, 0.15),
]
RIGHT = [("cat/right.wav", "bob", "cat", "cat", 0.01, 0.01, 0.98)] * 3
DAN, ANN1, ANN2, EVE, BOB = (file for file, *_ in MISTAKES)
EVIL = ["</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "NA", "犬", "001"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Recordings of a second, each a tone."""
    folder = tmp_path_factory.mktemp("recordings")
    time = np.arange(RATE) / RATE
    for i, (file, *_) in enumerate(MISTAKES):
        (folder / file).parent.mkdir(exist_ok=True)
        samples = 3_000 * np.sin(2 * np.pi * 200 * (i + 1) * time)
        wavfile.write(folder / file, RATE, samples.astype(np.int16))
    return folder


@pytest.fixture(scope="module")
def write(folder, tmp_path_factory):
    """A function that writes the gallery of rows like `MISTAKES`, and returns its address."""

    def write(rows, words=WORDS, run="complex"):
        predictions = pd.DataFrame(
            row(file, target, prediction, dict(zip(words, probabilities, strict=True)), speaker)
            for file, speaker, target, prediction, *probabilities in rows
        )
        correct = int((predictions["target"] == predictions["prediction"]).sum())
        metrics = {"accuracy": correct / len(rows), "recordings": len(rows), "correct": correct}
        template = TEMPLATE.read_text(encoding="utf-8")
        path = tmp_path_factory.mktemp("gallery") / "gallery.html"
        text = gallery.page(template, run, metrics, predictions, folder, RATE, RATE, "start")
        path.write_text(text, encoding="utf-8")
        return path.as_uri()

    return write


@pytest.fixture(scope="module")
def address(write):
    return write(MISTAKES + RIGHT)


@pytest.fixture
def opened(page, address):
    """The page with the gallery of `MISTAKES`, where a second of sound takes five."""
    page.goto(address)
    page.evaluate("document.querySelector('audio').defaultPlaybackRate = 0.2")
    return page


def files(page):
    """The files of the cards shown, in order."""
    return page.locator(".card").evaluate_all(
        "(cards, all) => cards.map((c) => all.find((file) => c.textContent.includes(file)))",
        [file for file, *_ in MISTAKES],
    )


def button(page, file):
    return page.locator(".card", has_text=file).locator("button")


def focused(page):
    """The file of the card that has the focus, or None."""
    card = page.locator(".card", has=page.locator("button:focus"))
    text = "".join(card.all_text_contents())
    return next((file for file, *_ in MISTAKES if file in text), None)


def select(page, label, option):
    page.get_by_label(label, exact=True).select_option(label=option)


def options(page, name):
    return page.locator(f"#{name} option").all_text_contents()


def status(page):
    return page.locator("#status").text_content()


def sounding(page):
    """The files of the cards marked as sounding, once the player does what they say."""
    cards = page.locator(".card", has=page.locator("button[aria-pressed=true]"))
    texts = cards.all_text_contents()
    silent = "(silent) => document.querySelector('audio').paused === silent"
    page.wait_for_function(silent, arg=not texts)
    return [file for file, *_ in MISTAKES if file in "".join(texts)]


# Messages


def test_the_run_and_the_selection_are_described(opened):
    assert opened.title() == "Error gallery of complex"
    assert opened.locator("h1").text_content() == "complex"
    # Three of eight.
    figures = opened.locator("#figures div").all_inner_texts()
    assert [set(text.split("\n")) for text in figures] == [
        {"accuracy", "37.5 %"},
        {"mistakes", "5"},
        {"test recordings", "8"},
    ]
    assert status(opened) == "5 shown of 5 mistakes in 8 test recordings"
    assert "All recordings that were predicted as another word" in opened.inner_text("#shown")
    assert "1 s across, 0 to 8 kHz upwards" in opened.inner_text("#axes")


def test_speakers_that_are_unknown_are_not_named(write, page):
    page.goto(write([(file, file, *rest) for file, _, *rest in MISTAKES[:1]]))
    assert page.locator(".facts p").all_inner_texts()[1:] == ["Speaker unknown", DAN]


def test_a_card_shows_its_mistake(opened):
    card = opened.locator(".card", has_text=EVE)
    assert card.locator(".words > div").all_inner_texts() == [
        "spoken\nbed",
        "→",
        "predicted as\ncat",
    ]
    bars = card.locator(".bars li").all_inner_texts()
    assert [bar.split("\n") for bar in bars] == [
        ["cat", "70.0 %"],
        ["bird", "29.0 %"],
        ["bed", "1.0 %"],
    ]
    tracks = card.locator(".track").evaluate_all("(all) => all.map((one) => one.clientWidth)")
    fills = card.locator(".fill").evaluate_all("(all) => all.map((one) => one.clientWidth)")
    assert fills[:2] == pytest.approx([0.70 * tracks[0], 0.29 * tracks[1]], abs=1)
    assert card.locator(".facts p").all_inner_texts() == (
        ["1 of 3 “bed” predicted as “cat”", "Speaker eve", EVE]
    )
    assert card.get_by_role("button").get_attribute("aria-label") == (
        "Play: “bed”, predicted as “cat”"
    )
    image = card.locator("img")
    image.scroll_into_view_if_needed()
    assert image.evaluate("async (image) => (await image.decode(), image.naturalHeight)") == 128


def test_mistakes_that_are_left_out_are_counted(page, write):
    # Of 160 mistakes, half of 150 places for the most confident.
    page.goto(write(MISTAKES * 32))
    assert page.locator(".card").count() == 150
    assert "Of 160 mistakes, these are the 75 most confident" in page.inner_text("#shown")
    assert "and 75 more of the most frequent confusions" in page.inner_text("#shown")
    assert page.get_by_text("Among the most confident").count() == 75
    assert page.get_by_text("Among the most frequent").count() == 75


def test_a_run_without_mistakes(page, write):
    page.goto(write(RIGHT))
    assert page.get_by_text("No mistakes: every test recording was recognised.").is_visible()
    assert page.locator("#controls").is_hidden()
    assert "100.0 %" in page.inner_text("#figures")


# Filters and order


def test_filters_by_mouse(opened):
    assert options(opened, "target") == ["any (5)", "bed (3)", "bird (1)", "cat (1)"]
    assert options(opened, "prediction") == ["any (5)", "bed (2)", "bird (2)", "cat (1)"]
    select(opened, "Spoken word", "bed (3)")
    assert files(opened) == [ANN1, EVE, BOB]
    assert status(opened) == "3 shown of 5 mistakes in 8 test recordings"
    # Each filter counts what the other one lets through.
    assert options(opened, "target") == ["any (5)", "bed (3)", "bird (1)", "cat (1)"]
    assert options(opened, "prediction") == ["any (3)", "bed (0)", "bird (2)", "cat (1)"]
    select(opened, "Predicted as", "bird (2)")
    assert files(opened) == [ANN1, BOB]
    opened.get_by_role("button", name="Reset").click()
    assert files(opened) == [DAN, ANN1, ANN2, EVE, BOB]


def test_filters_by_keyboard(opened):
    opened.keyboard.press("Tab")
    opened.keyboard.press("ArrowDown")
    opened.keyboard.press("ArrowDown")
    assert files(opened) == [ANN2]
    opened.keyboard.press("Home")
    opened.keyboard.press("Tab")
    opened.keyboard.type("bi")
    assert files(opened) == [ANN1, BOB]
    opened.keyboard.press("Tab")
    opened.keyboard.press("End")
    assert files(opened) == [ANN1, BOB]
    assert opened.evaluate("document.activeElement.id") == "sort"
    opened.keyboard.press("Tab")
    opened.keyboard.press("Enter")
    assert files(opened) == [DAN, ANN1, ANN2, EVE, BOB]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("most confident first", [DAN, ANN1, ANN2, EVE, BOB]),
        ("most frequent confusion first", [ANN1, BOB, EVE, ANN2, DAN]),
        ("least probable spoken word first", [EVE, DAN, ANN1, ANN2, BOB]),
        ("by spoken word", [ANN1, BOB, EVE, ANN2, DAN]),
        ("by predicted word", [ANN2, DAN, ANN1, BOB, EVE]),
        ("by speaker", [ANN1, ANN2, BOB, DAN, EVE]),
    ],
)
def test_orders(opened, order, expected):
    select(opened, "Order", order)
    assert files(opened) == expected


def test_an_empty_combination_says_so(opened):
    select(opened, "Spoken word", "cat (1)")
    select(opened, "Predicted as", "bird (0)")
    assert files(opened) == []
    assert status(opened) == "0 shown of 5 mistakes in 8 test recordings"
    assert opened.get_by_text("no “cat” predicted as “bird”").is_visible()
    opened.get_by_role("button", name="Reset").click()
    assert opened.get_by_text("This gallery has no").is_hidden()


def test_the_address_keeps_filters_and_order(opened, address):
    select(opened, "Spoken word", "bed (3)")
    select(opened, "Predicted as", "bird (2)")
    select(opened, "Order", "by speaker")
    assert opened.url == f"{address}#target=bed&prediction=bird&sort=speaker"
    opened.reload()
    assert files(opened) == [ANN1, BOB]
    assert opened.locator("#sort").input_value() == "speaker"
    opened.evaluate("location.hash = '#sort=target-probability'")
    opened.locator(".card", has_text=DAN).wait_for()
    assert files(opened) == [EVE, DAN, ANN1, ANN2, BOB]
    opened.get_by_role("button", name="Reset").click()
    assert opened.url.rstrip("#") == address


def test_an_address_of_what_is_not_there_is_ignored(page, address):
    page.goto(f"{address}#target=dog&prediction=&sort=constructor&more=1")
    assert files(page) == [DAN, ANN1, ANN2, EVE, BOB]


# Sound


def test_a_click_plays_and_another_one_stops(opened):
    button(opened, ANN2).click()
    assert sounding(opened) == [ANN2]
    assert opened.evaluate("document.querySelector('audio').duration") == pytest.approx(1, abs=0.01)
    opened.wait_for_function("() => document.querySelector('audio').currentTime > 0.1")
    moved = button(opened, ANN2).locator(".playhead").evaluate("(one) => one.style.transform")
    assert 5 < float(moved.removeprefix("translateX(").removesuffix("%)")) <= 100
    button(opened, ANN2).click()
    assert sounding(opened) == []


def test_one_sounds_at_a_time_to_its_end(opened):
    button(opened, DAN).click()
    button(opened, EVE).click()
    assert sounding(opened) == [EVE]
    opened.evaluate("document.querySelector('audio').playbackRate = 4")
    opened.locator("button[aria-pressed=true]").wait_for(state="detached")
    assert sounding(opened) == []
    assert opened.evaluate("document.querySelector('audio').ended")


def test_what_is_filtered_away_falls_silent(opened):
    button(opened, DAN).click()
    assert sounding(opened) == [DAN]
    select(opened, "Spoken word", "bed (3)")
    assert opened.evaluate("document.querySelector('audio').paused")


def test_sound_that_cannot_be_played_is_reported_in_its_card(opened):
    opened.evaluate("data.shown[1].sound = 'data:audio/mpeg;base64,bm8gc291bmQ='")
    button(opened, ANN1).click()
    alert = opened.locator(".card", has_text=ANN1).get_by_role("alert")
    alert.get_by_text("This browser could not play the recording").wait_for()
    assert sounding(opened) == []
    button(opened, DAN).click()
    assert sounding(opened) == [DAN]
    assert opened.get_by_role("alert").count() == 1


# Keys


@pytest.mark.parametrize("key", ["Space", "Enter"])
def test_keys_play_and_stop(opened, key):
    button(opened, ANN1).focus()
    opened.keyboard.press(key)
    assert sounding(opened) == [ANN1]
    opened.keyboard.press(key)
    assert sounding(opened) == []
    opened.keyboard.press(key)
    assert sounding(opened) == [ANN1]
    opened.keyboard.press("Escape")
    assert sounding(opened) == []


def test_next_and_previous(opened):
    opened.keyboard.press("n")
    assert (focused(opened), sounding(opened)) == (DAN, [DAN])
    opened.keyboard.press("n")
    assert (focused(opened), sounding(opened)) == (ANN1, [ANN1])
    opened.keyboard.press("p")
    assert (focused(opened), sounding(opened)) == (DAN, [DAN])
    opened.keyboard.press("Escape")
    # Before the first there is none.
    opened.keyboard.press("p")
    assert (focused(opened), sounding(opened)) == (DAN, [])
    opened.keyboard.press("End")
    opened.keyboard.press("n")
    assert (focused(opened), sounding(opened)) == (BOB, [])
    # There, letters choose a word.
    opened.locator("#target").focus()
    opened.keyboard.press("n")
    assert sounding(opened) == []


def test_arrows_move_in_the_grid(opened):
    # Two columns: dan, ann1 / ann2, eve / bob.
    opened.set_viewport_size({"width": 600, "height": 700})
    moves = [
        ("ArrowRight", DAN),
        ("ArrowRight", ANN1),
        ("ArrowDown", EVE),
        ("ArrowLeft", ANN2),
        ("ArrowUp", DAN),
        ("ArrowUp", DAN),
        ("ArrowLeft", DAN),
        ("End", BOB),
        ("ArrowDown", BOB),
        ("ArrowRight", BOB),
        ("ArrowUp", ANN2),
        ("ArrowRight", EVE),
        ("ArrowDown", BOB),
        ("Home", DAN),
    ]
    for key, file in moves:
        opened.keyboard.press(key)
        assert focused(opened) == file
        box = opened.locator(".card", has=opened.locator("button:focus")).bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 700
    assert sounding(opened) == []


def test_everything_is_reached_by_tab_and_shows_it(opened):
    reached = []
    for _ in range(4 + len(MISTAKES)):
        opened.keyboard.press("Tab")
        reached.append(focused(opened) or opened.evaluate("document.activeElement.id"))
        ring = "(one) => getComputedStyle(one.closest('.card') ?? one).outlineWidth"
        assert opened.locator(":focus").evaluate(ring) == "3px"
    assert reached == ["target", "prediction", "sort", "reset", DAN, ANN1, ANN2, EVE, BOB]


# Layout


@pytest.mark.parametrize(("width", "columns"), [(320, 1), (360, 1), (768, 2), (1440, 5)])
@pytest.mark.parametrize("long", [False, True], ids=["as usual", "long words"])
def test_layout(page, address, write, width, columns, long):
    words = ["Donaudampfschifffahrtsgesellschaft" * 2, "</script>" * 8, "犬" * 40]
    name = dict(zip(WORDS, words, strict=True))
    rows = [(row[0], "speaker" * 20, name[row[2]], name[row[3]], *row[4:]) for row in MISTAKES]
    page.set_viewport_size({"width": width, "height": 740})
    page.goto(write(rows, words, run="a_long_name_" * 6) if long else address)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    boxes = [card.bounding_box() for card in page.locator(".card").all()]
    assert sum(box["y"] == boxes[0]["y"] for box in boxes) == columns
    for box in boxes:
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    for control in page.locator("select, button").all():
        control.scroll_into_view_if_needed()  # what is far away is not laid out
        box = control.bounding_box()
        assert box["height"] >= 40
        assert box["width"] >= 40
        # Nothing in a card is cut off, but for the words beside their bars.
        cut = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length"
        assert page.locator(".words .text, .facts p, .label, .value").evaluate_all(cut) == 0


@pytest.mark.parametrize("width", [320, 1440])
def test_a_probability_is_on_one_line(page, write, width):
    """The longest ones, and in bold, as the prediction's and the target's are."""
    page.set_viewport_size({"width": width, "height": 740})
    page.goto(write([("cat/dan.wav", "dan", "cat", "bed", 0.9998, 0.0001, 0.0001)]))
    values = page.locator(".value")
    assert values.all_text_contents() == ["> 99.9 %", "< 0.1 %", "< 0.1 %"]
    lines = """(all) => all.map((one) => {
      const range = document.createRange();
      range.selectNodeContents(one);
      return range.getClientRects().length;
    })"""
    assert values.evaluate_all(lines) == [1, 1, 1]
    within = "(all) => all.every((one) => one.scrollWidth <= one.clientWidth + 1)"
    assert values.evaluate_all(within)


def test_preferences_are_respected(opened):
    colour = "() => getComputedStyle(document.body).backgroundColor"
    light = opened.evaluate(colour)
    opened.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert opened.evaluate(colour) != light
    button(opened, DAN).click()
    assert sounding(opened) == [DAN]
    assert button(opened, DAN).locator(".playhead").is_hidden()


# Odd words, odd places


def test_words_that_are_markup_are_shown_as_text(page, write):
    rows = [
        (file, EVIL[(i + 2) % 5], EVIL[i], EVIL[(i + 1) % 5], *np.roll([0.1, 0.7, 0.2, 0, 0], i))
        for i, (file, *_) in enumerate(MISTAKES)
    ]
    page.goto(write(rows, EVIL, run=EVIL[0]))
    assert page.locator("h1").text_content() == EVIL[0]
    assert sorted(page.locator(".words .spoken dd").all_text_contents()) == sorted(EVIL)
    assert page.locator("script").count() == 2
    assert page.locator("img").count() == page.locator(".card > .play > img").count() == 5
    for word in EVIL:
        page.locator("#target").select_option(label=f"{word} (1)")
        assert page.locator(".words .spoken dd").all_text_contents() == [word]
        page.reload()
        assert page.locator(".words .spoken dd").all_text_contents() == [word]


@pytest.mark.parametrize("attribute", ["src", "srcdoc"])
def test_within_another_page(page, write, attribute):
    # Snakemake's report shows it by `src`; by `srcdoc` it may not change its address.
    text = Path(url2pathname(urlsplit(write(MISTAKES)).path)).read_text(encoding="utf-8")
    encoded = base64.b64encode(text.encode()).decode()
    content = {"src": f"data:text/html;charset=utf-8;base64,{encoded}", "srcdoc": text}[attribute]
    page.set_content("<iframe width=1200 height=800></iframe>")
    setting = "(frame, [attribute, content]) => frame.setAttribute(attribute, content)"
    page.locator("iframe").evaluate(setting, [attribute, content])
    inside = page.frame_locator("iframe")
    inside.locator("#target").select_option(label="bed (3)")
    assert inside.locator(".card").count() == 3
    inside.locator(".play").first.click()
    inside.locator(".play[aria-pressed=true]").wait_for()

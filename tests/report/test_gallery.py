"""The error gallery: which mistakes it shows, and what the page is given of each."""

import base64
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from matplotlib import colormaps
from PIL import Image
from predicted import COLUMNS, row
from scipy.io import wavfile

from spokenwords.errors import UserError
from spokenwords.report import gallery

TEMPLATE = Path(__file__).parents[2] / "workflow/report/gallery.html"
RATE = 16_000
ODD = ["</script><script>alert(1)</script>", "NA", "001", "犬", "<!-- {{data}}", '"\\u003c\u2028']


def predicted(rows, words):
    """Predictions for rows of (file, target, prediction, its probability).

    The target gets two thirds of what is left, the other words share the rest.
    """
    table = []
    for file, target, prediction, probability in rows:
        left = 1 - probability
        probabilities = dict.fromkeys(words, left / 3 / max(len(words) - 2, 1))
        probabilities |= {target: 2 * left / 3} | {prediction: probability}
        table.append(row(file, target, prediction, probabilities))
    return pd.DataFrame(table, columns=COLUMNS[: 4 + 2 * min(3, len(words))])


# a is predicted as b six times, as c twice; b as a three times; c as a once. Three are correct.
MIXED = predicted(
    [
        *((f"ab{i}", "a", "b", p) for i, p in enumerate([0.60, 0.90, 0.59, 0.56, 0.57, 0.58])),
        *((f"ac{i}", "a", "c", p) for i, p in enumerate([0.50, 0.95])),
        *((f"ba{i}", "b", "a", p) for i, p in enumerate([0.53, 0.54, 0.55])),
        ("ca0", "c", "a", 0.99),
        *((f"right{i}", "a", "a", 0.999) for i in range(3)),
    ],
    ["a", "b", "c"],
)


def test_all_mistakes_are_shown_where_there_is_room_by_falling_confidence():
    shown = gallery.choose(MIXED, most=12)
    assert list(shown["file"]) == (
        ["ca0", "ac1", "ab1", "ab0", "ab2", "ab5", "ab4", "ab3", "ba2", "ba1", "ba0", "ac0"]
    )
    assert set(shown["reason"]) == {"all"}


@pytest.mark.parametrize(
    ("most", "confident", "frequent"),
    [
        # The three most confident are ca0, ac1 and ab1. Of the others the ranks are: of a → b
        # 6/2, 6/3, 6/4, 6/5, 6/6; of b → a 3/1, 3/2, 3/3; of a → c 2/2. Of those equally ranked,
        # what is confused more often comes first.
        (1, ["ca0"], []),
        (2, ["ca0"], ["ab1"]),
        (6, ["ca0", "ac1", "ab1"], ["ab0", "ba2", "ab2"]),
        (7, ["ca0", "ac1", "ab1", "ab0"], ["ba2", "ab2", "ab5"]),
        (10, ["ca0", "ac1", "ab1", "ab0", "ab2"], ["ba2", "ab5", "ba1", "ab4", "ab3"]),
        (11, ["ca0", "ac1", "ab1", "ab0", "ab2", "ab5"], ["ba2", "ba1", "ab4", "ab3", "ba0"]),
    ],
)
def test_half_the_places_are_for_confidence_half_for_frequency(most, confident, frequent):
    shown = gallery.choose(MIXED.sample(frac=1, random_state=most), most)
    assert len(shown) == most
    reasons = shown.groupby("reason")["file"].apply(set).to_dict()
    assert reasons.get("confidence", set()) == set(confident)
    assert reasons.get("frequency", set()) == set(frequent)
    assert shown["probability"].is_monotonic_decreasing


def test_what_ties_is_decided_by_file_and_by_words():
    rows = [(f"{file}", target, "c", 0.7) for file, target in zip("dbeafg", "aabbab", strict=True)]
    shown = gallery.choose(predicted(rows, ["a", "b", "c"]), most=4)
    # Two files first in the alphabet for confidence. Then a → c and b → c are confused equally
    # often, and each has one shown: d and e are second.
    assert list(shown["file"]) == ["a", "b", "d", "e"]
    rows = [(f"{target}{i}", target, "c", 0.7) for target in "ba" for i in range(3)]
    shown = gallery.choose(predicted(rows, ["a", "b", "c"]), most=3)
    # After a0 and a1, b0 has rank 3/1, a2 3/3.
    assert list(shown["file"]) == ["a0", "a1", "b0"]


def test_each_mistake_has_its_probabilities_and_counts():
    shown = gallery.choose(MIXED).set_index("file")
    assert shown.loc["ac1", "probability"] == 0.95
    assert shown.loc["ac1", "target_probability"] == pytest.approx(2 * 0.05 / 3)
    assert list(shown.loc[["ab0", "ac0", "ba0", "ca0"], "confusions"]) == [6, 2, 3, 1]
    # Those recognised count too.
    assert list(shown.loc[["ab0", "ba0", "ca0"], "spoken"]) == [11, 3, 1]


@pytest.mark.parametrize("rows", [[], [("right", "a", "a", 1.0)]], ids=["nothing", "all right"])
def test_without_mistakes_none_is_shown(rows):
    assert gallery.choose(predicted(rows, ["a", "b"])).empty


# The page


class DataElement(HTMLParser):
    """What a browser takes for the content of the element with the data."""

    def __init__(self):
        super().__init__()
        self.inside, self.content, self.scripts = False, "", 0

    def handle_starttag(self, tag, attributes):
        self.scripts += tag == "script"
        self.inside = dict(attributes).get("id") == "data"

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        self.content += data * self.inside


def data_of(page):
    parser = DataElement()
    parser.feed(page)
    assert parser.scripts == 2
    return json.loads(parser.content)


def bytes_of(url, kind):
    start, content = url.split(",")
    assert start == f"data:{kind};base64"
    return base64.b64decode(content)


@pytest.fixture
def make_page(tmp_path):
    """A function that makes the gallery of predictions, and returns the page and its data."""

    def make(predictions, run="complex", length=RATE, window="loudest"):
        correct = int((predictions["target"] == predictions["prediction"]).sum())
        count = len(predictions)
        metrics = {"accuracy": correct / count, "recordings": count, "correct": correct}
        template = TEMPLATE.read_text(encoding="utf-8")
        page = gallery.page(template, run, metrics, predictions, tmp_path, RATE, length, window)
        return page, data_of(page)

    return make


@pytest.fixture
def write_recording(tmp_path):
    """A function that writes 16-bit noise as a WAV file, and returns its samples."""

    def write(file, samples=RATE, seed=0):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        numbers = np.random.default_rng(seed).integers(-32_768, 32_768, samples).astype(np.int16)
        wavfile.write(tmp_path / file, RATE, numbers)
        return numbers

    return write


def test_whatever_words_are_called_the_data_come_through(make_page, write_recording):
    files = [f"{i}/“{i}” & <b>.wav" for i in range(len(ODD))]
    for file in files:
        write_recording(file)
    rows = zip(files, ODD, ODD[1:] + ODD[:1], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], strict=True)
    page, data = make_page(predicted(rows, ODD), run=ODD[0])
    assert data["run"] == ODD[0]
    assert [one["file"] for one in data["shown"]] == files
    assert [one["target"] for one in data["shown"]] == ODD
    assert [one["prediction"] for one in data["shown"]] == ODD[1:] + ODD[:1]
    assert page.count("alert(1)") == page.count("\\u003cscript>alert(1)")


@pytest.mark.parametrize("window", ["start", "loudest"])
def test_the_window_that_the_network_got_is_played(make_page, tmp_path, window):
    samples = np.zeros(3 * RATE, np.int16)
    samples[30_000:40_000] = 5_000 * np.sin(np.arange(10_000) / 5)
    wavfile.write(tmp_path / "x.wav", RATE, samples)
    _, data = make_page(predicted([("x.wav", "a", "b", 0.6)], ["a", "b"]), window=window)
    sound = io.BytesIO(bytes_of(data["shown"][0]["sound"], "audio/mpeg"))
    played, _ = soundfile.read(sound, dtype="int16")
    # The word is in the middle of the loudest second, and none of it in the first.
    loud = np.flatnonzero(np.abs(played) > 2_000)
    expected = [] if window == "start" else pytest.approx([3_000, 13_000], abs=RATE / 50)
    assert [*loud[:1], *loud[-1:]] == expected


def test_figures_of_the_run(make_page, write_recording, messages):
    write_recording("x.wav", samples=4_000)
    right = [("x.wav", "a", "a", 0.9)] * 7
    page, data = make_page(predicted([*right, ("x.wav", "a", "b", 0.6)], ["a", "b"]), length=4_000)
    del data["shown"]
    assert data == {
        "run": "complex",
        "accuracy": 7 / 8,
        "recordings": 8,
        "mistakes": 1,
        "seconds": 0.25,
        "highest": 8_000,
        "range": 70,
    }
    assert messages == [f"Recordings in the gallery: 1 ({len(page) / 1e6:.1f} MB)."]


def test_the_three_likeliest_words_and_the_target_are_listed(make_page, write_recording):
    write_recording("x.wav")
    of_words = {"a": 0.1, "b": 0.4, "c": 0.4, "d": 0.08, "e": 0.02}
    table = pd.DataFrame([row("x.wav", "e", "b", of_words)])
    _, data = make_page(table)
    [one] = data["shown"]
    assert one["likeliest"] == [["b", 0.4], ["c", 0.4], ["a", 0.1], ["e", 0.02]]
    assert (one["probability"], one["targetProbability"]) == (0.4, 0.02)
    table = pd.DataFrame([row("x.wav", "e", "b", of_words | {"e": 0.2})])
    assert make_page(table)[1]["shown"][0]["likeliest"] == [["b", 0.4], ["c", 0.4], ["e", 0.2]]
    table = pd.DataFrame([row("x.wav", "e", "b", {"b": 0.6, "e": 0.4})])
    assert make_page(table)[1]["shown"][0]["likeliest"] == [["b", 0.6], ["e", 0.4]]


@pytest.mark.parametrize("samples", [RATE, RATE - 1_000, RATE + 1_000])
def test_the_sound_is_the_input_of_the_network(make_page, write_recording, samples):
    numbers = write_recording("x.wav", samples)
    _, data = make_page(predicted([("x.wav", "a", "b", 0.9)], ["a", "b"]), window="start")
    sound, rate = soundfile.read(io.BytesIO(bytes_of(data["shown"][0]["sound"], "audio/mpeg")))
    assert rate == RATE
    expected = np.zeros(RATE)
    expected[: min(samples, RATE)] = numbers[:RATE] / 32_768
    # Noise is what MP3 is worst at; a sample too early or too late, errors were twice the sound.
    assert ((sound - expected) ** 2).sum() < (expected**2).sum() / 2


@pytest.mark.parametrize("rate", gallery.MP3_RATES)
def test_the_sound_is_as_long_as_the_recording(rate):
    samples = np.sin(2 * np.pi * 1_000 * np.arange(rate) / rate, dtype=np.float32) / 2
    found = bytes_of(gallery.sound(samples, rate), "audio/mpeg")
    sound, found_rate = soundfile.read(io.BytesIO(found))
    assert (len(sound), found_rate) == (rate, rate)
    assert np.abs(sound - samples)[rate // 10 : -rate // 10].max() < 0.1
    assert len(found) < rate


def test_samples_beyond_full_scale_are_clipped():
    samples = np.array([0, 0.5, 1, 1.5, -1, -1.5], np.float32)
    # A rate at which sound is kept exactly.
    file = io.BytesIO(bytes_of(gallery.sound(samples, 10_000), "audio/flac"))
    assert soundfile.info(file).format == "FLAC"
    file.seek(0)
    sound, _ = soundfile.read(file, dtype="int16")
    assert list(sound) == [0, 16_384, 32_767, 32_767, -32_768, -32_768]


def test_a_missing_recording_is_reported(make_page):
    with pytest.raises(UserError, match=r"bed/x\.wav was usable .* Run the workflow again"):
        make_page(predicted([("bed/x.wav", "a", "b", 0.9)], ["a", "b"]))


# Spectrograms


def shades(samples, rate=RATE):
    """The spectrogram's brightness [row, column], 0 to 1: where its colours stand in the map."""
    with Image.open(io.BytesIO(gallery.spectrogram(samples.astype(np.float32), rate))) as image:
        assert image.format == "WEBP"
        pixels = np.asarray(image.convert("RGB"), dtype=float)
    colours = 255 * colormaps["magma"](np.arange(256))[:, :3]
    distances = ((pixels[:, :, None] - colours) ** 2).sum(axis=-1)
    return distances.argmin(axis=-1) / 255


def tone(frequency, length=RATE, rate=RATE):
    return np.sin(2 * np.pi * frequency * np.arange(length) / rate)


@pytest.mark.parametrize(
    ("frequency", "rate", "height"),
    # m(f) / m(rate / 2), where m(f) is ln(1 + f / 700 Hz).
    [(1_000, 16_000, 0.8873 / 2.5201), (4_000, 16_000, 1.9042 / 2.5201), (700, 8_000, 0.3640)],
)
def test_height_is_the_frequency_on_the_mel_scale(frequency, rate, height):
    found = shades(tone(frequency, rate, rate), rate)
    assert found.shape == (128, 201)
    brightest = found[:, 50:150].mean(axis=1).argmax()
    assert abs(brightest - 128 * (1 - height)) <= 1.5


def test_across_is_time():
    samples = np.zeros(RATE)
    samples[12_000] = 1
    found = shades(samples)
    assert found.mean(axis=0).argmax() == pytest.approx(0.75 * 200, abs=1)
    assert found[:, :140].max() < 0.05


def test_brightness_is_in_decibels_below_the_loudest():
    # 35 dB are half of the range. In turn, so that neither leaks into the other.
    samples = tone(1_000)
    samples[8_000:] *= 10 ** (-35 / 20)
    rows = shades(samples).max(axis=0)
    assert rows[20:80] == pytest.approx(1, abs=0.06)
    assert rows[120:180] == pytest.approx(0.5, abs=0.06)
    # As loud as may be.
    assert shades(samples / 1_000) == pytest.approx(shades(samples), abs=0.06)


def test_silence_is_dark():
    with np.errstate(all="raise"):
        assert shades(np.zeros(RATE)).max() < 0.05


@pytest.mark.parametrize("length", [1, 320, 10 * RATE, 60 * RATE])
def test_spectrograms_of_short_and_long_recordings(length):
    found = shades(tone(1_000, length))
    assert found.shape[0] == 128
    assert 1 <= found.shape[1] <= 401

"""The page that listens, in Chromium: the words of the Python decoder, at the same times."""

import json
import os
import re
import shutil

import numpy as np
import pytest
import scipy
import soundfile
import tones
from copies import REPOSITORY
from playwright.sync_api import expect
from test_program import LONG, Centred, agree, predicted

from spokenwords.errors import UserError
from spokenwords.export import listen_page, onnx_model, web_runtime
from spokenwords.recordings import audio
from spokenwords.recordings.resampling import Resampler

REPORT = REPOSITORY / "workflow/report"
DECODER = (REPORT / "listen_decoder.js").read_text(encoding="utf-8")
SECONDS = 17
EVIL = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def classifier():
    made = tones.classifier()
    made.network = Centred(gain=5.0)
    made.words[0] = EVIL
    return made.eval()


@pytest.fixture(scope="module")
def folder(classifier, tmp_path_factory):
    """A folder with the page and a recording of 16 kHz, which microphones have."""
    if not shutil.which("npm") and "REQUIRE_CHROMIUM" not in os.environ:
        pytest.skip("no npm here")
    folder = tmp_path_factory.mktemp("listen")
    text = listen_page.page(
        (REPORT / "listen.html").read_text(encoding="utf-8"),
        DECODER,
        web_runtime.fetch(REPOSITORY / "envs/web"),
        onnx_model.description(classifier, tones.THRESHOLD),
        onnx_model.to_onnx(classifier, tones.THRESHOLD),
    )
    (folder / "listen.html").write_text(text, encoding="utf-8")
    soundfile.write(folder / "long.wav", tones.sound(SECONDS, LONG, 16_000), 16_000)
    return folder


@pytest.fixture
def ready(page, folder):
    """The page, its model loaded."""
    page.goto((folder / "listen.html").as_uri())
    expect(page.locator("#status")).to_have_text("Ready.", timeout=60_000)
    return page


def words(page):
    """The words that the page shows, in order of time."""
    items = page.locator("#words li").evaluate_all(
        "items => items.map(({dataset: {start, word, probability}}) => [start, word, probability])"
    )
    return [
        (float(start), float(start) + 1, word, float(probability))
        for start, word, probability in reversed(items)
    ]


def test_a_file_has_the_words_of_predict(ready, classifier, folder):
    ready.set_input_files("#file", folder / "long.wav")
    expected = predicted(classifier, folder / "long.wav")
    said = f"long.wav: {len(expected)} words in {SECONDS}.0 s."
    expect(ready.locator("#status")).to_have_text(said, timeout=60_000)
    agree(words(ready), expected)
    # Names are shown as text.
    assert EVIL in ready.locator("#words strong").all_text_contents()
    assert EVIL in ready.locator("#vocabulary").inner_text()
    assert ready.locator("body img").count() == 0


def test_the_threshold_applies_to_what_comes(ready, folder):
    assert float(ready.locator("#threshold").input_value()) == pytest.approx(tones.THRESHOLD)
    assert ready.locator("#chosen").inner_text() == "0.900"
    for key, count in (("End", "0"), ("Home", "1?[0-9]")):
        ready.locator("#threshold").press(key)
        ready.set_input_files("#file", folder / "long.wav")
        status = re.compile(rf"^long\.wav: {count} words")
        expect(ready.locator("#status")).to_have_text(status, timeout=60_000)
    assert len(words(ready)) >= 8


def test_a_file_that_is_no_sound_is_reported(ready, tmp_path):
    (tmp_path / "a.txt").write_text("text")
    ready.set_input_files("#file", tmp_path / "a.txt")
    text = "a.txt is no sound file that this browser reads."
    expect(ready.locator("#status")).to_have_text(text)
    expect(ready.locator("#microphone")).to_be_enabled()


def test_without_a_microphone_a_sentence_says_so(ready):
    ready.locator("#microphone").press("Enter")
    expect(ready.locator("#status")).to_contain_text("The microphone cannot be used")
    expect(ready.locator("#file")).to_be_enabled()


def test_a_microphone_that_cannot_be_read_is_released(ready):
    ready.evaluate(
        """() => {
          window.opened = new AudioContext().createMediaStreamDestination().stream;
          navigator.mediaDevices.getUserMedia = async () => window.opened;
          AudioWorklet.prototype.addModule = async () => { throw new Error("refused"); };
        }"""
    )
    ready.locator("#microphone").press("Enter")
    expect(ready.locator("#status")).to_contain_text("The microphone cannot be used (refused).")
    assert ready.evaluate("window.opened.getTracks().map(track => track.readyState)") == ["ended"]


@pytest.mark.parametrize("width", [360, 1440])
def test_the_page_fits_into_windows(ready, folder, width):
    ready.set_viewport_size({"width": width, "height": 700})
    ready.set_input_files("#file", folder / "long.wav")
    expect(ready.locator("#status")).to_contain_text("words in", timeout=60_000)
    assert ready.evaluate("document.documentElement.scrollWidth") == width


def test_the_microphone_has_the_words_of_predict(browser, classifier, folder):
    """By a device of Chromium's that plays the file, beginning when it is opened."""
    arguments = ["--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream"]
    arguments.append("--use-fake-device-for-media-stream")
    arguments.append(f"--use-file-for-fake-audio-capture={folder / 'long.wav'}%noloop")
    chromium = browser.browser_type.launch(
        executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=arguments
    )
    page = chromium.new_page()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto((folder / "listen.html").as_uri())
    expect(page.locator("#microphone")).to_be_enabled(timeout=60_000)
    page.locator("#microphone").press("Enter")
    expected = predicted(classifier, folder / "long.wav")
    expect(page.locator("#words li")).to_have_count(len(expected), timeout=60_000)
    page.locator("#microphone").press("Enter")
    expect(page.locator("#status")).to_have_text(f"Stopped. {len(expected)} words.")
    found = words(page)
    # The device begins a little before or after the page listens.
    late = np.median([one[0] - other[0] for one, other in zip(found, expected, strict=True)])
    assert abs(late) < 1
    agree([(start - late, end - late, *rest) for start, end, *rest in found], expected)
    assert all(url.startswith(("file:", "data:", "blob:")) for url in requests)
    chromium.close()


def test_the_spectrogram_is_that_of_fourier(ready):
    samples = np.random.default_rng(1).normal(size=512)
    found = ready.evaluate("x => [...spectrum(Float32Array.from(x))]", samples.tolist())
    window = scipy.signal.get_window("hann", 512, fftbins=True)
    expected = np.abs(np.fft.rfft(samples * window)[:256]) ** 2
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


# The parts.


@pytest.mark.parametrize(("rate", "to"), [(16_000, 1000), (44_100, 16_000), (8000, 16_000)])
def test_pieces_are_resampled_as_in_python(browser, rate, to):
    samples = np.random.default_rng(1).normal(size=rate // 10).astype(np.float32)
    page = browser.new_page()
    found = page.evaluate(
        f"""([samples, from, to]) => {{
            {DECODER}
            const [resampler, found] = [new Resampler(from, to), []];
            for (let i = 0; i < samples.length; i += 128) {{
                found.push(...resampler.feed(Float32Array.from(samples.slice(i, i + 128))));
            }}
            return found;
        }}""",
        [samples.tolist(), rate, to],
    )
    page.close()
    expected = audio.resample(samples, rate, to)
    # The rest needs samples that have not come.
    assert len(expected) - len(found) <= 11 * max(1, to / rate)
    assert len(found) >= len(Resampler(rate, to).feed(samples))
    np.testing.assert_allclose(found, expected[: len(found)], atol=1e-4)


def test_a_stream_ends_with_its_last_window(browser):
    """Starts of windows for streams of different lengths, in samples."""
    about = {"samples": 100, "step": 20, "hop": 5, "smoothing": 3, "suppression": 50, "reach": 30}
    about |= {"classes": ["a"], "no_words": []}
    page = browser.new_page()
    script = f"""async ([about, length]) => {{
        {DECODER}
        const found = [];
        const classify = async (window) => (found.push([window[0], window.length]), [0]);
        const decoder = new Decoder(about, classify, () => 1, () => 0);
        const samples = Float32Array.from({{length}}, (_, i) => i);
        for (let i = 0; i < length; i += 33) await decoder.feed(samples.slice(i, i + 33));
        await decoder.finish();
        return found;
    }}"""
    for length, starts in {
        **{0: [], 40: [0], 100: [0], 104: [0], 105: [0, 5], 120: [0, 20], 147: [0, 20, 40, 45]},
        160: [0, 20, 40, 60],
    }.items():
        assert page.evaluate(script, [about, length]) == [[start, 100] for start in starts]
    page.close()


def test_without_npm_a_sentence_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="npm is not installed"):
        web_runtime.fetch(REPOSITORY / "envs/web")


def test_a_failure_of_npm_is_passed_on(monkeypatch, tmp_path):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code ENOTFOUND' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(UserError, match="ENOTFOUND"):
        web_runtime.fetch(REPOSITORY / "envs/web")


def test_the_lock_has_checksums_and_no_addresses():
    lock = json.loads((REPOSITORY / "envs/web/package-lock.json").read_text())
    packages = [entry for name, entry in lock["packages"].items() if name]
    assert all("integrity" in entry and "resolved" not in entry for entry in packages)
    assert lock["packages"]["node_modules/onnxruntime-web"]["version"] == "1.30.0"

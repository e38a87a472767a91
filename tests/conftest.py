"""What several test files need: stores, a small classifier, a finished workflow, a browser."""

import fcntl
import logging
import os
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from copies import OVERLAY, Copy
from playwright.sync_api import sync_playwright
from scipy.io import wavfile
from torch import nn

from spokenwords.model.classifier import Classifier
from spokenwords.spectrograms.in_memory import Recordings
from spokenwords.spectrograms.stft import STFT
from spokenwords.spectrograms.write import write_recordings

# What is there of the run `spotter`.
SPOTTER = ("metrics.json", "false_alarms.svg")
# Spectrograms of a second: [2, 33, 51].
SMALL = STFT(sample_rate=1000, n_fft=64, window_seconds=0.05, stride_seconds=0.02, normalized=True)


def pytest_collection_modifyitems(items):
    """Tests of the finished workflow come first: one process makes it, the others do the rest.

    Before all come interruptions, which take longest: at the end nobody is to wait for another.
    """

    def place(item):
        return "finished" not in item.fixturenames, item.path.stem != "test_interruptions"

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Problems this small are slower with more."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory, worker_id):
    """A function that returns a duplicate of a copy that the first process to need it makes.

    `make` is given a folder for it.
    """

    def made_once(name: str, make: Callable[[Path], Copy]) -> Copy:
        folder = tmp_path_factory.getbasetemp()
        if worker_id != "master":  # With pytest-xdist each process has a folder in that of all.
            folder = folder.parent
        made = folder / f"{name}.pickle"
        with (folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                shutil.rmtree(folder / name, ignore_errors=True)
                made.write_bytes(pickle.dumps(make(folder / name)))
        return pickle.loads(made.read_bytes()).duplicate(tmp_path_factory.mktemp(name) / "copy")

    return made_once


@pytest.fixture(scope="session")
def finished(made_once) -> Copy:
    """The workflow after its first run. Tests that change it work on a duplicate, or undo it."""

    def make(folder):
        copy = Copy(folder, OVERLAY)
        copy.run()
        return copy

    return made_once("finished", make)


@pytest.fixture(scope="session")
def compared(finished, made_once) -> Copy:
    """The same after a comparison of all runs, of which one has two seeds."""

    def make(folder):
        copy = finished.duplicate(folder)
        copy.overlay["runs"]["power"] = {"features": "coarse", "split": "speaker", "seed": [1, 2]}
        copy.run("compare")
        return copy

    return made_once("compared", make)


@pytest.fixture(scope="session")
def spotter(finished, made_once) -> Copy:
    """The same after the evaluation of another run, of two words and silence."""

    def make(folder):
        copy = finished.duplicate(folder)
        copy.overlay["runs"]["spotter"] = {
            **{"features": "coarse", "split": "speaker", "representation": "log_mel"},
            **{"model": "residual", "words": ["bird", "happy"], "silence": True},
        }
        copy.overlay["train"] = ["spotter"]
        copy.run(*(f"results/small/runs/spotter/{name}" for name in SPOTTER))
        return copy

    return made_once("spotter", make)


@pytest.fixture
def messages():
    """What the library logs, as a list of lines that grows."""
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = logging.getLogger("spokenwords")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.fixture
def run_command(monkeypatch, capsys):
    """A function that runs a command in this process; returns its status and what it prints."""

    def run(command, *arguments):
        monkeypatch.setattr(sys, "argv", ["command", *arguments])
        logger = logging.getLogger("spokenwords")
        level, handlers = logger.level, logger.handlers[:]
        try:
            status = command()
        except SystemExit as ended:
            status = ended.code
        finally:
            logger.setLevel(level)
            logger.handlers = handlers
        return status, capsys.readouterr()

    return run


@pytest.fixture
def write_noise(tmp_path):
    """A function that writes a recording of noise to a file of the folder `recordings`."""

    def write(file: str, seed: int, seconds: float = 1.0, rate: int = SMALL.sample_rate):
        path = tmp_path / "recordings" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = np.random.default_rng(seed).normal(scale=0.1, size=round(seconds * rate))
        # Not soundfile, which waits at the end of each file until the disk has it.
        wavfile.write(path, rate, np.rint(32_768 * samples).astype(np.int16))
        return path

    return write


@pytest.fixture
def write_store(tmp_path, write_noise):
    """A function that writes the store of a word with `count` recordings, and returns its path."""

    def write(word: str, count: int, chunk_length: int = 4, transform: STFT = SMALL, **options):
        files = [f"{word}/{number}.wav" for number in range(count)]
        for number, file in enumerate(files):
            seed = number + 1000 * sum(word.encode())
            write_noise(file, seed, rate=transform.sample_rate)
        path = tmp_path / "stores" / f"{word}.zarr"
        path.parent.mkdir(exist_ok=True)
        settings = {"length": 1000, "window": "loudest", "rounding": 16, "compression": "zstd"}
        settings |= {"inventory_digest": "0" * 64} | options
        folder = tmp_path / "recordings"
        write_recordings(path, folder, files, transform, chunk_length=chunk_length, **settings)
        return path

    return write


@pytest.fixture
def make_recordings():
    """A function that makes a set whose words are easy to classify: each has a pattern."""

    def make(count: int, seed: int, words: int = 3, frequency: int = 4, time: int = 5):
        shape = (2, frequency, time)
        patterns = torch.randn(words, *shape, generator=torch.Generator().manual_seed(0))
        generator = torch.Generator().manual_seed(seed)
        labels = torch.arange(count) % words
        noise = torch.randn(count, *shape, generator=generator)
        return Recordings((patterns[labels] + noise / 2).half(), labels, torch.device("cpu"))

    return make


@pytest.fixture
def make_classifier():
    """A function that makes a classifier whose network is small but has all kinds of state."""

    def make(seed: int = 0, words: int = 3, pixels: int = 20):
        torch.manual_seed(seed)
        names = [f"word{number}" for number in range(words)]
        classifier = Classifier(names, "complex", SMALL, 1000, "published")
        classifier.network = nn.Sequential(
            nn.Flatten(),
            nn.Linear(2 * pixels, 16),
            nn.BatchNorm1d(16),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(16, words),
        )
        return classifier

    return make


@pytest.fixture
def orders(monkeypatch):
    """A list of the order of each later epoch; each recording is given by the sum of its values."""
    found, shuffled = [], Recordings.shuffled

    def noted(recordings, *arguments):
        batches = list(shuffled(recordings, *arguments))
        found.append(tuple(float(one.sum()) for batch, _ in batches for one in batch.double()))
        return batches

    monkeypatch.setattr(Recordings, "shuffled", noted)
    return found


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium; without one the tests are skipped, but not where it is required (CI)."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if not executable and "REQUIRE_CHROMIUM" not in os.environ:
        pytest.skip("no Chromium here")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        chromium = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A page; at the end it must have raised no error, opened no dialog and asked for nothing."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(20_000)
    faults = []
    page.on("console", lambda said: said.type == "error" and faults.append(said.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: (faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on(
        "request",
        lambda request: (
            request.url.startswith(("file:", "data:", "blob:"))
            or faults.append(f"request {request.url}")
        ),
    )
    yield page
    page.close()
    assert faults == []

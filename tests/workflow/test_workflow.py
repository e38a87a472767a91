"""The workflow from end to end: a small synthetic data set, what it makes, and what runs again."""

import functools
import hashlib
import http.server
import json
import re
import subprocess
import sys
import tarfile
import threading
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml
import zarr
from copies import EPOCHS, OVERLAY, VOICES, WORDS, Copy

from spokenwords.model.classifier import Classifier
from spokenwords.spectrograms.read import open_store

pytestmark = pytest.mark.workflow

# A recording that is not silent.
SOUND = np.random.default_rng(1).normal(0, 0.1, 16_000)


def table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, keep_default_na=False)


def test_modules_are_remembered_for_the_next_planning(finished):
    known = json.loads((finished.folder / ".snakemake/fingerprints.json").read_text())
    assert {"train.py", "spokenwords/training/loop.py", "spokenwords/errors.py"} <= known.keys()


def test_inventories_and_check(finished):
    for word in WORDS:
        inventory = table(finished.results / "inventory" / f"{word}.csv")
        assert len(inventory) == VOICES
        assert set(inventory["status"]) == {"usable"}
        assert inventory["speaker"].nunique() == VOICES
        for row in inventory.itertuples():
            content = (finished.folder / "data/small" / row.file).read_bytes()
            assert hashlib.sha256(content).hexdigest() == row.sha256
    summary = table(finished.results / "recordings" / "summary.csv")
    assert list(summary["word"]) == WORDS
    assert list(summary["usable"]) == [VOICES] * len(WORDS)
    for name in ("duplicates", "oddities", "rejected"):
        table(finished.results / "recordings" / f"{name}.csv")


def test_stores_hold_the_inventory(finished):
    for word in WORDS:
        path = finished.results / "features" / "standard" / f"{word}.zarr"
        inventory = finished.results / "inventory" / f"{word}.csv"
        opened = open_store(path)
        assert opened.array.shape == (VOICES, 2, 257, 101)
        assert opened.files == list(table(inventory)["file"])
        attributes = zarr.open_group(path, mode="r").attrs
        assert attributes["inventory_sha256"] == hashlib.sha256(inventory.read_bytes()).hexdigest()


@pytest.mark.parametrize("split", ["speaker", "random"])
def test_manifests_divide_all_recordings(finished, split):
    folder = finished.results / "splits" / split
    manifests = [table(folder / f"{name}.csv") for name in ("train", "valid", "test")]
    everything = pd.concat(manifests)
    assert sorted(everything["file"]) == sorted(
        file
        for word in WORDS
        for file in table(finished.results / "inventory" / f"{word}.csv")["file"]
    )
    for row in everything.itertuples():
        assert WORDS[row.label] == row.word
        path = finished.results / "features" / "standard" / f"{row.word}.zarr"
        assert open_store(path).files[row.row] == row.file
    if split == "speaker":
        train, valid, test = (set(manifest["speaker"]) for manifest in manifests)
        assert not (train & valid or train & test or valid & test)


@pytest.mark.parametrize("run", ["complex", "mel"])
def test_runs(finished, run):
    folder = finished.results / "runs" / run
    log = table(folder / "log.csv")
    assert list(zip(log["epoch"], log["set"], strict=True)) == [
        (epoch, name) for epoch in range(1, EPOCHS + 1) for name in ("train", "valid")
    ]
    predictions = table(folder / "predictions.csv")
    split = OVERLAY["runs"][run]["split"]
    test = table(finished.results / "splits" / split / "test.csv")
    assert list(predictions["file"]) == list(test["file"])
    assert list(predictions["target"]) == list(test["word"])
    # The table has all three words, the likeliest first.
    names = predictions[["prediction", "second", "third"]].to_numpy()
    assert [sorted(row) for row in names] == [sorted(WORDS)] * len(test)
    probabilities = predictions[["probability", "second_probability", "third_probability"]]
    assert probabilities.sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)
    assert (np.diff(probabilities) <= 0).all()
    own = predictions["target_probability"].to_numpy()
    said = names == predictions[["target"]].to_numpy()
    assert list(own) == list(probabilities.to_numpy()[said])

    confusion = table(folder / "confusion.csv")
    assert len(confusion) == len(WORDS) ** 2
    for row in confusion.itertuples():
        both = (predictions["target"] == row.target) & (predictions["prediction"] == row.prediction)
        assert row.count == both.sum()

    metrics = json.loads((folder / "metrics.json").read_text())
    accuracy = (predictions["target"] == predictions["prediction"]).mean()
    assert metrics["accuracy"] == pytest.approx(accuracy)
    low, high = metrics["accuracy_interval"]
    assert low <= accuracy <= high
    assert metrics["loss"] == pytest.approx(-np.log(own).mean(), rel=1e-3)
    if run == "mel":
        assert metrics["training"]["precision"] == metrics["evaluation"]["precision"] == "bfloat16"
    assert Classifier.load(folder / "model.pt").words == WORDS
    assert not (folder / "checkpoint.pt").exists()


def test_rate_that_a_run_takes_from_the_range_test(finished):
    training = json.loads((finished.results / "runs/mel/training.json").read_text())
    rates = table(finished.results / "runs/mel/learning_rate.csv")["learning_rate"]
    assert np.isclose(rates, training["max_lr"]).any()
    assert json.loads((finished.results / "runs/complex/training.json").read_text())[
        "max_lr"
    ] == pytest.approx(0.01)


def test_plots_are_readable(finished):
    plots = list(finished.results.rglob("*.svg"))
    names = {path.name for path in plots}
    assert names == {
        *("waveform.svg", "fourier_transform.svg", "spectrogram.svg", "complex_spectrogram.svg"),
        *("learning_rate.svg", "history.svg", "confusion.svg", "alluvial.svg"),
        *("overview.svg", "balance.svg", "calibration.svg", "difficulty.svg"),
    }
    for path in plots:
        assert ElementTree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    for run in ("complex", "mel"):
        image = (finished.results / "runs" / run / "alluvial.png").read_bytes()
        assert image.startswith(b"\x89PNG")


def test_report_and_merged_config(finished):
    report = (finished.results / "report.html").read_text()
    accuracy = json.loads((finished.results / "runs/complex/metrics.json").read_text())["accuracy"]
    assert f"{accuracy:.2%}" in report
    merged = yaml.safe_load((finished.results / "config.yaml").read_text())
    assert merged["runs"]["complex"]["epochs"] == EPOCHS
    assert merged["dataset"]["words"] == WORDS


def test_second_run_does_nothing(finished):
    before = {path: path.stat().st_mtime_ns for path in finished.results.rglob("*.csv")}
    done = finished.snakemake()
    assert done.returncode == 0, done.stdout
    assert "Nothing to be done" in done.stdout
    assert before == {path: path.stat().st_mtime_ns for path in finished.results.rglob("*.csv")}


def test_report_that_could_not_be_made_is_made_again(finished):
    page = finished.results / "report.html"
    caption = finished.folder / "workflow/report/history.rst"
    text = caption.read_text()
    caption.write_text("{{ nothing.at.all }}")
    try:
        done = finished.snakemake()
        assert done.returncode == 1
        assert "Snakemake could not make its report" in done.stdout
        assert not page.exists()
    finally:
        caption.write_text(text)
    done = finished.snakemake()
    assert done.returncode == 0, done.stdout
    assert page.is_file()
    assert finished.plan() == {}


def test_part_of_the_results_leaves_the_report_alone(finished):
    files = {name: finished.results / name for name in ("report.html", "config.yaml")}
    before = {name: path.read_bytes() for name, path in files.items()}
    plot = finished.results / "runs/mel/history.svg"
    plot.unlink()
    done = finished.snakemake(str(plot.relative_to(finished.folder)))
    assert done.returncode == 0, done.stdout
    assert plot.is_file()
    assert before == {name: path.read_bytes() for name, path in files.items()}
    assert finished.snakemake().returncode == 0
    assert finished.plan() == {}


def test_from_another_folder(finished, tmp_path):
    """The config lies beside the Snakefile, the results where one works."""
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(yaml.safe_dump(OVERLAY))
    command = ["--snakefile", finished.folder / "Snakefile", "--dry-run", "--cores", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *command, "--configfile", overlay],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^synthesize +1$", done.stdout + done.stderr, re.M)


# Bad input.


def test_misspelt_key(tmp_path):
    copy = Copy(tmp_path, OVERLAY | {"training": {"epoch": 3}})
    done = copy.snakemake()
    assert done.returncode == 1
    last = done.stdout.splitlines()[-1]
    assert last == "Error: Config key training.epoch is unknown; did you mean `epochs`?"


def test_unreadable_recordings_are_listed_at_once_and_can_be_skipped(tmp_path):
    overlay = OVERLAY | {"dataset": {"source": "folder", "folder": "words"}}
    copy = Copy(tmp_path, overlay)
    for word in ("left", "right"):
        (tmp_path / "words" / word).mkdir(parents=True)
        soundfile.write(tmp_path / "words" / word / "good.wav", SOUND, 16000)
        (tmp_path / "words" / word / "bad.wav").write_text("no sound")
        (tmp_path / "words" / word / "notes.txt").write_text("no sound")
    target = "results/small/recordings/rejected.csv"
    done = copy.snakemake(target)
    assert done.returncode == 1
    assert "2 recordings cannot be read" in done.stdout
    assert "left/bad.wav: a text file\n" in done.stdout
    assert "right/bad.wav: a text file\n" in done.stdout
    assert "Skipped 2 files of other types (.txt)." in done.stdout
    assert "Traceback" not in done.stdout

    copy.overlay["dataset"]["on_unreadable"] = "skip"
    done = copy.snakemake(target)
    assert done.returncode == 0, done.stdout
    assert list(table(tmp_path / target)["file"]) == ["left/bad.wav", "right/bad.wav"]


# Archives.


@pytest.fixture
def served(tmp_path):
    """A local web server's folder and address."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def write_archive(path: Path, words: list[str]) -> str:
    """An archive of one recording a word; returns its checksum."""
    recording = path.with_name("recording.wav")
    soundfile.write(recording, SOUND, 16000)
    with tarfile.open(path, "w:gz") as archive:
        for word in words:
            archive.add(recording, f"./{word}/0a1b2c3d_nohash_0.wav")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def archived(**archive) -> dict:
    """An overlay whose recordings come from an archive."""
    dataset = {"source": "archive", "folder": "data/archived", "archive": archive}
    return OVERLAY | {"dataset": dataset}


SUMMARY = "results/small/recordings/summary.csv"


def test_archive_from_the_second_mirror(tmp_path, served):
    folder, address = served
    sha256 = write_archive(folder / "words.tar.gz", ["left", "right"])
    urls = [f"{address}/nothing.tar.gz", f"{address}/words.tar.gz"]
    (tmp_path / "copy").mkdir()
    copy = Copy(tmp_path / "copy", archived(urls=urls, sha256=sha256))
    copy.run(SUMMARY)
    assert list(table(copy.results / "recordings/summary.csv")["word"]) == ["left", "right"]


def test_archive_of_other_contents(tmp_path):
    """It is not there at first: what the former one held must not pass for its contents."""
    first, second = tmp_path / "first.tar.gz", tmp_path / "second.tar.gz"
    checksums = [write_archive(first, ["left", "right"]), write_archive(second, ["up", "down"])]
    (tmp_path / "copy").mkdir()
    copy = Copy(tmp_path / "copy", archived(path=str(first), sha256=checksums[0]))
    assert copy.snakemake(SUMMARY).returncode == 0

    archive = copy.overlay["dataset"]["archive"]
    archive |= {"path": str(tmp_path / "missing.tar.gz"), "sha256": checksums[1]}
    done = copy.snakemake(SUMMARY)
    assert done.returncode == 1
    assert "missing.tar.gz, but this file does not exist" in done.stdout
    assert {"download", "unpack"} <= set(copy.plan())

    assert {"download", "unpack"} <= set(copy.plan(SUMMARY))

    archive["path"] = str(second)
    done = copy.snakemake(SUMMARY)
    assert done.returncode == 0, done.stdout
    assert list(table(copy.results / "recordings/summary.csv")["word"]) == ["down", "up"]


def test_archive_that_was_moved(tmp_path):
    """No result depends on its place; when it is unpacked again, the config's place counts."""
    path, moved = tmp_path / "words.tar.gz", tmp_path / "moved.tar.gz"
    sha256 = write_archive(path, ["left", "right"])
    (tmp_path / "copy").mkdir()
    copy = Copy(tmp_path / "copy", archived(path=str(path), sha256=sha256))
    assert copy.snakemake(SUMMARY).returncode == 0
    path.rename(moved)
    copy.overlay["dataset"]["archive"]["path"] = str(moved)
    assert "download" not in copy.plan()
    done = copy.snakemake(SUMMARY, "--forcerun", "unpack")
    assert done.returncode == 0, done.stdout
    assert f"Unpacked from {moved}," in (copy.folder / "data/archived/unpacked.txt").read_text()


def test_word_that_an_archive_does_not_have(tmp_path):
    """Told in a sentence alone, right after unpacking and, once that is done, before any job."""
    path = tmp_path / "words.tar.gz"
    sha256 = write_archive(path, ["left", "right"])
    (tmp_path / "copy").mkdir()
    copy = Copy(tmp_path / "copy", archived(path=str(path), sha256=sha256))
    for words in (["left", "wrong"], ["left", "right"], ["right", "wrong"]):
        copy.overlay["dataset"]["words"] = words
        done = copy.snakemake(SUMMARY)
        if "wrong" not in words:
            assert done.returncode == 0, done.stdout
            continue
        assert done.returncode == 1
        assert "data/archived has no recordings of wrong (config key dataset.words)" in done.stdout
        assert "Traceback" not in done.stdout


def test_archive_without_a_network(tmp_path):
    dataset = {
        "source": "archive",
        "folder": "data/archived",
        # The port of nothing: RFC 6335 reserves it.
        "archive": {"urls": ["http://127.0.0.1:1/words.tar.gz"], "sha256": "0" * 64},
    }
    copy = Copy(tmp_path, OVERLAY | {"dataset": dataset})
    done = copy.snakemake()
    assert done.returncode == 1
    sentence = "could not be downloaded from http://127.0.0.1:1/words.tar.gz (connection refused)"
    assert sentence in done.stdout
    assert "make demo" in done.stdout
    assert "dataset.archive.path" in done.stdout
    assert "Traceback" not in done.stdout
    assert not list(tmp_path.glob("data/archived*"))

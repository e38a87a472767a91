"""The workflow run in another folder, and imported by other workflows as a module."""

import json

import numpy as np
import pytest
import soundfile
from copies import OVERLAY, Copy

pytestmark = pytest.mark.workflow

IMPORTING = """
configfile: "{folder}/config.yaml"

module spoken_words:
    snakefile: "{folder}/Snakefile"
    config: config

use rule * from spoken_words{renamed}

onstart:
    spoken_words.onstart()

onsuccess:
    spoken_words.onsuccess()

onerror:
    spoken_words.onerror()
"""
WORDS = ("left", "right")
FILES = [f"{word}/speaker{number}_nohash_0.wav" for word in WORDS for number in range(5)]
SPLIT = "results/small/splits/random"
SETS = [f"{SPLIT}/{name}.csv" for name in ("train", "valid", "test")]


@pytest.fixture
def own_words(tmp_path):
    """A workflow that has not run, and next to it a folder `elsewhere` with two words."""
    for word in WORDS:
        folder = tmp_path / "elsewhere" / "words" / word
        folder.mkdir(parents=True)
        for number in range(5):
            samples = np.random.default_rng(number).normal(0, 0.1, 16_000)
            soundfile.write(folder / f"speaker{number}_nohash_0.wav", samples, 16_000)
    folder = tmp_path / "workflow of spoken words"
    folder.mkdir()
    return Copy(folder, OVERLAY | {"dataset": {"source": "folder", "folder": "words"}})


def importing(copy, renamed=""):
    """A Snakefile, in a folder of its own, that imports the workflow."""
    path = copy.folder.parent / "importing" / "Snakefile"
    path.parent.mkdir()
    path.write_text(IMPORTING.format(folder=copy.folder, renamed=renamed))
    return str(path)


def recordings_in(folder):
    lines = [line for file in SETS for line in (folder / file).read_text().splitlines()[1:]]
    return sorted(line.partition(",")[0] for line in lines)


def test_in_another_folder(own_words):
    elsewhere = own_words.folder.parent / "elsewhere"
    own_words.run(*SETS, "--directory", str(elsewhere))
    assert recordings_in(elsewhere) == FILES
    assert not own_words.results.exists()


@pytest.mark.parametrize("prefix", ["", "words_"])
def test_as_a_module(own_words, prefix):
    elsewhere = own_words.folder.parent / "elsewhere"
    snakefile = importing(own_words, f" as {prefix}*" if prefix else "")
    place = ("--snakefile", snakefile, "--directory", str(elsewhere))
    plan = own_words.plan(*place)
    assert plan[f"{prefix}inventory"] == len(WORDS)
    assert {f"{prefix}{rule}" for rule in ("train", "headline", "html_report")} <= plan.keys()
    own_words.run(*SETS, *place)
    assert recordings_in(elsewhere) == FILES


@pytest.mark.parametrize("prefix", ["", "words_"])
def test_a_module_makes_the_same_results_and_their_report(finished, tmp_path, prefix):
    copy = finished.duplicate(tmp_path / "copy")
    snakefile = importing(copy, f" as {prefix}*" if prefix else "")
    assert copy.plan("--snakefile", snakefile) == {}
    page = copy.results / "report.html"
    page.unlink()
    done = copy.snakemake("--snakefile", snakefile)
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("The report is results/small/report.html.\n")
    accuracy = json.loads((copy.results / "runs/complex/metrics.json").read_text())["accuracy"]
    assert f"{accuracy:.2%}" in page.read_text()
    assert copy.plan() == {}

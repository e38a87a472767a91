"""A run that is trained with negatives, from folders to the threshold of its export."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
from copies import Copy

from spokenwords.model.classifier import Classifier
from spokenwords.recordings import data_folder

pytestmark = pytest.mark.workflow

RATE = 16_000
MODEL = "results/small/runs/guard/model.pt"


def write(path, seconds, seed, channels=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).normal(0, 0.05, (round(seconds * RATE), channels))
    soundfile.write(path, samples, RATE)


@pytest.fixture(scope="module")
def guarded(finished, made_once) -> Copy:
    """The finished workflow after the export of a run with negatives of several kinds."""

    def make(folder):
        copy = finished.duplicate(folder)
        write(copy.folder / "sounds/street/long.flac", 60, seed=0, channels=2)
        for number in range(12):
            write(copy.folder / f"sounds/dog/{number:08x}_nohash_0.wav", 0.6, seed=number + 1)
        # As long as everything else, and left out.
        write(copy.folder / "sounds/Bird/song.wav", 60, seed=20)
        copy.overlay["dataset"]["negatives"] = ["sounds"]
        copy.overlay["runs"]["guard"] = {
            **{"features": "coarse", "split": "speaker", "negatives": 0.4, "balanced": True},
            **{"representation": "complex", "select_by": "false_alarms", "silence": True},
        }
        copy.overlay["train"] = ["guard"]
        copy.overlay["predict"] = {"false_alarms_per_hour": 30}
        copy.run("export")
        return copy

    return made_once("guarded", make)


def test_the_class_unknown_and_the_count_of_false_alarms(guarded):
    classifier = Classifier.load(guarded.folder / MODEL)
    assert classifier.words == ["bird", "happy", "seven", "unknown", "silence"]
    assert classifier.non_words == ["unknown", "silence"]
    parts = pd.read_csv(guarded.results / "features/coarse/_negatives_parts.csv")
    assert sorted(set(parts["file"])) == [
        *(f"0/dog/{number:08x}_nohash_0.wav" for number in range(12)),
        "0/street/long.flac",
    ]
    valid = parts[parts["set"] == "valid"]
    counts, hours = classifier.false_alarms
    assert hours == pytest.approx(valid["samples"].sum() / RATE / 3600)
    assert (np.diff(counts) <= 0).mean() > 0.9 and counts[-1] <= counts[0]


def test_the_export_has_the_threshold_of_the_target(guarded):
    classifier = Classifier.load(guarded.folder / MODEL)
    summary = json.loads((guarded.results / "runs/guard/export/export.json").read_text())
    assert summary["threshold"] == classifier.threshold(0.95, false_alarms_per_hour=30)
    assert summary["false_alarms"]["per_hour"] <= 30
    card = (guarded.results / "runs/guard/export/model_card.md").read_text(encoding="utf-8")
    assert "false alarms per hour" in card


def test_what_a_negative_more_runs_again(guarded, tmp_path):
    copy = guarded.duplicate(tmp_path / "copy")
    assert copy.plan(MODEL) == {}
    shutil.move(copy.folder / "sounds", copy.folder / "moved")
    copy.overlay["dataset"]["negatives"] = ["moved"]
    assert copy.plan(MODEL) == {}
    write(copy.folder / "moved/Bird/more.wav", 1, seed=30)
    assert copy.plan(MODEL) == {}
    write(copy.folder / "moved/cat/more.wav", 1, seed=31)
    assert copy.plan(MODEL) == {"negative_spectrograms": 1, "train": 1}


def test_an_unreadable_negative_is_named_and_can_be_skipped(guarded, tmp_path):
    copy = guarded.duplicate(tmp_path / "copy")
    (copy.folder / "sounds/dog/text.wav").write_text("no sound")
    parts = "results/small/features/coarse/_negatives_parts.csv"
    done = copy.snakemake(parts)
    assert done.returncode == 1
    assert (
        "Error: These negatives cannot be read: sounds/dog/text.wav (a text file)." in done.stdout
    )
    assert "Traceback" not in done.stdout
    copy.overlay["dataset"]["on_unreadable"] = "skip"
    copy.run(parts)
    assert "text.wav" not in (copy.folder / parts).read_text()


def test_a_run_without_negatives_to_train_with_is_refused(guarded, tmp_path):
    copy = guarded.duplicate(tmp_path / "copy")
    copy.overlay["dataset"]["negatives"] = []
    done = copy.dry_run()
    assert done.returncode == 1
    sentence = "Error: Config key runs.guard.negatives is 0.4, but dataset.negatives is empty:"
    assert sentence in done.stdout
    copy.overlay["dataset"]["negatives"] = ["missing"]
    done = copy.dry_run()
    assert done.returncode == 1
    assert "The folder missing (config key dataset.negatives) contains no recordings" in done.stdout
    assert "Traceback" not in done.stdout


def test_speakers_of_short_negatives_are_in_one_set(guarded):
    parts = pd.read_csv(guarded.results / "features/coarse/_negatives_parts.csv")
    short = parts[parts["file"].str.contains("dog")]
    assert short.groupby(short["file"].map(data_folder.speaker))["set"].nunique().max() == 1


def test_the_stream_has_the_test_recordings_of_the_words(guarded):
    table = pd.read_csv(guarded.results / "runs/guard/stream.csv")
    test = pd.read_csv(guarded.results / "splits/speaker/test.csv")
    first = table.iloc[0]
    assert first["hours"] == pytest.approx(0.02)
    assert 0 < first["recordings"] <= len(test)
    assert first["words"] == first["found"] + first["mistaken"] + first["missed"] > 5
    assert (guarded.results / "runs/guard/stream.svg").is_file()
    assert "Labelled stream" in (guarded.results / "runs/guard/stream.html").read_text()


def test_another_stream_trains_nothing(guarded, tmp_path):
    copy = guarded.duplicate(tmp_path / "copy")
    target = "results/small/runs/guard/stream.csv"
    assert copy.plan(target) == {}
    copy.overlay["stream"]["seed"] = 2
    assert copy.plan(target) == {"score_stream": 1}

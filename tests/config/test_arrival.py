"""Every setting arrives: a change of it reaches exactly the rules that depend on it."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from snakemake.utils import update_config

from spokenwords.config import configuration, schema, settings
from spokenwords.errors import UserError

ROOT = Path(__file__).parents[2]
BASE = {
    "dataset": {"source": "folder", "folder": "words", "negatives": ["speech"]},
    "training": {"negatives": 0.5},
    "features": {"other": {"stft": {"n_fft": 1024}}},
    "splits": {"other": {"method": "random", "train": 0.5}},
    "runs": {"mel": {"epochs": 7}},
    "predict": {"recordings": "words"},
}
# Of these the first that a setting may be and is not.
OTHER_VALUES = [
    *(True, False, 2, 4, 9, 20, 100, 0.3, 0.001, 2000, "cpu", "start", "lz4", "skip", "speaker"),
    *(
        "synthetic",
        "archive",
        "false_alarms",
        "residual",
        "float32",
        "power",
        ["bird", "cat"],
        ["power"],
        "0" * 64,
    ),
]
# Texts that must be the name of something.
OTHER_NAMES = {
    "folder": "moved",
    "metadata": "speakers.csv",
    "path": "archive.tar.gz",
    "urls": ["http://localhost/archive.tar.gz"],
    "like": "mel",
    "features": "other",
    "split": "other",
    "results": "elsewhere",
    "recording": "bird/a_nohash_0.wav",
    "recordings": "moved",
}


def leaves(section=None, path=()):
    """The settings of the schema: (path, their schema); entries are those that `parameters` has."""
    section = section or schema.of_config()
    for name, part in section["properties"].items():
        if "propertyNames" in part:
            entry = {"features": "standard", "splits": "random", "runs": "complex"}[name]
            yield from leaves(part["additionalProperties"], (name, entry))
        elif "properties" in part:
            yield from leaves(part, (*path, name))
        else:
            yield (*path, name), part


def changed(path, part):
    """`BASE` with another value of one setting."""
    shipped = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    update_config(shipped, copy.deepcopy(BASE))
    before = configuration.canonical(copy.deepcopy(shipped))
    for value in [OTHER_NAMES[path[-1]]] if path[-1] in OTHER_NAMES else OTHER_VALUES:
        if Draft202012Validator(part).is_valid(value):
            overlay = copy.deepcopy(BASE)
            place = overlay
            for name in path[:-1]:
                place = place.setdefault(name, {})
            place[path[-1]] = value
            config = copy.deepcopy(shipped)
            update_config(config, copy.deepcopy(overlay))
            try:
                if configuration.canonical(config) != before:
                    return overlay
            except UserError:
                continue
    raise AssertionError(f"no other value for {path}")


# Those of `runs` that `training` has too are merged over these (test_configuration.py).
PATHS = {
    path: part
    for path, part in leaves()
    if path[0] != "runs" or path[2] not in settings.types(settings.Training)
}
OF_NEGATIVES = {"negative_spectrograms"}
OF_NOISE = {"noise_spectrograms", "silence_spectrograms", "find_false_alarms", "score_stream"}
STORES = {"spectrograms", "silence_spectrograms", "noise_spectrograms", *OF_NEGATIVES}
OF_SAMPLES = {"check_recordings", "explore", "gallery", "inventory", "measure_recordings"}
OPENINGS = {"headline", "headline_of_comparison"}
# What follows is worked out from what scripts read, not from `used_by` of the settings. The card of
# a model lists all settings that the model depends on.
CARD = {"write_model_card"}
RANGE_TEST_AND_TRAINING = {"find_learning_rate", "train"}
# They open the stores of all words, with the classes and the memory of a run.
READERS = {*RANGE_TEST_AND_TRAINING, "evaluate", "find_false_alarms"}
# The rules that run again after a change of a setting: the first line that fits.
REACHED = {
    # Snakemake itself replaces these in paths.
    ("pathvars",): set(),
    # An archive is read once it is unpacked. No accuracy is published with negatives.
    ("dataset", "source"): {
        *(*OPENINGS, *OF_NOISE, *OF_NEGATIVES, "inventory", *CARD),
        "synthesize_negatives",
    },
    # Recordings count by their content, wherever they are.
    ("dataset", "folder"): set(),
    # Words decide which files there are. Texts of synthetic negatives have none of these.
    ("dataset", "words"): {"synthesize"},
    ("dataset", "min_recordings"): set(),
    ("dataset", "negatives"): OF_NEGATIVES,
    # The speakers; of the split, only its official sets, and it is random.
    ("dataset", "metadata"): {"inventory"},
    ("dataset", "on_unreadable"): {"check_recordings", *OF_NEGATIVES},
    # An archive counts by its checksum.
    ("dataset", "archive", "sha256"): {"download", "unpack"},
    ("dataset", "archive"): set(),
    ("dataset", "synthetic"): {"synthesize"},
    # Noise is not cut to a window. An exported model hears what comes in its own rate and length.
    ("audio", "window"): OF_SAMPLES | {"spectrograms", "export_model", "score_stream"},
    ("audio",): OF_SAMPLES | STORES,
    ("features", "standard", "stft"): STORES | CARD | {"explore"},
    ("features", "standard", "rounding"): STORES | CARD,
    # Noise is not stored in chunks of recordings.
    ("features",): {"spectrograms", "silence_spectrograms", *OF_NEGATIVES},
    ("splits",): {"split"} | CARD,
    ("training", "words"): READERS | CARD,
    ("training", "unknown"): READERS | CARD,
    ("training", "silence"): READERS | CARD,
    ("training", "negatives"): READERS | CARD,
    ("training", "balanced"): {"train"} | CARD,
    # Tables and opening pages name the network, and so they do below.
    ("training", "model"): RANGE_TEST_AND_TRAINING | CARD | OPENINGS | {"compare_runs"},
    ("training", "device"): READERS | {"predict_words", "score_stream"},
    ("training", "precision"): READERS | CARD | {"predict_words", "score_stream"},
    # The range test is too short to be worth a compilation.
    ("training", "compile"): {"train"},
    ("training", "memory_budget"): READERS,
    ("training", "epochs"): {"train"} | CARD,
    ("training", "batch_size"): RANGE_TEST_AND_TRAINING | CARD,
    # The plot marks it.
    ("training", "max_lr"): {"train", "plot_learning_rates"} | CARD,
    ("training", "patience"): {"train"} | CARD,
    ("training", "select_by"): {"train"} | CARD,
    # The comparison has a column of seeds.
    ("training", "seed"): RANGE_TEST_AND_TRAINING | CARD | {"compare_runs"},
    ("training", "range_test"): {"find_learning_rate"} | CARD,
    ("training", "augmentation"): {"train"} | CARD,
    ("training", "label_smoothing"): {"train"} | CARD,
    ("training", "weight_averaging"): {"train"} | CARD,
    ("training", "test_shift_seconds"): {"evaluate"} | CARD,
    # The run that it names has other epochs.
    ("runs", "complex", "like"): {"train"} | CARD,
    # Other rules get other files. The recording is plotted as the first run sees it.
    ("runs", "complex", "features"): CARD | OPENINGS | {"compare_runs", "explore"},
    ("runs", "complex", "split"): CARD | OPENINGS | {"compare_runs"},
    ("runs", "complex", "representation"): (
        RANGE_TEST_AND_TRAINING | CARD | OPENINGS | {"compare_runs"}
    ),
    # Otherwise it decides which files are targets.
    ("train",): {"headline", "plot_comparison"},
    ("explore",): {"explore"},
    ("predict", "recordings"): {"predict_words"},
    ("predict",): {"predict_words", "export_model", "score_stream"},
    ("stream",): {"score_stream"},
}
OF_FOLDER = {
    *("download", "unpack", "split", "export_model", "find_false_alarms", "score_stream", *CARD),
}
# The rules that are given another value, and do not run again for it; none for all other settings.
UNTRACKED = {
    ("dataset", "folder"): OF_SAMPLES | (STORES - OF_NEGATIVES) | OF_FOLDER,
    ("dataset", "metadata"): {"inventory", "split"},
    # Once an archive is unpacked, the folder is what counts.
    ("dataset", "words"): {"unpack", *OF_NEGATIVES},
    ("dataset", "min_recordings"): {"unpack", *OF_NEGATIVES},
    # The folders, whose content is tracked.
    ("dataset", "negatives"): {*OF_NEGATIVES, "train", "score_stream"},
    ("dataset", "archive", "urls"): {"download"},
    ("dataset", "archive", "path"): {"download", "unpack"},
    ("dataset", "archive", "sha256"): {"download"},
    # The number of GPUs, a resource.
    ("training", "device"): READERS | {"predict_words", "score_stream"},
}


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """What rules are given under `BASE`, and after a change of each setting, by its path."""
    folder = tmp_path_factory.mktemp("arrival")
    (folder / "speech").mkdir()
    (folder / "speech/talk.wav").write_bytes(b"")
    for data in ("words", "moved"):
        for number, word in enumerate(("bird", "cat", "dog")):
            (folder / data / word).mkdir(parents=True)
            for take in range(3 - number):
                (folder / data / word / f"anna_nohash_{take}.wav").write_bytes(b"")
    rows = [f"{path.relative_to(folder)},anna" for path in folder.glob("words/*/*")]
    (folder / "speakers.csv").write_text("\n".join(["LINK,SPEAKER", *rows]))
    overlays = [BASE, *(changed(path, part) for path, part in PATHS.items())]
    done = subprocess.run(
        [sys.executable, ROOT / "tests/parameters.py"],
        **{"input": json.dumps(overlays), "cwd": folder, "stdout": subprocess.PIPE},
        **{"check": True, "text": True},
    )
    before, *after = json.loads(done.stdout)
    return before, dict(zip(PATHS, after, strict=True))


def reached(given, path, kind):
    """The rules for which a change of a setting changes something that is tracked, or untracked."""
    before, after = given
    return {rule for rule in before if after[path][rule][kind] != before[rule][kind]}


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_a_change_of_a_setting_runs_the_rules_that_use_it_and_no_others(given, path):
    expected = next(rules for start, rules in REACHED.items() if path[: len(start)] == start)
    assert reached(given, path, "tracked") == expected


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_values_that_are_not_tracked_arrive_too(given, path):
    assert reached(given, path, "untracked") == UNTRACKED.get(path, set())

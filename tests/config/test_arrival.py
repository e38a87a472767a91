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
    "dataset": {"source": "folder", "folder": "words"},
    "features": {"other": {"stft": {"n_fft": 1024}}},
    "splits": {"other": {"method": "random", "train": 0.5}},
    "runs": {"mel": {"epochs": 7}},
    "predict": {"recordings": "words"},
}
# Of these the first that a setting may be and is not.
OTHER_VALUES = [
    *(True, False, 2, 4, 9, 20, 100, 0.3, 0.001, 2000, "cpu", "start", "lz4", "skip", "speaker"),
    *("archive", "residual", "float32", "power", ["bird", "cat"], ["power"], "0" * 64),
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
OF_SAMPLES = {"check_recordings", "explore", "gallery", "inventory", "measure_recordings"}
STORES = {"spectrograms", "silence_spectrograms", "noise_spectrograms"}
OF_FOLDER = {"download", "unpack", "split", "export_model", "find_false_alarms", "write_model_card"}
OF_NOISE = {"noise_spectrograms", "silence_spectrograms", "find_false_alarms"}
OPENINGS = {"headline", "headline_of_comparison"}
# The rules that settings other than those of a run reach: the first line that fits.
REACHED = {
    # Snakemake itself replaces these in paths.
    ("pathvars",): set(),
    # An archive is read once it is unpacked; its published accuracy is plotted.
    ("dataset", "source"): {
        *OPENINGS,
        *OF_NOISE,
        *("inventory", "plot_comparison", "write_model_card"),
    },
    ("dataset", "folder"): OF_SAMPLES | STORES | OF_FOLDER,
    # Words decide which files there are; these rules make or check the folder.
    ("dataset", "words"): {"synthesize", "unpack"},
    ("dataset", "min_recordings"): {"unpack"},
    ("dataset", "metadata"): {"inventory", "split"},
    ("dataset", "on_unreadable"): {"check_recordings"},
    ("dataset", "archive", "urls"): {"download"},
    ("dataset", "archive"): {"download", "unpack"},
    ("dataset", "synthetic"): {"synthesize"},
    # Noise is not cut to a window. An exported model hears what comes in its own rate and length.
    ("audio", "window"): OF_SAMPLES | {"spectrograms", "export_model"},
    ("audio",): OF_SAMPLES | STORES,
    ("features", "standard", "stft"): STORES | {"explore", "write_model_card"},
    ("features", "standard", "rounding"): STORES | {"write_model_card"},
    # Noise is not stored in chunks of recordings.
    ("features",): {"spectrograms", "silence_spectrograms"},
    ("splits",): {"split", "write_model_card"},
    # Otherwise it decides which files are targets.
    ("train",): {"headline", "plot_comparison"},
    ("explore",): {"explore"},
    ("predict", "recordings"): {"predict_words"},
    ("predict", "keep"): {"predict_words", "export_model"},
}


@pytest.fixture(scope="module")
def reached(tmp_path_factory):
    """The rules whose parameters or resources a change of each setting changes, by path."""
    folder = tmp_path_factory.mktemp("arrival")
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
    return {
        path: {rule for rule in before if rules[rule] != before[rule]}
        for path, rules in zip(PATHS, after, strict=True)
    }


def used_by(path):
    """The rules that a setting is to reach."""
    if path[0] not in ("training", "runs"):
        return next(rules for start, rules in REACHED.items() if path[: len(start)] == start)
    if path[-1] == "like":
        # The run that it names has other epochs.
        return used_by(("training", "epochs"))
    name = path[2] if path[0] == "runs" else path[1]
    rules = set(settings.definition(settings.Run, name).used_by)
    # The two opening pages come of one rule; the recording is plotted as the first run sees it.
    rules |= {"headline_of_comparison"} if "headline" in rules else set()
    return rules | ({"explore"} if path[-1] == "features" else set())


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_a_change_of_a_setting_reaches_the_rules_that_use_it_and_no_others(reached, path):
    assert reached[path] == used_by(path)

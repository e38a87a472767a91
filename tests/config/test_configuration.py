"""The config: what is refused and in which words, and the canonical form of what is not."""

import copy
import json
import re
from pathlib import Path
from types import MappingProxyType

import pytest
import yaml
from copies import OVERLAY, Copy
from jsonschema import Draft202012Validator
from snakemake.cli import parse_config
from snakemake.utils import update_config

from spokenwords.config import configuration, reference, schema
from spokenwords.config.runs import of_each_seed
from spokenwords.errors import UserError
from spokenwords.model.networks import NETWORKS
from spokenwords.model.representation import REPRESENTATIONS

ROOT = Path(__file__).parents[2]
SHIPPED = (ROOT / "config.yaml").read_text(encoding="utf-8")
SCHEMA = schema.of_config()
CATALOGUES = ("features", "splits", "runs")


def merged(value, changes):
    """As Snakemake merges an overlay into a config."""
    if isinstance(value, dict) and isinstance(changes, dict):
        return value | {key: merged(value.get(key), part) for key, part in changes.items()}
    return changes


def config(overlay="{}"):
    """The shipped config with an overlay (YAML)."""
    return merged(yaml.safe_load(SHIPPED), yaml.safe_load(overlay))


def canonical(overlay="{}"):
    return configuration.canonical(config(overlay))


def refusal(faulty):
    with pytest.raises(UserError) as error:
        configuration.canonical(faulty)
    return str(error.value)


def replaced(key, value):
    """The shipped config with the whole of one top-level section replaced."""
    return config() | {key: value}


def text(value):
    """Tells 1 from 1.0, and one order of keys from another."""
    return json.dumps(value)


# Refusals


@pytest.mark.parametrize(
    ("overlay", "key", "says"),
    [
        # Misspelt keys.
        ("datset: {source: folder}", "datset", "did you mean `dataset`"),
        ("trian: [complex]", "trian", "did you mean `train`"),
        ("dataset: {onunreadable: skip}", "dataset.onunreadable", "did you mean `on_unreadable`"),
        ("dataset: {archive: {url: x}}", "dataset.archive.url", "did you mean `urls`"),
        ("dataset: {synthetic: {voice: 3}}", "dataset.synthetic.voice", "did you mean `voices`"),
        ("audio: {samplerate: 8000}", "audio.samplerate", "did you mean `sample_rate`"),
        ("features: {standard: {round: 16}}", "features.standard.round", "`rounding`"),
        (
            *("features: {standard: {stft: {nfft: 256}}}", "features.standard.stft.nfft"),
            "did you mean `n_fft`",
        ),
        ("splits: {random: {trian: 0.5}}", "splits.random.trian", "did you mean `train`"),
        ("training: {epoch: 3}", "training.epoch", "did you mean `epochs`"),
        ("training: {batchsize: 3}", "training.batchsize", "did you mean `batch_size`"),
        ("training: {range_test: {step: 9}}", "training.range_test.step", "did you mean `steps`"),
        ("runs: {complex: {epoch: 3}}", "runs.complex.epoch", "did you mean `epochs`"),
        ("runs: {complex: {feature: x}}", "runs.complex.feature", "did you mean `features`"),
        ("runs: {complex: {range_test: {low: 1}}}", "runs.complex.range_test.low", "`lowest`"),
        ("explore: {recordings: auto}", "explore.recordings", "did you mean `recording`"),
        # Unlike any key: all that are known are named.
        ("explore: {zzz: 1}", "explore.zzz", "known: recording"),
        ("zzz: 1", "zzz", "dataset, audio, features, splits, training, runs, train, explore"),
        ("pathvars: {results: .}", "pathvars.results", "a folder other than this one"),
        # Keys that are no text.
        ("training: {yes: 1, 5: 2}", "training.5", "unknown"),
        ("on: 1", "on", "unknown"),
        # Values of another kind.
        ("dataset: {source: folders}", "dataset.source", "'archive', 'folder', 'synthetic'"),
        ("dataset: {on_unreadable: ignore}", "dataset.on_unreadable", "'error', 'skip'"),
        ("dataset: {folder: ''}", "dataset.folder", "must not be empty"),
        ("dataset: {folder: 'my{words}'}", "dataset.folder", "a path without { } < >"),
        ("dataset: {folder: 5}", "dataset.folder", "must be text: put it in quotes"),
        ("dataset: {folder: }", "dataset.folder", "is empty"),
        ("dataset: {words: some}", "dataset.words", "all, or a list of different words"),
        ("dataset: {words: []}", "dataset.words", "at least 1 entry"),
        ("runs: {complex: {words: []}}", "runs.complex.words", "at least 1 entry"),
        ("dataset: {words: [up, up]}", "dataset.words", "twice"),
        ("dataset: {words: [up, 1]}", "dataset.words.1", "1; it must be text: put it in quotes"),
        ("dataset: {archive: {urls: 'http://x'}}", "dataset.archive.urls", "must be a list"),
        ("dataset: {archive: {urls: [ftp://x]}}", "dataset.archive.urls.0", "http or https"),
        ("dataset: {archive: {sha256: ABC}}", "dataset.archive.sha256", "64 hexadecimal digits"),
        ("dataset: {archive: {sha256: null}}", "dataset.archive", "needs `sha256`"),
        ("dataset: {archive: {path: [a]}}", "dataset.archive.path", "a list"),
        ("dataset: {synthetic: {voices: 2}}", "dataset.synthetic.voices", "at least 3"),
        ("dataset: {synthetic: {takes: 0}}", "dataset.synthetic.takes", "at least 1"),
        ("dataset: {synthetic: {seed: -1}}", "dataset.synthetic.seed", "at least 0"),
        ("audio: {sample_rate: 16k}", "audio.sample_rate", "'16k'; it must be a whole number"),
        ("audio: {sample_rate: 16000.5}", "audio.sample_rate", "must be a whole number"),
        ("audio: {sample_rate: 999}", "audio.sample_rate", "at least 1000"),
        ("audio: {sample_rate: 384001}", "audio.sample_rate", "at most 384000"),
        ("audio: {seconds: 0}", "audio.seconds", "above 0"),
        ("audio: {seconds: 61}", "audio.seconds", "at most 60"),
        ("features: {standard: {rounding: 0}}", "features.standard.rounding", "at least 8"),
        ("features: {standard: {rounding: 25}}", "features.standard.rounding", "at most 24"),
        ("features: {standard: {rounding: on}}", "features.standard.rounding", "or off"),
        ("features: {standard: {rounding: }}", "features.standard.rounding", "or off"),
        ("features: {standard: {chunk_length: 0}}", "features.standard.chunk_length", "at least 1"),
        ("features: {standard: }", "features.standard", "empty; it must be a mapping"),
        (
            *("features: {standard: {stft: {normalized: 'yes!'}}}",),
            *("features.standard.stft.normalized", "true or false"),
        ),
        ("splits: {random: {method: rnd}}", "splits.random.method", "'random', 'speaker'"),
        ("splits: {random: {train: 0}}", "splits.random.train", "above 0"),
        ("splits: {random: {valid: 1}}", "splits.random.valid", "below 1"),
        ("splits: {other: {train: 0.5}}", "splits.other", "lacks `method`"),
        ("training: {device: gpu}", "training.device", "'auto', 'cuda', 'cpu'"),
        ("training: {precision: half}", "training.precision", "'auto', 'float32', 'bfloat16'"),
        ("training: {compile: maybe}", "training.compile", "auto, on or off"),
        ("training: {memory_budget: 0}", "training.memory_budget", "above 0"),
        ("training: {epochs: 0}", "training.epochs", "at least 1"),
        ("training: {epochs: 2.5}", "training.epochs", "must be a whole number"),
        ("training: {epochs: '30.5'}", "training.epochs", "'30.5'; it must be a whole number"),
        ("training: {epochs: 'off'}", "training.epochs", "'off'; it must be a whole number"),
        ("training: {batch_size: 1}", "training.batch_size", "at least 2"),
        ("training: {max_lr: 0}", "training.max_lr", "above 0"),
        ("training: {max_lr: 11}", "training.max_lr", "at most 10"),
        ("training: {max_lr: high}", "training.max_lr", "or auto"),
        ("training: {patience: 0}", "training.patience", "at least 1"),
        ("training: {patience: -1}", "training.patience", "at least 1"),
        ("training: {patience: on}", "training.patience", "or off"),
        ("training: {patience: 'on'}", "training.patience", "on; it must be a whole number"),
        ("runs: {mel: {seed: ['1', '1']}}", "runs.mel.seed", "twice"),
        ("training: {patience: }", "training.patience", "is empty"),
        ("training: {patience: [3]}", "training.patience", "a list"),
        ("training: {seed: 4294967296}", "training.seed", "at most 4294967295"),
        ("training: {augmentation: {gain: 6}}", "training.augmentation.gain", "`gain_db`"),
        (
            "training: {augmentation: {noise_share: 2}}",
            *("training.augmentation.noise_share", "at most 1"),
        ),
        (
            "training: {augmentation: {polarity: 1}}",
            *("training.augmentation.polarity", "true or false"),
        ),
        (
            "runs: {mel: {augmentation: {noise_snr_db: {lowest: 40}}}}",
            *("runs.mel.augmentation.noise_snr_db", "lowest (40) must not be above highest (30)"),
        ),
        ("training: {label_smoothing: 1}", "training.label_smoothing", "below 1"),
        ("training: {weight_averaging: 1}", "training.weight_averaging", "below 1"),
        ("training: {weight_averaging: on}", "training.weight_averaging", "or off"),
        ("training: {seed: []}", "training.seed", "at least 1 entry"),
        ("runs: {mel: {seed: [1, 1]}}", "runs.mel.seed", "twice"),
        ("runs: {mel: {seed: [1, -1]}}", "runs.mel.seed.1", "at least 0"),
        ("runs: {mel: {seed: one}}", "runs.mel.seed", "or a list of different ones"),
        (
            "runs: {mel: {seed: [1, 2]}, mel-seed2: {features: standard, split: random, "
            "representation: mel}}",
            *("runs.mel-seed2", "rename one of them"),
        ),
        ("training: {range_test: {steps: 9}}", "training.range_test.steps", "at least 10"),
        ("runs: {complex: {epochs: many}}", "runs.complex.epochs", "a whole number"),
        ("runs: {complex: {representation: mfcc}}", "runs.complex.representation", "'mel'"),
        ("runs: {other: }", "runs.other", "empty; it must be a mapping"),
        ("runs: {other: {features: standard, split: random}}", "runs.other", "`representation`"),
        ("train: complex", "train", "must be a list"),
        ("train: []", "train", "at least 1 entry"),
        ("train: [complex, complex]", "train", "twice"),
        ("train: [1]", "train.0", "put it in quotes"),
        ("explore: {recording: }", "explore.recording", "is empty"),
        ("pathvars: {results: 3}", "pathvars.results", "must be text"),
        # Names.
        ("runs: {my run: {}}", "runs.my run", "letters, digits and _ . + -"),
        ("runs: {'../x': {}}", "runs.../x", "letters, digits and _ . + -"),
        ("runs: {-x: {}}", "runs.-x", "letters, digits and _ . + -"),
        ("features: {a/b: {}}", "features.a/b", "letters, digits and _ . + -"),
        ("splits: {'{x}': {method: random}}", "splits.{x}", "letters, digits and _ . + -"),
        ("features: {12: {}}", "features.12", "text: put it in quotes"),
        # Names that exist nowhere.
        ("runs: {complex: {features: standrd}}", "runs.complex.features", "`standard`"),
        ("runs: {complex: {split: speakers}}", "runs.complex.split", "did you mean `speaker`"),
        ("runs: {complex: {split: xyz}}", "runs.complex.split", "known: official, random, speaker"),
        ("train: [complex, powr]", "train", "'powr', which is not in `runs`; did you mean"),
        # Values that do not fit together.
        ("splits: {random: {train: 0.8}}", "splits.random", "below 1"),
        ("training: {range_test: {lowest: 1.0}}", "training.range_test", "below highest"),
        ("runs: {mel: {range_test: {highest: 1.0e-7}}}", "runs.mel.range_test", "below highest"),
        (
            *("features: {standard: {stft: {window_seconds: 0.033}}}", "features.standard.stft"),
            "528 samples",
        ),
        (
            *("features: {standard: {stft: {stride_seconds: 0.00003}}}",),
            *("features.standard.stft.stride_seconds", "less than one sample"),
        ),
        ("audio: {seconds: 0.016}", "audio.seconds", "too short"),
        (
            "dataset: {archive: {urls: []}}",
            *("dataset.archive", "`urls` or `path`"),
        ),
    ],
)
def test_an_error_is_one_sentence_that_names_the_key(overlay, key, says):
    message = refusal(config(overlay))
    assert re.search(rf"[Cc]onfig key {re.escape(key)}(?![\w.]*\w)", message), message
    assert says in message
    assert "\n" not in message
    assert re.search(r"[^.?][.?]$", message), message
    # No second sentence.
    assert not re.search(r"[.?] [A-Z]", message), message


@pytest.mark.parametrize("key", ["dataset", *CATALOGUES, "audio", "training", "explore", "train"])
@pytest.mark.parametrize("value", [None, 3, "x"])
def test_a_section_left_empty_or_filled_with_something_else_is_named(key, value):
    message = refusal(replaced(key, value))
    kind = "a list" if key == "train" else "a mapping"
    shown = {None: "empty", 3: "3", "x": "'x'"}[value]
    assert message == f"Config key {key} is {shown}; it must be {kind}."


@pytest.mark.parametrize("key", [*CATALOGUES, "dataset", "train"])
def test_a_section_that_is_missing_is_named(key):
    faulty = config()
    del faulty[key]
    assert f"lacks `{key}`" in refusal(faulty)


@pytest.mark.parametrize("key", CATALOGUES)
def test_a_catalogue_without_entries_is_refused(key):
    assert refusal(replaced(key, {})) == f"Config key {key} must have at least 1 entry."


@pytest.mark.parametrize("words", ["[yes, no]", "[up, on]", "[off, down]", "[true, false]"])
def test_words_that_yaml_takes_for_true_or_false_are_to_be_put_in_quotes(words):
    message = refusal(config(f"dataset: {{words: {words}}}"))
    assert re.search(r"dataset\.words\.[01] .*quotes", message)
    assert "yes, no, on, off" in message


def test_a_run_named_yes_is_to_be_put_in_quotes():
    run = "{features: standard, split: random, representation: mel}"
    assert "quotes" in refusal(config(f"runs: {{yes: {run}}}"))
    assert "yes" in canonical(f"runs: {{'yes': {run}}}")["runs"]


def settings(section=SCHEMA, path=()):
    """All settings of the schema: (path, their schema); `*` stands for a catalogue's entries."""
    parts = list(section.get("properties", {}).items())
    if isinstance(others := section.get("additionalProperties"), dict):
        parts.append(("*", others))
    if not parts:
        yield path, section
    for name, part in parts:
        yield from settings(part, (*path, name))


def with_value(path, value):
    """The shipped config with another value of one setting, and the full key of that."""
    changed = config("pathvars: {results: results}")
    place, key = changed, []
    for name in path:
        holder = place
        key.append(next(iter(holder)) if name == "*" else name)
        place = holder.setdefault(key[-1], {})
    holder[key[-1]] = value
    return changed, ".".join(key)


NUMBERS = [
    path
    for path, schema in settings()
    for types in [[schema, *schema.get("anyOf", [])]]
    if any(part.get("type") in ("integer", "number") for part in types)
]


@pytest.mark.parametrize("path", NUMBERS, ids=".".join)
@pytest.mark.parametrize(
    ("value", "shown"),
    [(float("nan"), ".nan"), (float("inf"), ".inf"), (float("-inf"), "-.inf"), (True, "on")],
)
def test_neither_infinity_nor_truth_is_a_number(path, value, shown):
    changed, key = with_value(path, value)
    assert refusal(changed).startswith(f"Config key {key} is {shown}; it must be ")


# They may be.
EMPTY = [
    *(("dataset", "archive", "path"), ("dataset", "archive", "sha256"), ("dataset", "metadata")),
    ("predict", "recordings"),
]


@pytest.mark.parametrize(
    "path", [path for path, _ in settings() if path not in EMPTY], ids=".".join
)
@pytest.mark.parametrize("value", [{"a": 1}, None, [[]]])
def test_no_setting_takes_a_mapping_or_nothing_or_nested_lists(path, value):
    changed, key = with_value(path, value)
    assert refusal(changed).startswith(f"Config key {key}")


def test_every_representation_and_network_can_be_chosen():
    run = SCHEMA["properties"]["runs"]["additionalProperties"]["properties"]
    assert run["representation"]["enum"] == list(REPRESENTATIONS)
    assert run["model"]["enum"] == list(NETWORKS)


@pytest.mark.parametrize(
    ("overlay", "fits"),
    [
        # 77 steps of 10 ms make 78 frames.
        ("audio: {seconds: 0.77}", True),
        ("audio: {seconds: 0.7699}", False),
        # So do 77 steps of 207 samples, but only 76 of 208 are within 16,000.
        ("features: {standard: {stft: {stride_seconds: 0.0129375}}}", True),
        ("features: {standard: {stft: {stride_seconds: 0.013}}}", False),
        # 154 samples have 78 frequencies.
        ("features: {standard: {stft: {n_fft: 154, window_seconds: 0.009}}}", True),
        ("features: {standard: {stft: {n_fft: 153, window_seconds: 0.009}}}", False),
        # The residual network takes any.
        ("{audio: {seconds: 0.1}, training: {model: residual}}", True),
        (
            "{audio: {seconds: 0.1}, training: {model: residual}, runs: {mel: {model: published}}}",
            False,
        ),
        # 64 mel bands are too few for the published network, whatever the transform.
        ("runs: {mel: {representation: log_mel, model: residual}}", True),
        ("runs: {mel: {representation: log_mel_complex, model: residual}}", True),
        ("runs: {mel: {representation: log_mel}}", False),
        ("runs: {mel: {representation: log_mel_complex}}", False),
        ("runs: {mel: {representation: log}}", True),
        ("runs: {mel: {representation: compressed}}", True),
    ],
)
def test_images_too_small_for_the_network_are_refused(overlay, fits):
    if fits:
        canonical(overlay)
    else:
        message = refusal(config(overlay))
        assert re.search(
            r"runs\.\w+ makes images of \d+ frequencies by \d+ frames; the published network "
            r"needs 78 of each: .*choose another model or representation",
            message,
        )


def test_mel_bands_are_enough_for_the_network_whatever_the_transform():
    small = {"small": {"stft": {"n_fft": 64, "window_seconds": 0.004}}}
    run = {"features": "small", "split": "random", "representation": "mel"}
    catalogue = {"features": config()["features"] | small}
    configuration.canonical(config() | catalogue | {"runs": {"complex": run}})
    run["representation"] = "power"
    assert "33 frequencies" in refusal(config() | catalogue | {"runs": {"complex": run}})


@pytest.mark.parametrize(
    "overlay",
    [
        "dataset: {words: [up, 'yes', 'no', '001']}",
        "dataset: {source: folder, folder: /data/my words}",
        "dataset: {source: synthetic}",
        "dataset: {archive: {path: /data/archive.tar.gz, urls: []}}",
        "training: {max_lr: auto, patience: off}",
        "training: {patience: 10, max_lr: 1}",
        "training: {patience: 10.0, max_lr: 1.0e-3}",
        "features: {standard: {rounding: off}}",
        "features: {fine+coarse_2.0-x: {}}",
        "splits: {official: {train: 0.9, valid: 0.9}}",
        "splits: {random: {train: 0.7, valid: 0.29}}",
        "explore: {recording: up/anna_nohash_0.wav}",
        "pathvars: {results: results/mine}",
    ],
)
def test_what_is_meant_to_be_possible_is(overlay):
    canonical(overlay)


def test_the_demo_is_valid():
    overlay = (ROOT / "config/demo.yaml").read_text(encoding="utf-8")
    assert canonical(overlay)["dataset"]["source"] == "synthetic"


# The canonical form


def test_the_shipped_config_is_valid_and_says_what_was_published():
    shipped = canonical()
    run = shipped["runs"]["complex"]
    assert (run["epochs"], run["batch_size"], run["patience"], run["max_lr"]) == (50, 128, 3, 0.01)
    assert shipped["features"]["standard"]["stft"] == {
        "n_fft": 512,
        "normalized": True,
        "stride_seconds": 0.01,
        "window_seconds": 0.03,
    }


def test_canonicalising_twice_is_canonicalising_once():
    for overlay in (
        *("{}", "training: {patience: off}", "features: {standard: {rounding: off}}"),
        "runs: {mel: {epochs: 3, range_test: {steps: 50}}}",
        "training: {max_lr: auto}",
    ):
        once = canonical(overlay)
        assert text(configuration.canonical(once)) == text(once)


def test_the_config_given_is_left_as_it_is():
    given = config("runs: {mel: {range_test: {steps: 50}}}")
    before = copy.deepcopy(given)
    configuration.canonical(given)
    assert text(given) == text(before)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("audio: {sample_rate: 16000}", "audio: {sample_rate: 16000.0}"),
        ("audio: {seconds: 1}", "audio: {seconds: 1.0}"),
        ("training: {epochs: 160}", "training: {epochs: 160.0}"),
        ("training: {epochs: 160}", "training: {epochs: 1.6e+2}"),
        ("training: {patience: 3}", "training: {patience: 3.0}"),
        ("training: {patience: off}", "training: {patience: false}"),
        ("training: {max_lr: 1}", "training: {max_lr: 1.0}"),
        ("features: {standard: {rounding: 16}}", "features: {standard: {rounding: 16.0}}"),
        ("runs: {mel: {max_lr: 1, epochs: 2.0}}", "runs: {mel: {max_lr: 1.0, epochs: 2}}"),
        ("runs: {mel: {range_test: {highest: 1}}}", "runs: {mel: {range_test: {highest: 1.0}}}"),
        # What a run repeats, and what it takes from `training`.
        ("{}", "runs: {mel: {epochs: 50, patience: 3}}"),
        ("training: {seed: 5}", "training: {seed: 5}\nruns: {mel: {seed: 5}}"),
        ("runs: {mel: {seed: [1, 2]}}", "runs: {mel: {seed: [1.0, 2.0]}}"),
        # YAML 1.1 takes numbers of this form for text.
        ("training: {max_lr: 1e-3}", "training: {max_lr: 0.001}"),
        ("training: {epochs: 1E2}", "training: {epochs: 100}"),
        ("training: {range_test: {lowest: 1e-6}}", "training: {range_test: {lowest: 0.000001}}"),
    ],
)
def test_what_means_the_same_has_the_same_form(one, other):
    assert text(canonical(one)) == text(canonical(other))


OPTIONS = [
    ("training={epochs: 3}", "training: {epochs: 3}"),
    ("training={patience: off, silence: on}", "training: {patience: off, silence: on}"),
    ("training={compile: off, precision: float32}", "training: {compile: off, precision: float32}"),
    ("training={max_lr: 1e-3}", "training: {max_lr: 0.001}"),
    ("training={max_lr: auto, memory_budget: 2.5}", "training: {max_lr: auto, memory_budget: 2.5}"),
    ("training={augmentation: {gain_db: 6}}", "training: {augmentation: {gain_db: 6}}"),
    ("training={weight_averaging: 0.9}", "training: {weight_averaging: 0.9}"),
    ("predict={recordings: x, keep: 0.9}", "predict: {recordings: x, keep: 0.9}"),
    ("predict={recordings: null}", "predict: {recordings: null}"),
    ("dataset={metadata: null, min_recordings: 2}", "dataset: {metadata: null, min_recordings: 2}"),
    ("audio={sample_rate: 8000, seconds: 2}", "audio: {sample_rate: 8000, seconds: 2}"),
    ("features={standard: {rounding: off}}", "features: {standard: {rounding: off}}"),
    ("runs={mel: {seed: [1, 2]}}", "runs: {mel: {seed: [1, 2]}}"),
    ("runs={mel: off}", "runs: {mel: off}"),
    ("train=[power]", "train: [power]"),
    # What is text stays what it is.
    ("dataset={words: [yes, 007, null, 1e3]}", "dataset: {words: ['yes', '007', 'null', '1e3']}"),
    ("dataset={words: '[yes, 007]'}", "dataset: {words: ['yes', '007']}"),
    ("runs={mel: {seed: '[1, 2]'}}", "runs: {mel: {seed: [1, 2]}}"),
    ("dataset={folder: 2024}", "dataset: {folder: '2024'}"),
    ("dataset={metadata: 1e3}", "dataset: {metadata: '1e3'}"),
]


@pytest.mark.parametrize(("option", "overlay"), OPTIONS)
def test_what_is_set_on_the_command_line_means_what_it_means_in_a_file(option, overlay):
    """Snakemake takes all values in mappings and lists for text."""
    given = config()
    update_config(given, parse_config([option]))
    assert text(configuration.canonical(given)) == text(canonical(overlay))


@pytest.mark.parametrize("value", ["1:30", "2026-02-31", "2026-13-01"])
def test_times_and_dates_are_no_numbers(value):
    given = config()
    update_config(given, parse_config([f"training={{epochs: '{value}'}}"]))
    with pytest.raises(UserError, match=f"Config key training.epochs is '{value}'; it must be"):
        configuration.canonical(given)


@pytest.mark.workflow
def test_numbers_and_switches_are_set_on_the_command_line(tmp_path):
    small = Copy(tmp_path / "copy", OVERLAY)
    options = ["training={epochs: 3, patience: off}", "dataset={metadata: null}"]
    options += ["train=[mel]", "runs={complex: off, power: off}"]
    assert "train" in small.plan("--config", *options)
    done = small.dry_run("--config", "training={epochs: many}")
    assert "Config key training.epochs is 'many'; it must be a whole number." in done.stdout


def test_a_run_with_several_seeds_is_a_run_a_seed():
    runs = canonical("runs: {mel: {seed: [7, 2], epochs: 3}}")["runs"]
    single = of_each_seed(runs)
    assert list(single) == ["complex", "mel-seed7", "mel-seed2", "power"]
    assert [run["run"] for run in single.values()] == ["complex", "mel", "mel", "power"]
    assert [run["seed"] for run in single.values()] == [1, 7, 2, 1]
    assert [run["epochs"] for run in single.values()] == [50, 3, 3, 50]


def test_a_run_may_be_like_another():
    same = canonical("""
        training: {batch_size: 7}
        runs:
          b: {like: a, max_lr: 0.1, augmentation: {gain_db: 2}, words: [one, two]}
          c: {like: b, augmentation: {mixup: 0.5}, words: [three, four]}
          a: {like: mel, epochs: 3, max_lr: 0.2, augmentation: {gain_db: 1, polarity: on}}
    """)
    spelt_out = canonical("""
        training: {batch_size: 7}
        runs:
          a: {features: standard, split: random, representation: mel, epochs: 3, max_lr: 0.2,
              augmentation: {gain_db: 1, polarity: on}}
          b: {features: standard, split: random, representation: mel, epochs: 3, max_lr: 0.1,
              augmentation: {gain_db: 2, polarity: on}, words: [one, two]}
          c: {features: standard, split: random, representation: mel, epochs: 3, max_lr: 0.1,
              augmentation: {gain_db: 2, mixup: 0.5, polarity: on}, words: [three, four]}
    """)
    assert text(same) == text(spelt_out)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ("{a: {like: complx}}", "key runs.a.like names 'complx', which is not in `runs`; did"),
        (
            "{a: {like: mel}, mel: off}",
            "key runs.a.like is 'mel', but this run is off: name another run.",
        ),
        ("{a: {like: 3}}", "key runs.a.like is 3; it must be text: put it in quotes."),
        ("{a: {like: [mel]}}", "key runs.a.like is a list; it must be text"),
        (
            "{a: {like: mel}, 3: {}}",
            "key runs.3 has an invalid name; it must be text: put it in quotes.",
        ),
        ("{a: {like: b}, b: {split: random}}", "key runs.a lacks `features`"),
        ("{a: {like: a}}", "key runs.a.like is circular (a -> a): remove one `like`."),
        ("{a: {like: b}, b: {like: c}, c: {like: b}}", "key runs.c.like is circular (a -> b"),
        ("{a: {like: mel, epochs: many}}", "key runs.a.epochs is 'many'"),
        ("{a: {like: mel}, mel: {epochs: many}}", "key runs.mel.epochs is 'many'"),
        ("{a: {like: mel}, mel: 3}", "key runs.mel is 3; it must be a mapping"),
    ],
)
def test_errors_in_like_are_reported(runs, expected):
    assert expected in refusal(config(f"runs: {runs}"))


def test_the_comparison_that_ships_trains_the_published_three_with_three_seeds():
    overlay = (ROOT / "config/comparison.yaml").read_text(encoding="utf-8")
    single = of_each_seed(canonical(overlay)["runs"])
    found = [(run["representation"], run["seed"]) for run in single.values()]
    assert found == [(name, seed) for name in ("complex", "mel", "power") for seed in (1, 2, 3)]


def test_version_2_of_speech_commands_is_another_archive_and_folder():
    shipped = canonical()["dataset"]
    other = canonical((ROOT / "config/speech_commands_v0.02.yaml").read_text(encoding="utf-8"))[
        "dataset"
    ]
    assert other["folder"] != shipped["folder"]
    assert {
        key for key in shipped["archive"] if other["archive"][key] != shipped["archive"][key]
    } == {
        "urls",
        "sha256",
    }


def test_the_overlay_for_own_words_goes_on_top_of_the_best_run():
    found = config((ROOT / "config/best.yaml").read_text(encoding="utf-8"))
    overlay = yaml.safe_load((ROOT / "config/own_words.yaml").read_text(encoding="utf-8"))
    own = configuration.canonical(merged(found, overlay))
    best = configuration.canonical(found)["runs"]["best"]
    changes = {"split": "speaker", "epochs": 150, "batch_size": 16}
    changes |= {"negatives": 0.3, "balanced": True}
    assert own["runs"]["best"] == best | changes
    assert own["dataset"]["source"] == "folder"


@pytest.mark.parametrize(
    ("name", "trained"), [("ablation", 36), ("splits", 6), ("few_recordings", 10)]
)
def test_overlays_of_benchmarks_go_on_top_of_the_best_run(name, trained):
    found = config((ROOT / "config/best.yaml").read_text(encoding="utf-8"))
    overlay = yaml.safe_load((ROOT / "benchmarks" / f"{name}.yaml").read_text(encoding="utf-8"))
    runs = configuration.canonical(merged(found, overlay))["runs"]
    assert len(of_each_seed(runs)) == trained
    # It would make probabilities too low (benchmarks/README.md).
    assert runs["best"]["label_smoothing"] == 0


def reversed_keys(value):
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return value


def test_the_order_of_keys_does_not_matter():
    shipped = config("training: {range_test: {steps: 50}}")
    turned = reversed_keys(shipped)
    assert list(turned) != list(shipped)
    first, second = (configuration.canonical(given) for given in (shipped, turned))
    assert text(first) == text(second)
    assert list(first) == sorted(first)


def test_the_order_of_words_means_nothing_and_that_of_runs_is_kept():
    overlay = "dataset: {words: [up, down, left]}\ntrain: [power, complex]"
    assert canonical(overlay)["dataset"]["words"] == ["down", "left", "up"]
    assert canonical(overlay)["train"] == ["power", "complex"]


def read_only(value):
    if isinstance(value, dict):
        return MappingProxyType({key: read_only(part) for key, part in value.items()})
    return value


def test_any_kind_of_mapping_will_do():
    assert text(configuration.canonical(read_only(config()))) == text(canonical())


def test_what_is_left_out_has_its_default():
    least = {
        "dataset": {"source": "synthetic", "folder": "data"},
        "features": {"standard": {}},
        "splits": {"random": {"method": "random"}},
        "runs": {"a": {"features": "standard", "split": "random", "representation": "complex"}},
        "train": ["a"],
    }
    filled = configuration.canonical(least)
    assert filled["audio"] == {"sample_rate": 16000, "seconds": 1.0, "window": "loudest"}
    assert filled["features"] == canonical()["features"]
    assert filled["splits"]["random"] == canonical()["splits"]["random"]
    assert filled["training"] == canonical()["training"]
    assert filled["runs"]["a"] == canonical()["runs"]["complex"]
    assert filled["explore"] == {"recording": "auto"}
    assert filled["dataset"]["synthetic"] == {"seed": 1, "takes": 1, "voices": 60}
    assert filled["dataset"]["on_unreadable"] == "error"


def test_a_runs_own_settings_override_those_of_training():
    runs = canonical(
        """
        training: {epochs: 30, patience: 5, max_lr: auto}
        runs:
          complex: {patience: off}
          power: {epochs: 10, max_lr: 0.1, device: cpu}
        """
    )["runs"]

    def found(run):
        return [runs[run][key] for key in ("epochs", "patience", "max_lr", "device")]

    assert found("complex") == [30, False, "auto", "auto"]
    assert found("power") == [10, 5, 0.1, "cpu"]
    assert found("mel") == [30, 5, "auto", "auto"]


def test_a_run_can_override_a_part_of_the_range_test():
    runs = canonical(
        """
        training: {range_test: {lowest: 1.0e-4, highest: 0.5}}
        runs: {mel: {range_test: {steps: 50}}}
        """
    )["runs"]
    assert runs["mel"]["range_test"] == {"highest": 0.5, "lowest": 1e-4, "steps": 50}
    assert runs["power"]["range_test"] == {"highest": 0.5, "lowest": 1e-4, "steps": 100}


def test_a_change_of_training_does_not_reach_a_run_that_says_otherwise():
    overlay = "runs: {mel: {epochs: 10}}"
    before, after = canonical(overlay), canonical(f"training: {{epochs: 20}}\n{overlay}")
    assert before["runs"]["mel"] == after["runs"]["mel"]
    assert before["runs"]["power"] != after["runs"]["power"]


# The schema, and how the shipped config stands to it


def test_the_schema_is_valid():
    assert SCHEMA["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(SCHEMA)


def test_unknown_keys_are_refused_everywhere():
    def visit(schema, path):
        if schema.get("type") == "object":
            assert "additionalProperties" in schema, path
        for name, part in schema.items():
            if isinstance(part, dict):
                visit(part, (*path, name))

    visit(SCHEMA, ())


def test_defaults_are_of_the_form_that_their_settings_have():
    for path, setting in settings():
        if "default" in setting:
            assert Draft202012Validator(setting).is_valid(setting["default"]), path


def test_what_is_required_has_no_default_and_all_else_has_one():
    # What a run leaves out, `training` has; path variables are Snakemake's own.
    exceptions = [("runs", "*"), ("pathvars",)]

    def visit(schema, path):
        for name, part in schema.get("properties", {}).items():
            place = (*path, name)
            if path not in exceptions and path[:2] not in exceptions:
                required = name in schema.get("required", [])
                assert required != ("default" in part), place
            visit(part, place)
        if isinstance(others := schema.get("additionalProperties"), dict):
            visit(others, (*path, "*"))

    visit(SCHEMA, ())


def shipped_values(path):
    """What the shipped config has at a path; of all entries, where the path has a `*`."""
    values = [config()]
    for name in path:
        values = [
            part
            for value in values
            for part in (value.values() if name == "*" else [value[name]] if name in value else [])
        ]
    return values


def is_shown(path):
    """Whether the shipped config should have a setting."""
    # Path variables are Snakemake's own; what runs may override stands under `training`, and none
    # of the published is like another.
    elsewhere = {"like", *SCHEMA["properties"]["training"]["properties"]}
    return path[0] != "pathvars" and not (path[:2] == ("runs", "*") and path[2] in elsewhere)


SHOWN = [path for path, _ in settings() if is_shown(path)]


@pytest.mark.parametrize("path", SHOWN, ids=".".join)
def test_every_setting_stands_in_the_shipped_config(path):
    assert shipped_values(path)


# The published archive's, which has no default.
PUBLISHED = [("dataset", "archive", "urls"), ("dataset", "archive", "sha256")]


@pytest.mark.parametrize(
    ("path", "default"),
    [
        (path, schema["default"])
        for path, schema in settings()
        if "default" in schema and is_shown(path) and path not in PUBLISHED
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_the_shipped_config_shows_the_defaults(path, default):
    for value in shipped_values(path):
        assert text(value) == text(default)


def test_files_made_from_the_definitions_are_up_to_date():
    for path, content in reference.files().items():
        assert (ROOT / path).read_text(encoding="utf-8") == content, "run `make settings`"


def test_a_run_that_is_off_is_left_out():
    found = canonical("runs: {power: off, mel: {split: random}}")
    assert sorted(of_each_seed(found["runs"])) == ["complex", "mel"]
    # Laid over the config that has the run, as the report does, the canonical form is the same.
    again = config() | found | {"runs": config()["runs"] | found["runs"]}
    assert configuration.canonical(again) == found
    assert "'power'" in refusal(config("{runs: {power: off}, train: [power]}"))
    assert "at least 1" in refusal(config("runs: {complex: off, power: off, mel: off}"))


@pytest.mark.parametrize(
    ("run", "key"),
    [
        ("test_shift_seconds: 0.004", "runs.mel.test_shift_seconds"),
        ("augmentation: {shift_seconds: 0.001}", "runs.mel.augmentation.shift_seconds"),
        # The ends are 50 frames from the middle, the highest of the bins is the 256th.
        ("augmentation: {time_stretch: 0.009}", "time_stretch"),
        ("augmentation: {frequency_warp: 0.0019}", "frequency_warp"),
    ],
)
def test_what_rounds_to_nothing_is_refused(run, key):
    said = refusal(config(f"runs: {{mel: {{{run}}}}}"))
    assert key in said
    assert "too small to have an effect" in said
    canonical(f"runs: {{mel: {{{run.replace('0.00', '0.01').replace('15', '16')}}}}}")


def test_a_shift_in_the_test_must_leave_something():
    assert "below audio.seconds, 1." in refusal(config("training: {test_shift_seconds: 1}"))
    canonical("training: {test_shift_seconds: 0.99}")


def test_a_word_is_not_both_in_words_and_in_unknown():
    both = "{words: [bed, cat, dog], unknown: [cat, up]}"
    assert "runs.mel.words and runs.mel.unknown both contain cat" in refusal(
        config(f"runs: {{mel: {both}}}")
    )
    assert "training.words and training.unknown" in refusal(config(f"training: {both}"))
    # `all` is no list of letters.
    canonical("training: {unknown: [a, l]}")

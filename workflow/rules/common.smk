# Needs nothing. Makes the canonical config, and the helpers that rules are written with.

import json
import os
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import yaml

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"
sys.path.insert(0, str(SCRIPTS))

from spokenwords import names
from spokenwords.config import configuration
from spokenwords.evaluation import published
from spokenwords.jobs import fingerprint, hashing, memory_request
from spokenwords.recognition import inputs
from spokenwords.recordings import classes, data_folder, lists, speaker_table, spelling
from spokenwords.errors import UserError

# Sentences of errors that ended Snakemake, other than those of jobs.
FAULTS = []


@contextmanager
def faults_told():
    """Print the sentence of a user's error, and end Snakemake with exit status 1.

    From an input function, any exception but SystemExit comes with a traceback.
    """
    try:
        yield
    except UserError as error:
        FAULTS.append(str(error))
        print(f"Error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def canonical_config():
    schema = SCRIPTS.parent / "schemas" / "config.schema.yaml"
    with faults_told():
        return configuration.canonical(
            config, yaml.safe_load(schema.read_text(encoding="utf-8"))
        )


# In place: Snakemake's report and lookups hold on to this very dictionary.
canonical = canonical_config()
config.clear()
config.update(canonical)

# A run of the catalogue that lists several seeds is trained once with each.
RUNS = configuration.of_each_seed(config["runs"])
TRAINED = [
    run
    for name in config["train"]
    for run, settings in RUNS.items()
    if settings["run"] == name
]

RESULTS = Path(workflow.pathvars.get("results"))
FOLDER = Path(config["dataset"]["folder"]).expanduser()
METADATA = (
    config["dataset"]["metadata"] and Path(config["dataset"]["metadata"]).expanduser()
)
ENVIRONMENT = "../../envs/environment.yaml"
ALLUVIAL = SCRIPTS.parent / "report" / "alluvial.html"
GALLERY = SCRIPTS.parent / "report" / "gallery.html"
TABLES = SCRIPTS.parent / "report" / "tables.html"
STYLESHEET = SCRIPTS.parent / "report" / "report.css"
CAPTIONS = list((SCRIPTS.parent / "report").glob("*.rst"))
# The variable by which a job knows what the Snakemake that submitted it has found.
FOUND = "SPOKEN_WORDS_FOUND"
EXPLORATIONS = ["waveform", "fourier_transform", "spectrogram", "complex_spectrogram"]


wildcard_constraints:
    word=r"[^/_.][^/]*",
    features=r"[^/]+",
    split=r"[^/]+",
    run=r"[^/]+",


def code_of(script):
    """The fingerprint of a script's meaning and of all local modules that it imports."""
    return fingerprint.of_script(SCRIPTS / script)


def settings_of_run(*keys):
    """A function of wildcards: these settings of the wildcard's run."""
    return lambda wildcards: {key: RUNS[wildcards.run][key] for key in keys}


# What jobs of a run need of a machine.


def gpus_of_run(wildcards):
    return 0 if RUNS[wildcards.run]["device"] == "cpu" else 1


def memory_of_run(wildcards, input, attempt):
    """MB for spectrograms of the sets that a job reads; more each time that it did not end."""
    # While a checkpoint is pending, its output stands here in place of the stores.
    stores = [input.stores] if isinstance(input.stores, str) else input.stores
    sets = [input[name] for name in ("train", "valid", "test") if name in input.keys()]
    tables = [*sets, *input.get("segments", [])]
    budget = RUNS[wildcards.run]["memory_budget"]
    return memory_request.needed(stores, tables, budget) * attempt // 1_000_000


def settings_of_card(wildcards):
    """The settings that a model card tells, with those of features and split for their names.

    It leaves out the run's name and what a model does not depend on: the machine, speed and room.
    """
    run = RUNS[wildcards.run]
    features = config["features"][run["features"]]
    told = set(run) - {"run", "device", "compile", "memory_budget"}
    return {key: run[key] for key in sorted(told)} | {
        "features": {key: features[key] for key in ("stft", "rounding")},
        "split": config["splits"][run["split"]],
    }


# What the data folder holds, known once it is there.


@cache
def metadata_digests():
    """What the data set's table says of each word, as digests keyed by word."""
    if METADATA:
        return speaker_table.digests(METADATA, RESULTS / "inventory" / ".metadata.json")
    return {}


def said_of(word):
    """What the data set's table says of a word, as digests; None if there is nothing."""
    return metadata_digests().get(spelling.composed(word))


def refuse_unlisted(words):
    """Raise a `UserError` where the data set has a table, and it lacks some of these words."""
    if METADATA:
        speaker_table.refuse_unlisted(METADATA, metadata_digests(), FOLDER, words)


@cache
def scan():
    """A digest of each word's recordings, keyed by word, of the data folder as it is now.

    A job's own Snakemake, as on a cluster, takes those that the one which submitted it has found,
    and does not look at all recordings again.
    """
    file = RESULTS / "inventory" / ".words.json"
    if not workflow.is_main_process:
        found = hashing.remembered(os.environ.get(FOUND, ""), file)
        if found is not None:
            return found
    settings = config["dataset"]
    cache_file = RESULTS / "inventory" / ".scan.json"
    found = data_folder.scan(
        FOLDER, settings["words"], settings["min_recordings"], cache_file
    )
    refuse_unlisted(found)
    for run in RUNS.values():
        classes.choose(found, run)
    if workflow.is_main_process:
        os.environ[FOUND] = hashing.remember(found, file)
    return found


@cache
def check_results_folder():
    """Raise a `UserError` where jobs could not write; Snakemake's own has a traceback."""
    place = next(path for path in (RESULTS, *RESULTS.parents) if os.path.exists(path))
    if not os.access(place, os.W_OK | os.X_OK):
        raise UserError(
            f"The folder {place} is not writable (config key pathvars.results): change its rights, "
            "or choose another folder."
        )


@faults_told()
def digests():
    """The same, of the data folder once it is what this config asks for."""
    if workflow.is_main_process:
        if workflow.execution_settings and not workflow.output_settings.dryrun:
            check_results_folder()
        if METADATA and FOLDER.absolute() not in METADATA.absolute().parents:
            # Checked before a download; a table inside the folder comes with it.
            metadata_digests()
    source = config["dataset"]["source"]
    if source == "archive":
        checkpoints.unpack.get()
    elif source == "synthetic":
        checkpoints.synthesize.get()
    return scan()


def recordings_are_there(wildcards):
    digests()
    return []


@faults_told()
def digest_of_word(wildcards):
    if wildcards.word not in digests():
        raise UserError(
            f"{wildcards.word!r} is none of the words in {FOLDER} (config keys dataset.words "
            "and dataset.min_recordings)."
        )
    return digests()[wildcards.word]


def digest_of_speakers(wildcards):
    """A digest of what the data set's table says of the wildcard's word, if there is one."""
    digests()
    said = said_of(wildcards.word)
    return said and said.speakers


@faults_told()
def digest_of_lists(wildcards):
    """A digest of the data set's own lists, where a split follows them."""
    if config["splits"][wildcards.split]["method"] != "official":
        return None
    words = digests()
    said = [said_of(word).sets for word in words if METADATA]
    if any(said):
        return hashing.digest_of_lines(map(str, said))
    return lists.digest_of_lists(FOLDER)


@cache
def noise():
    """The recordings of noise, by name, and a digest of each one's content."""
    return data_folder.noise(FOLDER)


@faults_told()
def digest_of_noise(wildcards):
    digests()
    return noise()


def facts_of_data(wildcards):
    """What a model card says of the data set; its licence is told by files, by their names."""
    digests()
    names = sorted(path.name for path in FOLDER.iterdir() if path.is_file())
    source, archive = config["dataset"]["source"], config["dataset"]["archive"]
    return {
        "source": source,
        "checksum": archive["sha256"] if source == "archive" else None,
        "licences": [
            name for name in names if name.upper().startswith(("LICENSE", "LICENCE"))
        ],
    }


# What `snakemake predict` is to find words in.


@cache
@faults_told()
def asked_recordings():
    """The place that the config names, and a digest of the recordings that it stands for now."""
    if config["predict"]["recordings"] is None:
        raise UserError(
            "Config key predict.recordings is empty: name a recording, a folder, or a text file "
            "that lists recordings, as in --config 'predict={recordings: my/recordings}'."
        )
    place = os.path.expanduser(config["predict"]["recordings"])
    try:
        digest = inputs.digest(Path(place), RESULTS / "predicted" / ".scan.json")
    except UserError as error:
        raise UserError(f"{error} Config key predict.recordings names it.") from None
    return {"place": place, "digest": digest}


def asked_recordings_are_there(wildcards):
    asked_recordings()
    return []


# Which files rules and targets are made of.


def inventories(wildcards):
    return expand("<results>/inventory/{word}.csv", word=digests())


@faults_told()
def inventory_of_explored_word(wildcards):
    recording = config["explore"]["recording"]
    word = next(iter(digests())) if recording == "auto" else recording.partition("/")[0]
    if word not in digests():
        raise UserError(
            f"Config key explore.recording is {recording!r}; the words are {', '.join(digests())}."
        )
    return {"inventory": f"<results>/inventory/{word}.csv"}


def stores_of_features(settings):
    """The stores of the features that a run's settings, or a job's wildcards, name."""
    return expand(
        "<results>/features/{features}/{word}.zarr/zarr.json",
        features=settings["features"],
        word=digests(),
    )


def stores_of_run(wildcards):
    return stores_of_features(RUNS[wildcards.run])


def properties_of_run(wildcards):
    return f"<results>/splits/{RUNS[wildcards.run]['split']}/test_properties.csv"


def manifest_of_run(name):
    """A function of wildcards: a set's manifest for the wildcard's run."""
    return (
        lambda wildcards: f"<results>/splits/{RUNS[wildcards.run]['split']}/{name}.csv"
    )


def noise_of_run(wildcards):
    """What training waits for where it adds noise to recordings."""
    stores = noise_of_runs([wildcards.run])
    return {"noise": stores} if stores else {}


def silence_of_run(wildcards):
    """What training takes segments of noise from where they are a class."""
    stores, segments = silence_of_runs([wildcards.run])
    return {"silence": stores, "segments": segments} if stores else {}


def range_test_of_run(wildcards):
    """What training waits for where its learning rate is `auto`."""
    if RUNS[wildcards.run]["max_lr"] == "auto":
        return {"rates": f"<results>/runs/{wildcards.run}/learning_rate.csv"}
    return {}

# Makes the canonical config, and the helpers that rules are written with.

import os
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path

# Not workflow.basedir: for a module, that is the folder of the Snakefile that imports it.
SCRIPTS = Path(str(workflow.current_basedir)).parent / "scripts"
REPORT = SCRIPTS.parent / "report"
sys.path.insert(0, str(SCRIPTS))

from spokenwords import names
from spokenwords.config import configuration, settings
from spokenwords.config.runs import of_each_seed, trained, used, with_false_alarms
from spokenwords.config.runs import with_negatives, with_noise, with_silence
from spokenwords.errors import UserError
from spokenwords.evaluation import published
from spokenwords.jobs import disk_space, fingerprint, memory_request
from spokenwords.jobs.fingerprint_cache import Fingerprints
from spokenwords.recognition import inputs
from spokenwords.recordings import classes, negative_texts
from spokenwords.recordings.data_set import DataSet

# Messages of errors that ended Snakemake, other than those of jobs.
ERRORS = []


@contextmanager
def plain_errors():
    """Print a user error as a sentence, and end Snakemake with exit status 1.

    Any exception but SystemExit would come with a traceback from an input function.
    """
    try:
        yield
    except UserError as error:
        ERRORS.append(str(error))
        print(f"Error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


with plain_errors():
    canonical = configuration.canonical(config)
RESULTS = Path(workflow.pathvars.get("results"))
# Snakemake's report and lookups keep this very dictionary. The importing Snakefile of a module may
# set another results folder than the config.
config.clear()
config.update(
    canonical, pathvars=canonical.get("pathvars", {}) | {"results": str(RESULTS)}
)

# A run with several seeds is trained once with each.
RUNS = of_each_seed(config["runs"])
TRAINED = trained(config["train"], RUNS)
# All runs; the others are compared with the first one.
COMPARED = TRAINED | RUNS
PUBLISHED = {
    name: published.accuracy(config["dataset"], config["splits"][run["split"]], run)
    for name, run in RUNS.items()
}
ENVIRONMENT = "../../envs/environment.yaml"
# In Snakemake's own folder, which may be deleted whenever nothing runs.
CODE = Fingerprints(SCRIPTS, Path(".snakemake/fingerprints.json"))

# The variable by which a submitted job takes the digests of words that were found before it.
FOUND = "SPOKEN_WORDS_FOUND"
DATA = DataSet(
    config["dataset"],
    caches=RESULTS / "inventory",
    remembered="" if workflow.is_main_process else os.environ.get(FOUND, ""),
)
SYNTHETIC_NEGATIVES = config["dataset"]["negatives"] == "synthetic"
FOLDERS_OF_NEGATIVES = (
    [RESULTS / "negatives"] if SYNTHETIC_NEGATIVES else DATA.folders_of_negatives
)


wildcard_constraints:
    word=r"[^/_.][^/]*",
    features=r"[^/]+",
    split=r"[^/]+",
    run=r"[^/]+",


# Params of rules.


def code_of(script):
    """The fingerprint of a script's meaning and of all local modules that it imports."""
    return CODE.of_script(script)


def content_of(*names):
    """A digest of templates and texts in workflow/report."""
    return fingerprint.of_files([REPORT / name for name in names])


def untracked(value):
    """A param whose change is no reason to run a job again, such as where the data folder is.

    Snakemake does not compare params that depend on a job's files.
    """
    return lambda wildcards, output: value


def settings_for(rule):
    """A function of wildcards: the settings of the wildcard's run that a rule depends on."""
    return lambda wildcards: settings.of_rule(rule, RUNS[wildcards.run])


# Resources of jobs that train or evaluate a run.


def gpus_of_run(wildcards):
    return 0 if RUNS[wildcards.run]["device"] == "cpu" else 1


def memory_of_run(wildcards, input, attempt):
    """MB for the spectrograms that a job reads; more with each attempt."""
    # While a checkpoint is pending, `stores` is its output.
    stores = [input.stores] if isinstance(input.stores, str) else input.stores
    sets = [input[name] for name in ("train", "valid", "test") if name in input.keys()]
    segments = [*input.get("segments", []), *input.get("negative_segments", [])]
    budget = RUNS[wildcards.run]["memory_budget"]
    needed = memory_request.needed(stores, [*sets, *segments], budget)
    return needed * attempt // 1_000_000


# Functions of the data set, which wait until its folder is there.


@cache
def check_words():
    """Check that the data set has the words of each run, and pass digests on to submitted jobs."""
    for run in RUNS.values():
        classes.choose(DATA.words, run)
    if workflow.is_main_process:
        os.environ[FOUND] = DATA.remember()


@plain_errors()
def words(wildcards):
    """The words of the data set, once a checkpoint has made its folder if one does."""
    if workflow.is_main_process:
        if workflow.execution_settings and not workflow.output_settings.dryrun:
            # Snakemake's own error would have a traceback.
            disk_space.require_writable(RESULTS, "pathvars.results")
        DATA.check_table()
    source = config["dataset"]["source"]
    if source == "archive":
        checkpoints.unpack.get()
    elif source == "synthetic":
        checkpoints.synthesize.get()
    check_words()
    return list(DATA.words)


def of_data(find):
    """A function of wildcards: what `find(wildcards)` returns, once the data folder is there."""

    @plain_errors()
    def found(wildcards):
        words(wildcards)
        return find(wildcards)

    return found


recordings_are_there = of_data(lambda wildcards: [])


@cache
@plain_errors()
def recordings_to_predict():
    """The place that config key predict.recordings names, and a digest of the recordings there."""
    caches = RESULTS / "predicted" / ".scan.json"
    return inputs.asked(config["predict"]["recordings"], caches)


# Inputs and settings of runs.


def of_run(key):
    """A function of wildcards: this setting of the wildcard's run."""
    # Snakemake's lookup() searches the settings of all runs: 6 ms with 50 of them.
    return lambda wildcards: RUNS[wildcards.run][key]


def of_target(wildcards):
    """False alarms per hour for the threshold of a run, if it was trained with negatives."""
    per_hour = config["predict"]["false_alarms_per_hour"]
    return RUNS[wildcards.run]["negatives"] and per_hour


def file_of_split(file):
    """A function of wildcards: a file of the split of the wildcard's run."""
    return lambda wildcards: f"<results>/splits/{RUNS[wildcards.run]['split']}/{file}"

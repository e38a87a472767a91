"""The rerun contract, line by line: what a change makes run again, and that nothing stale stays.

Each case changes a duplicate of a finished workflow and asks what would run: exactly the jobs that
the contract names, each rule as often as it says. Some of them are run to the end together, each
alone by `make soak`; after that nothing is left to do.
"""

import ast
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from copies import EPOCHS, Copy

pytestmark = pytest.mark.workflow

WORDS, STORES, SPLITS, RUNS = 3, 6, 2, 2

SPLIT = ("split", "plot_split", "measure_recordings")
LEARNING_RATES = ("find_learning_rate", "plot_learning_rates")
AFTER_EVALUATION = (
    *("plot_confusion", "plot_alluvial", "calibrate", "difficulty", "tabulate_run", "gallery"),
)
TRAINING = ("train", "plot_history", "evaluate", *AFTER_EVALUATION)
RUN = (*LEARNING_RATES, *TRAINING)
END = {"headline": 1, "html_report": 1}


def runs(count: int, rules: tuple = RUN) -> dict[str, int]:
    """Jobs that run again for `count` runs, and those that follow."""
    return dict.fromkeys(rules, count) | END


ALL_RUNS = runs(RUNS)
A_SPLIT = dict.fromkeys(SPLIT, 1) | runs(1)
OF_RECORDINGS = ("plot_recordings", "tabulate_recordings")
AFTER_CHECK = dict.fromkeys(SPLIT, SPLITS) | dict.fromkeys(OF_RECORDINGS, 1) | ALL_RUNS
A_WORD = {
    **{"inventory": 1, "check_recordings": 1, "spectrograms": 2, "measure_features": 2},
    **AFTER_CHECK,
}
EVERYTHING = A_WORD | {"inventory": WORDS, "spectrograms": STORES, "explore": 1}


@pytest.fixture(scope="module")
def settled(finished, made_once) -> Copy:
    """The finished workflow, its recordings now those of a folder, whatever words it has."""

    def make(folder):
        copy = finished.duplicate(folder)
        copy.overlay["dataset"] = {"source": "folder", "folder": "data/small"}
        # The opening page says where recordings come from.
        assert copy.plan() == END
        copy.run()
        return copy

    return made_once("settled", make)


@pytest.fixture
def copy(settled, tmp_path) -> Copy:
    return settled.duplicate(tmp_path / "copy")


# Changes.


def recordings(copy: Copy, word: str) -> list[Path]:
    return sorted((copy.folder / copy.overlay["dataset"]["folder"] / word).glob("*.wav"))


def setting(value: object, *path: str):
    """A change of the config: this value at this place."""

    def change(copy: Copy) -> None:
        section = copy.overlay
        for key in path[:-1]:
            section = section.setdefault(key, {})
        section[path[-1]] = value

    return change


def nothing(copy: Copy) -> None:
    pass


def set_times(spread_days: float):
    """All files of the copy get times at random, up to `spread_days` from now, in random order."""

    def change(copy: Copy) -> None:
        generator = random.Random(1)
        files = [path for path in copy.folder.rglob("*") if path.is_file()]
        files = [path for path in files if ".snakemake" not in path.parts]
        generator.shuffle(files)
        for path in files:
            time = path.stat().st_mtime + 86400 * spread_days * generator.random()
            os.utime(path, (time, time))

    return change


def touch(copy: Copy) -> None:
    files = [path for path in copy.folder.rglob("*") if path.is_file()]
    random.Random(2).shuffle(files)
    for path in files:
        if ".snakemake" not in path.parts:
            path.touch()


def code(copy: Copy) -> list[Path]:
    return [*copy.library.rglob("*.py"), *copy.library.parent.glob("*.py")]


def write_otherwise(copy: Copy) -> None:
    """Write all code in another layout, without comments and with other docstrings."""
    for path in code(copy):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (
                ast.get_docstring(node)
            ):
                node.body[0].value.value = "Other words."
        path.write_text(f"# A comment.\n{ast.unparse(tree)}\n")


def are_messages(node: ast.AST) -> bool:
    """Whether the arguments of a call are words for the user: of an error, a log or progress."""
    match node:
        case ast.Raise(exc=ast.Call(func=function)):
            return not ast.unparse(function).endswith(("SystemExit", "UnreadableRecordingError"))
        case ast.Call(func=ast.Attribute(value=ast.Name(id="logger" | "progress"))):
            return True
        case ast.Call(func=function):
            return ast.unparse(function).endswith(("UserError", "Progress"))
    return False


def texts(node: ast.AST) -> Iterator[ast.Constant]:
    """The texts in a message, without those in the expressions whose values it shows."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node
    elif not isinstance(node, ast.FormattedValue | ast.Subscript):
        for part in ast.iter_child_nodes(node):
            yield from texts(part)


def reword_messages(copy: Copy) -> None:
    """Every text in an error, a line of a log or of progress gets another word."""
    for path in code(copy):
        tree = ast.parse(path.read_text())
        for message in filter(are_messages, ast.walk(tree)):
            for text in texts(message):
                text.value += " Reworded."
        path.write_text(ast.unparse(tree))
    assert sum(path.read_text().count("Reworded.") for path in code(copy)) > 300


def change_jobs(copy: Copy) -> None:
    for path in copy.library.glob("jobs/*.py"):
        path.write_text(f"{path.read_text()}\nCHANGED = True\n")


def comment_rules(copy: Copy) -> None:
    for path in [copy.folder / "Snakefile", *copy.folder.glob("workflow/rules/*.smk")]:
        path.write_text(f"{path.read_text()}\n\n# A comment.\n")


def meaning(name: str):
    """A change of what a module or script means, seen from outside."""

    def change(copy: Copy) -> None:
        path = copy.library / name
        path.write_text(f"{path.read_text()}\nCHANGED = True\n")

    return change


def reorder_keys(copy: Copy) -> None:
    """The same settings the other way round, whole numbers written with a point."""

    def reversed_(value):
        if isinstance(value, dict):
            return {key: reversed_(value[key]) for key in reversed(value)}
        return float(value) if type(value) is int else value

    copy.overlay = reversed_(copy.overlay)


def add_recording(copy: Copy) -> None:
    first = recordings(copy, "happy")[0]
    samples, rate = soundfile.read(first)
    soundfile.write(first.with_name("someone_nohash_0.wav"), samples / 2, rate, "PCM_16")


def remove_recording(copy: Copy) -> None:
    recordings(copy, "happy")[0].unlink()


def replace_recording(copy: Copy) -> None:
    """Other audio under the same name, of the same size and time."""
    path = recordings(copy, "happy")[0]
    before = path.stat()
    samples, rate = soundfile.read(path, dtype="int16")
    soundfile.write(path, samples[::-1], rate)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def rewrite_recording(copy: Copy) -> None:
    """The same audio in a new file, of a newer time."""
    path = recordings(copy, "happy")[0]
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


def add_word(copy: Copy) -> None:
    for path in recordings(copy, "happy"):
        samples, rate = soundfile.read(path)
        other = path.parent.with_name("yppah") / path.name
        other.parent.mkdir(exist_ok=True)
        soundfile.write(other, samples[::-1], rate, "PCM_16")


def remove_word(copy: Copy) -> None:
    shutil.rmtree(recordings(copy, "seven")[0].parent)


def move_folder(copy: Copy) -> None:
    (copy.folder / "data/small").rename(copy.folder / "elsewhere")
    copy.overlay["dataset"]["folder"] = "elsewhere"


def delete(file: str):
    """A result is deleted, be it a file or a store."""

    def change(copy: Copy) -> None:
        path = copy.results / file
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


def add_run(copy: Copy) -> None:
    run = {"features": "coarse", "split": "random", "representation": "power"}
    copy.overlay["runs"]["power"] = run
    copy.overlay["train"] = ["complex", "mel", "power"]


def plot_another(copy: Copy) -> None:
    copy.overlay["explore"] = {"recording": f"seven/{recordings(copy, 'seven')[0].name}"}


def rewrite_caption(copy: Copy) -> None:
    path = copy.folder / "workflow/report/history.rst"
    path.write_text(f"{path.read_text()}One more sentence.")


def noise(copy: Copy) -> Path:
    return copy.folder / copy.overlay["dataset"]["folder"] / "_background_noise_"


def add_noise(copy: Copy) -> None:
    """The run `complex` has noise added, of which there are two more recordings now."""
    for seed in range(2):
        samples = np.random.default_rng(seed).normal(0, 0.05, 48_000)
        soundfile.write(noise(copy) / f"hiss{seed}.wav", samples, 16_000)
    copy.overlay["runs"]["complex"]["augmentation"] = {"noise_share": 0.5, "shift_seconds": 0.1}


def rewrite_template(copy: Copy) -> None:
    path = copy.folder / "workflow/report/gallery.html"
    path.write_text(f"{path.read_text()}<!-- One more comment. -->")


CHANGES = {
    "nothing": (nothing, {}),
    "every file touched": (touch, {}),
    "every file older": (set_times(-400), {}),
    "every file newer": (set_times(1), {}),
    "comments, docstrings and layout of all code": (write_otherwise, {}),
    "every message": (reword_messages, {}),
    "all modules of jobs": (change_jobs, {}),
    "recordings/doubts.py": (meaning("recordings/doubts.py"), {}),
    "comments in rules": (comment_rules, {}),
    "order of keys, 2.0 for 2": (reorder_keys, {}),
    "the data folder moved": (move_folder, {}),
    "a recording written again": (rewrite_recording, {}),
    "a chunk deleted": (delete("features/coarse/happy.zarr/spectrogram/c.0.0.0.0"), {}),
    "a run that is not trained": (setting({"split": "random"}, "runs", "power"), {}),
    "a split of no run": (setting({"method": "random"}, "splits", "other"), {}),
    "epochs of a run": (setting(EPOCHS + 1, "runs", "complex", "epochs"), runs(1, TRAINING)),
    "max_lr of a run": (
        setting(0.02, "runs", "complex", "max_lr"),
        runs(1, TRAINING) | {"plot_learning_rates": 1},
    ),
    # The other run says itself what it takes.
    "precision of all runs": (setting("bfloat16", "training", "precision"), runs(1)),
    "seed of all runs": (setting(2, "training", "seed"), ALL_RUNS),
    "augmentation of a run": (
        setting(6, "runs", "complex", "augmentation", "gain_db"),
        runs(1, TRAINING),
    ),
    "noise for a run": (add_noise, runs(1, TRAINING) | {"noise_spectrograms": 1}),
    "words of a run that are unknown": (
        setting(["seven"], "runs", "complex", "unknown"),
        runs(1) | {"find_false_alarms": 1, "score_stream": 1},
    ),
    "silence for a run": (
        setting(True, "runs", "complex", "silence"),
        runs(1) | {"silence_spectrograms": 1, "find_false_alarms": 1, "score_stream": 1},
    ),
    "shifts in the test of a run": (
        setting(0.1, "runs", "complex", "test_shift_seconds"),
        runs(1, ("evaluate", *AFTER_EVALUATION)),
    ),
    "a run turned off": (setting(False, "runs", "power"), {}),
    "representation of a run": (setting("power", "runs", "complex", "representation"), runs(1)),
    "model of a run": (setting("residual", "runs", "complex", "model"), runs(1)),
    # Of the two runs one takes its rate from the range test.
    "steps of the range test": (
        setting(11, "training", "range_test", "steps"),
        runs(1) | dict.fromkeys(LEARNING_RATES, 2),
    ),
    "seed of a split": (setting(2, "splits", "speaker", "seed"), A_SPLIT),
    "method of a split": (setting("random", "splits", "speaker", "method"), A_SPLIT),
    # The recording is plotted as the first run sees it.
    "n_fft of some features": (
        setting(162, "features", "coarse", "stft", "n_fft"),
        {"spectrograms": WORDS, "measure_features": 1, "explore": 1} | runs(1),
    ),
    "rounding of some features": (
        setting(14, "features", "standard", "rounding"),
        {"spectrograms": WORDS, "measure_features": 1} | runs(1),
    ),
    "compression of some features": (
        setting("lz4", "features", "coarse", "compression"),
        {"spectrograms": WORDS, "measure_features": 1} | runs(1),
    ),
    "length of all recordings": (
        setting(1.1, "audio", "seconds"),
        EVERYTHING,
    ),
    "window of long recordings": (setting("start", "audio", "window"), EVERYTHING),
    "unreadable recordings skipped": (
        setting("skip", "dataset", "on_unreadable"),
        {"check_recordings": 1} | AFTER_CHECK,
    ),
    "recording to plot": (plot_another, {"explore": 1, "html_report": 1}),
    "a recording added": (add_recording, A_WORD),
    "a recording removed": (remove_recording, A_WORD),
    "a recording replaced": (replace_recording, A_WORD),
    "a word added": (add_word, A_WORD),
    "a word removed": (remove_word, {"check_recordings": 1, "measure_features": 2} | AFTER_CHECK),
    "a run added": (add_run, runs(1)),
    "a run no longer asked for": (setting(["complex"], "train"), END),
    "a store deleted": (
        delete("features/coarse/happy.zarr"),
        {"spectrograms": 1, "measure_features": 1} | runs(1),
    ),
    "a store's description deleted": (
        delete("features/standard/happy.zarr/zarr.json"),
        {"spectrograms": 1, "measure_features": 1} | runs(1),
    ),
    "a manifest deleted": (delete("splits/speaker/valid.csv"), A_SPLIT),
    "a model deleted": (delete("runs/complex/model.pt"), runs(1, TRAINING)),
    "predictions deleted": (
        delete("runs/complex/predictions.csv"),
        {"evaluate": 1} | runs(1, AFTER_EVALUATION),
    ),
    "a caption": (rewrite_caption, {"html_report": 1}),
    "report/plots/alluvial.py": (
        meaning("report/plots/alluvial.py"),
        {"plot_alluvial": RUNS, "html_report": 1},
    ),
    "evaluation/confusion.py": (
        meaning("evaluation/confusion.py"),
        {"evaluate": RUNS} | runs(RUNS, AFTER_EVALUATION),
    ),
    "recordings/splits.py": (
        meaning("recordings/splits.py"),
        dict.fromkeys(SPLIT, SPLITS) | ALL_RUNS,
    ),
    "training/loop.py": (meaning("training/loop.py"), runs(RUNS, TRAINING)),
    # The range test ends with its suggestion in the log.
    "training/suggested_rate.py": (meaning("training/suggested_rate.py"), ALL_RUNS),
    "spectrograms/write.py": (
        meaning("spectrograms/write.py"),
        {"spectrograms": STORES, "measure_features": 2} | ALL_RUNS,
    ),
    "spectrograms/read.py": (meaning("spectrograms/read.py"), {"measure_features": 2} | ALL_RUNS),
    "spectrograms/stft.py": (
        meaning("spectrograms/stft.py"),
        {"spectrograms": STORES, "measure_features": 2, "explore": 1} | ALL_RUNS,
    ),
    "a template": (rewrite_template, {"gallery": RUNS, "html_report": 1}),
    "report/pages.py": (
        meaning("report/pages.py"),
        {"tabulate_recordings": 1, "html_report": 1}
        | dict.fromkeys(("tabulate_run", "gallery", "plot_alluvial"), RUNS),
    ),
    "recordings/acoustics.py": (
        meaning("recordings/acoustics.py"),
        {"measure_recordings": SPLITS, "difficulty": RUNS, "tabulate_run": RUNS, "html_report": 1},
    ),
    "errors.py": (meaning("errors.py"), EVERYTHING),
    "headline's script": (meaning("../headline.py"), END),
}
# Of each kind of change one; they are run to the end together.
OF_EACH_KIND = [
    *("every file touched", "epochs of a run", "a word added", "predictions deleted"),
    "report/plots/alluvial.py",
]


@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES.keys())
def test_what_runs_again(copy, change, expected):
    change(copy)
    assert copy.plan() == expected


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(OF_EACH_KIND, id="of each kind one"),
        *(
            pytest.param([name], marks=pytest.mark.soak, id=name)
            for name in CHANGES
            # A chunk that is lost is for the reader to find: see below. And on files of the future,
            # as these are, Snakemake refuses to run jobs.
            if name not in ("a chunk deleted", "every file newer")
        ),
    ],
)
def test_after_the_run_nothing_is_left_to_do(copy, names):
    if len(names) > 1:  # One run is enough then, and half the work.
        copy.overlay["train"] = ["complex"]
    for name in names:
        change, _ = CHANGES[name]
        change(copy)
    copy.run()
    assert copy.plan() == {}


def test_a_replaced_recording_is_measured_although_the_manifest_is_the_same(copy):
    replace_recording(copy)
    copy.run(*(f"results/small/splits/{split}/test.csv" for split in ("random", "speaker")))
    assert copy.plan()["measure_recordings"] == SPLITS


def test_noise_is_trained_with_and_when_it_changes_trained_with_again(copy):
    model = "results/small/runs/complex/model.pt"
    before = (copy.folder / model).read_bytes()
    add_noise(copy)
    copy.run(model)
    assert (copy.folder / model).read_bytes() != before
    assert copy.plan(model) == {}
    (noise(copy) / "hiss1.wav").unlink()
    assert copy.plan(model) == {"noise_spectrograms": 1, "train": 1}
    copy.run(model)
    shutil.rmtree(copy.results / "features/coarse/_background_noise_.zarr")
    assert {"noise_spectrograms", "train"} <= copy.plan().keys()


def test_without_noise_a_run_that_wants_it_says_so(copy):
    copy.overlay["runs"]["complex"]["augmentation"] = {"noise_share": 0.5}
    shutil.rmtree(noise(copy))
    done = copy.snakemake("results/small/runs/complex/model.pt")
    assert done.returncode == 1
    assert "There are no recordings of noise in data/small/_background_noise_" in done.stdout
    assert "augmentation.noise_share" in done.stdout


# At the first batch after the first epoch, whose checkpoint is there then.
STOPPING = """

def stop(progress, count=1, detail=""):
    if detail == "epoch 2":
        raise SystemExit(1)


Progress.advance = stop
"""


@pytest.mark.parametrize(
    ("change", "resumed"), [(reword_messages, True), (meaning("training/loop.py"), False)]
)
def test_an_edit_that_plans_nothing_does_not_discard_a_training(copy, change, resumed):
    model = copy.results / "runs/complex/model.pt"
    model.unlink()
    progress = copy.library / "jobs/progress.py"
    text = progress.read_text()
    progress.write_text(f"{text}{STOPPING}")
    target = model.relative_to(copy.folder).as_posix()
    assert copy.snakemake(target).returncode == 1
    assert model.with_name("checkpoint.pt").is_file()
    progress.write_text(text)
    change(copy)
    done = copy.snakemake(target)
    assert done.returncode == 0, done.stdout
    assert ("Resuming the training" in done.stdout) == resumed


def test_number_of_cores_runs_nothing(settled):
    assert settled.plan(cores=1) == settled.plan(cores=16) == {}


def test_other_data_and_back(copy):
    own = copy.overlay
    copy.overlay = json.loads(json.dumps(own))
    copy.overlay["pathvars"]["results"] = "results/other"
    copy.overlay["dataset"] = {
        **{"source": "synthetic", "folder": "data/other", "words": ["left", "right"]},
        "synthetic": {"voices": 3},
    }
    copy.run("results/other/recordings/summary.csv")
    assert copy.plan("results/other/recordings/summary.csv") == {}
    copy.overlay = own
    assert copy.plan() == {}


@pytest.mark.parametrize("job", ["inventory:word=bird", "check_recordings:"])
def test_a_submitted_job_does_not_look_at_all_recordings_again(copy, job):
    """It takes what the Snakemake that submitted it has found; here a word has gone meanwhile."""
    copy.overlay["dataset"] |= {"words": ["bird", "happy", "seven"]}
    assert copy.plan() == {}
    shutil.rmtree(copy.folder / copy.overlay["dataset"]["folder"] / "happy")
    found = (copy.results / "inventory/.words.json").read_bytes()
    arguments = ("--mode", "remote", "--target-jobs", job, "--force", "--nolock")
    for submitted, status in ((hashlib.sha256(found).hexdigest(), 0), ("another", 1)):
        done = subprocess.run(
            copy.command(*arguments),
            cwd=copy.folder,
            env=os.environ | {"SPOKEN_WORDS_FOUND": submitted},
            text=True,
            capture_output=True,
        )
        assert done.returncode == status, done.stderr
    assert "has no recordings of happy" in done.stderr
    assert (copy.results / "inventory/.words.json").read_bytes() == found


def test_a_lost_chunk_stops_the_reader_with_the_way_out(copy):
    store = copy.results / "features/coarse/happy.zarr"
    (store / "spectrogram/c.0.0.0.0").unlink()
    done = copy.snakemake("results/small/runs/complex/model.pt", "--forcerun", "train")
    assert done.returncode == 1
    name = store.relative_to(copy.folder)
    assert f"The spectrogram store {name} is damaged" in done.stdout
    assert f"rm -r {name}" in done.stdout
    assert "Traceback" not in done.stdout


# How stale results could pass for fresh: a job that was to replace them ended badly.

FOLLOWING = {
    "inventory": {
        *("check_recordings", "spectrograms", "measure_features", "explore"),
        *(*OF_RECORDINGS, *SPLIT, *RUN, *END),
    },
    "check_recordings": {*OF_RECORDINGS, *SPLIT, *RUN, *END},
    "plot_recordings": {"html_report"},
    "spectrograms": {"measure_features", *RUN, *END},
    "measure_features": END.keys(),
    "split": {*SPLIT[1:], *RUN, *END},
    "plot_split": {"html_report"},
    "measure_recordings": {"difficulty", "tabulate_run", "html_report"},
    "find_learning_rate": {*RUN, *END},
    "plot_learning_rates": {"html_report"},
    "train": {*TRAINING, *END},
    "plot_history": {"html_report"},
    "evaluate": {*AFTER_EVALUATION, *END},
    "plot_confusion": {"html_report"},
    "plot_alluvial": {"html_report"},
    "calibrate": {"html_report"},
    "difficulty": {"tabulate_run", "html_report"},
    "gallery": {"html_report"},
    "explore": {"html_report"},
    "headline": {"html_report"},
    "html_report": set(),
}
ENDINGS = {
    "fails": "raise SystemExit(1)",
    "is terminated": f"import os; os.kill(os.getpid(), {signal.SIGTERM:d})",
    "is killed": f"import os; os.kill(os.getpid(), {signal.SIGKILL:d})",
}
# The others are for the soak.
OF_EACH_SOME = {
    ("inventory", "fails"),
    ("spectrograms", "is killed"),
    ("split", "is terminated"),
    ("train", "is killed"),
    ("evaluate", "fails"),
    ("html_report", "is killed"),
}


@pytest.fixture(scope="module")
def single(settled, made_once) -> Copy:
    """With the run alone whose rate comes from the range test: each step matters to the next."""

    def make(folder):
        copy = settled.duplicate(folder)
        copy.overlay["train"] = ["mel"]
        copy.run()
        return copy

    return made_once("single", make)


def end_badly(copy: Copy, rule: str, ending: str) -> None:
    """Run with a change of the rule's script that ends its job badly, and take the change back."""
    script = copy.library.parent / f"{rule}.py"
    text = script.read_text()
    # At its end, when all that it makes is there.
    script.write_text(f"{text}\n{ENDINGS[ending]}\n")
    done = copy.snakemake()
    assert done.returncode == 1, done.stdout
    assert f"Failed: {rule}" in done.stdout
    assert rule in copy.plan()
    script.write_text(text)


@pytest.mark.parametrize(
    ("rule", "ending"),
    [
        pytest.param(
            *(rule, ending),
            marks=[] if (rule, ending) in OF_EACH_SOME else pytest.mark.soak,
            id=f"{rule} {ending}",
        )
        for rule in FOLLOWING
        for ending in ENDINGS
    ],
)
def test_files_of_a_job_that_failed_are_not_up_to_date(single, tmp_path, rule, ending):
    copy = single.duplicate(tmp_path / "copy")
    end_badly(copy, rule, ending)
    plan = set(copy.plan())
    if rule == "inventory":
        # It plots a recording of the first word, whose inventory may be there.
        plan.add("explore")
    assert plan == {rule} | FOLLOWING[rule]


@pytest.mark.parametrize(
    "ending", ["fails", *(pytest.param(e, marks=pytest.mark.soak) for e in list(ENDINGS)[1:])]
)
def test_recordings_whose_making_ended_badly_are_made_again(finished, tmp_path, ending):
    copy = finished.duplicate(tmp_path / "copy")
    end_badly(copy, "synthesize", ending)
    # Jobs of single words are planned once it is known again which words there are.
    expected = {"synthesize", "check_recordings", "split", "train", "evaluate", "html_report"}
    assert expected <= set(copy.plan())

"""All that follows `evaluate`, on whatever a split can leave for the test: small, odd, one-sided.

Scripts run as Snakemake runs them, but in this process, on files as `evaluate` and
`measure_recordings` write them. Figures are reckoned again from the made-up answers, by hand.
"""

import json
import math
import re
import runpy
import warnings
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import SMALL
from export.test_card import exported
from export.test_card import settings as settings_of_card
from hypothesis import given, settings
from hypothesis import strategies as st

from spokenwords.evaluation import (
    calibration,
    comparison,
    confusion,
    difficulty,
    difficulty_model,
    false_alarms,
    metrics,
    predictions,
)
from spokenwords.evaluation.difficulty import NOT_MEASURED, PROPERTIES
from spokenwords.export import figures
from spokenwords.jobs import log
from spokenwords.model.classifier import Classifier
from spokenwords.recordings import acoustics, splits
from spokenwords.report import gallery
from spokenwords.report.plots import style
from spokenwords.report.plots.false_alarms import false_alarms as plot_false_alarms

ROOT = Path(__file__).parents[2] / "workflow"
RATE, SECONDS = 8_000, 0.25
FLAGS = ("cut_at_start", "cut_at_end")
RECALL, PER_HOUR = (
    [name + end for end in ("", "_low", "_high")] for name in ("recall", "per_hour")
)


@dataclass
class Case:
    """Made-up answers to test recordings, words by number; two runs of the same recordings."""

    words: list[str]
    targets: list[int]
    guesses: list[int]
    others: list[int]  # what the second run guesses
    confidences: list[float]
    speakers: list[str]
    measured: dict[str, object] = field(default_factory=dict)  # columns of properties

    @property
    def files(self):
        return [f"{self.words[target]}/{n}.wav" for n, target in enumerate(self.targets)]

    @property
    def manifest(self):
        columns = {"file": self.files, "word": [self.words[target] for target in self.targets]}
        columns |= {"label": self.targets, "speaker": self.speakers}
        return pd.DataFrame(columns | {"row": range(len(self.targets))})

    def predicted(self, guesses):
        """The table of predictions, and losses."""
        number, count = len(self.words), len(guesses)
        rest = (1 - np.array(self.confidences)) / (number - 1)
        probabilities = np.repeat(rest[:, None], number, axis=1)
        probabilities[range(count), guesses] = self.confidences
        probabilities = probabilities.round(9)
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :3]
        of_targets = probabilities[range(count), self.targets]
        ranked = np.take_along_axis(probabilities, order, 1)
        found = predictions.table(self.manifest, self.words, order, ranked, of_targets)
        assert list(found["prediction"]) == [self.words[guess] for guess in guesses]
        return found, -np.log(of_targets)

    @cached_property
    def properties(self):
        random, count = np.random.default_rng(1), len(self.targets)
        columns = {"file": self.files, "level_dbfs": random.normal(-20, 5, count)}
        columns |= {
            "snr_db": random.normal(30, 9, count),
            "voiced_seconds": 0.3 + 0.01 * (count > 9),
        }
        columns |= {"onset_seconds": random.uniform(0, 0.5, count)}
        columns |= {name: random.random(count) < 0.2 for name in FLAGS}
        columns |= {"centroid_hz": random.uniform(400, 900, count)}
        columns |= {"bandwidth_hz": random.uniform(300, 600, count)}
        columns |= {"clipped_samples": random.poisson(0.3, count)}
        columns |= {"recordings_of_speaker_in_training": random.poisson(4, count)}
        table = pd.DataFrame(columns | self.measured)
        return table.astype(dict.fromkeys(FLAGS, "boolean"))[acoustics.COLUMNS]


def case(count, right="some", words=("bed", "cat", "dog"), targets=None, speakers=None, **changes):
    """So many recordings of the words in turn, of three a speaker, of which `right` are right."""
    words, random = list(words), np.random.default_rng(count)
    targets = [n % len(words) for n in range(count)] if targets is None else targets
    hits = {"all": [True] * count, "none": [False] * count, "some": random.random(count) < 0.7}
    wrong = [(target + 1) % len(words) for target in targets]
    guesses, others = (
        [target if hit else miss for target, hit, miss in zip(targets, chosen, wrong, strict=True)]
        for chosen in (hits[right], random.random(count) < 0.7)
    )
    confidences = random.uniform(0.52, 0.999, count)
    speakers = [f"speaker {n // 3}" for n in range(count)] if speakers is None else speakers
    return Case(words, targets, guesses, others, list(confidences), speakers, **changes)


def alike(count, words):
    """Of equally likely words the first is the answer, always."""
    made = case(count, words=words)
    made.guesses = made.others = [0] * count
    made.confidences = [1 / len(words)] * count
    return made


NUMBERS = [item.name for item in PROPERTIES if item.name not in FLAGS]
ESTIMATES = [name for name in acoustics.ESTIMATES if name not in FLAGS]
NEVER = dict.fromkeys(ESTIMATES, math.nan) | dict.fromkeys(FLAGS)
ONE_CUT = {"cut_at_start": False, "cut_at_end": [True] + [False] * 23}
SOME = {"snr_db": [math.nan] * 3 + [20.0] * 21, "cut_at_end": [None] * 3 + [True] * 21}
CASES = {
    "one, right": case(1, "all", measured=NEVER),
    "one, wrong": case(1, "none", words=("bed", "cat")),
    "two": case(2, targets=[0, 1]),
    "three, all right": case(3, "all", words=("hello", "world")),
    "five of one speaker": case(5, speakers=["ann"] * 5),
    "one of 24 is cut": case(24, measured=ONE_CUT),
    "24, some not measured": case(24, measured=SOME),
    "25 alike": case(25, measured=dict.fromkeys(NUMBERS, 1) | dict.fromkeys(FLAGS, True)),
    "all right": case(100, "all"),
    "all wrong": case(100, "none"),
    "one class": case(25, targets=[1] * 25),
    "one class, right": case(5, "all", targets=[1] * 5),
    "a class without recordings": case(100, targets=[n % 2 for n in range(100)]),
    "equally likely": alike(24, ("bed", "cat")),
    "equally likely, of three": alike(100, ("bed", "cat", "dog")),
    "two speakers": case(100, speakers=["ann", "bob"] * 50),
    "no speakers": case(100, speakers=[f"bed/{n}.wav" for n in range(100)]),
    "nothing measured": case(100, measured=NEVER),
}
DRAWN = ["one, right", "one of 24 is cut"]  # and saved, which takes longest
SCRIPTED = [
    *("one, wrong", "two", "five of one speaker", "24, some not measured", "25 alike"),
    *("all wrong", "one class", "equally likely", "nothing measured"),
]


@pytest.fixture(scope="module", autouse=True)
def no_collection():
    """statsmodels collects garbage with each correction: that of all tests' imports takes long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gc.collect", lambda: 0)
        yield


# What figures should be.


def reckoned(made, guesses):
    """Accuracy, macro F1, loss and calibration error of a run, by hand."""
    count, pairs = len(made.targets), Counter(zip(made.targets, guesses, strict=True))
    said, guessed = Counter(made.targets), Counter(guesses)
    f1 = [2 * pairs[word, word] / (said[word] + guessed[word]) for word in said]
    loss, bins = 0.0, [[] for _ in range(15)]
    for target, guess, sure in zip(made.targets, guesses, made.confidences, strict=True):
        probability = sure if target == guess else (1 - sure) / (len(made.words) - 1)
        loss -= math.log(probability) / count
        bins[math.ceil(round(sure, 6) * 15) - 1].append((target == guess) - sure)
    return {
        "recordings": count,
        "correct": sum(pairs[word, word] for word in said),
        "accuracy": sum(pairs[word, word] for word in said) / count,
        "macro_f1": sum(f1) / len(f1),
        "loss": loss,
        "expected_calibration_error": sum(abs(sum(gaps)) for gaps in bins) / count,
    }


def sign_flips(made):
    """The p value of the second run against the first: all ways to flip the signs of speakers."""
    lead = Counter()
    rows = zip(made.targets, made.guesses, made.others, made.speakers, strict=True)
    for number, (target, first, second, speaker) in enumerate(rows):
        alone = len(set(made.speakers)) == 1
        lead[number if alone else speaker] += (second == target) - (first == target)
    sizes = [abs(size) for size in lead.values() if size]
    ways = [abs(sum(signed)) for signed in product(*[(-size, size) for size in sizes])]
    return sum(way >= abs(sum(lead.values())) for way in ways) / len(ways)


def check_figures(made):
    """All tables of the case, beside what is reckoned by hand."""
    tests = {"first": made.predicted(made.guesses), "second": made.predicted(made.others)}
    measures, (table, _) = {}, tests["first"]
    for (name, (found, losses)), guesses in zip(
        tests.items(), (made.guesses, made.others), strict=True
    ):
        measures[name] = metrics.of_predictions(found, made.words, losses)
        expected = reckoned(made, guesses)
        for key, value in expected.items():
            assert measures[name][key] == pytest.approx(value, abs=1e-5), key
        for measure in ("accuracy", "loss", "macro_f1"):
            low, high = measures[name][f"{measure}_interval"]
            assert low - 1e-6 <= expected[measure] <= high + 1e-6
            assert measure == "loss" or -1e-9 <= low <= high <= 1 + 1e-9
    wrong = sum(a != b for a, b in zip(made.targets, made.guesses, strict=True))

    pairs = Counter(zip(made.targets, made.guesses, strict=True))
    counted = confusion.count(table, made.words).set_index(["target", "prediction"])["count"]
    assert len(counted) == len(made.words) ** 2
    for (target, guess), count in pairs.items():
        assert counted[made.words[target], made.words[guess]] == count
    assert counted.sum() == len(table)

    answers = calibration.of(table)
    reliability, coverage = calibration.reliability(answers), calibration.coverage(answers)
    assert reliability["recordings"].sum() == len(table)
    assert coverage["answered"].iloc[-1] == 1
    assert coverage["accuracy"].iloc[-1] == pytest.approx(1 - wrong / len(table))

    chosen = gallery.choose(table)
    assert len(chosen) == wrong
    assert set(chosen["confusions"]) == {n for (a, b), n in pairs.items() if a != b}

    joined = difficulty.join(table, made.properties)
    rates, model = difficulty.rates(joined), difficulty_model.fit(joined)
    for name, groups in rates.groupby("property"):
        assert (groups["recordings"].sum(), groups["errors"].sum()) == (len(table), wrong), name
        missing = groups.loc[groups["group"] == NOT_MEASURED, "recordings"].sum()
        assert missing == made.properties[name].isna().sum(), name
        bounds = groups["interval_low"], groups["error_rate"], groups["interval_high"]
        assert all((a <= b + 1e-9).all() for a, b in pairwise(bounds)), name
    for name in FLAGS:
        groups = rates[rates["property"] == name].set_index("group")["recordings"].to_dict()
        names = {True: "yes", False: "no"}
        assert groups == Counter(names.get(flag, NOT_MEASURED) for flag in made.properties[name])
    assert model["note"].iloc[-1] and set(model["property"]) >= {*NUMBERS, *FLAGS}

    tests = {name: found for name, (found, _) in tests.items()}
    [pair] = comparison.pairs(tests).itertuples()
    hits = [
        [guess == target for guess, target in zip(guesses, made.targets, strict=True)]
        for guesses in (made.guesses, made.others)
    ]
    only = Counter(zip(*hits, strict=True))
    assert pair.only_first_right == only[True, False]
    assert pair.only_second_right == only[False, True]
    assert pair.difference_low - 1e-9 <= pair.difference <= pair.difference_high + 1e-9
    assert 0 <= pair.p_value <= pair.p_holm <= 1
    if len(set(made.speakers)) <= 10 or len(table) <= 10:
        assert pair.p_value == pytest.approx(sign_flips(made))
    words = comparison.words(catalogue(), tests).set_index(["word", "run"])
    said = Counter(made.targets)
    for (word, run), row in words.iterrows():
        target, place = made.words.index(word), int(run == "second")
        right = sum(hit and of == target for hit, of in zip(hits[place], made.targets, strict=True))
        recall = right / said[target] if said[target] else math.nan
        assert (row["recordings"], row["recall"]) == pytest.approx(
            (said[target], recall), nan_ok=True
        )
    return measures


def catalogue():
    run = {"split": "random", "features": "standard", "representation": "mel", "model": "small"}
    return {name: run | {"run": name, "seed": 1} for name in ("first", "second")}


@pytest.mark.parametrize("name", CASES)
def test_figures_are_right(name):
    with warnings.catch_warnings(action="error"):
        check_figures(CASES[name])


@st.composite
def any_case(draw):
    """Up to twelve recordings of up to four words, of up to four speakers."""
    count, words = draw(st.integers(1, 12)), ["NA", "001", "nan", "a,b"][: draw(st.integers(2, 4))]
    number, some = st.integers(0, len(words) - 1), {"min_size": count, "max_size": count}
    speakers = draw(st.lists(st.sampled_from(["ann", "bob", "NA", "1"]), **some))
    # So probable an answer is the likeliest one.
    sure = st.floats(0.51, 0.999, allow_nan=False)
    numbers = {name: st.none() | st.floats(1, 1e4) for name in ESTIMATES}
    numbers |= {name: st.integers(0, 99) for name in NUMBERS if name not in ESTIMATES}
    measured = {name: draw(st.lists(values, **some)) for name, values in numbers.items()}
    measured = {name: np.array(values, float) for name, values in measured.items()}
    measured |= {
        name: draw(st.lists(st.sampled_from([True, False, None]), **some)) for name in FLAGS
    }
    lists = [draw(st.lists(number, **some)) for _ in range(3)]
    return Case(words, *lists, draw(st.lists(sure, **some)), speakers, measured)


@settings(max_examples=15, deadline=None, derandomize=True, database=None)
@given(any_case())
def test_figures_of_any_answers_are_right(made):
    with warnings.catch_warnings(action="error"):
        check_figures(made)


# Scripts, pages and plots.


class Named(dict):
    """What Snakemake gives a script: values by name, as attributes and as items."""

    __getattr__ = dict.__getitem__


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function that runs a script as Snakemake does; what it logs, and its errors, are raised."""
    monkeypatch.setattr(log, "job_log", lambda path: nullcontext())

    def run(script, **parts):
        given = {name: Named(values) for name, values in parts.items()}
        given |= {"log": ["no log"], "threads": 1, "scriptdir": ROOT / "scripts"}
        snakemake = Named(
            Named.fromkeys(["input", "output", "params", "resources"], Named()) | given
        )
        with warnings.catch_warnings(action="error"):
            runpy.run_path(str(ROOT / "scripts" / script), {"snakemake": snakemake})

    return run


def write_evaluated(made, folder):
    """What `evaluate` and its forerunners leave of two runs, in the folders of each."""
    training = {"epochs": 3, "kept_epoch": 2, "seconds": 1.5, "recordings_per_second": 100.0}
    training |= {"device": "a processor", "warning": ""}
    more = {"model": {"parameters": 1_234}, "training": training}
    more["evaluation"] = {"seconds": 0.1, "precision": "float32"}
    for name, guesses in (("first", made.guesses), ("second", made.others)):
        table, losses = made.predicted(guesses)
        (folder / name).mkdir()
        table.to_csv(folder / name / "predictions.csv", index=False)
        confusion.count(table, made.words).to_csv(folder / name / "confusion.csv", index=False)
        found = metrics.of_predictions(table, made.words, losses) | more
        (folder / name / "metrics.json").write_text(json.dumps(found))
        log = {"epoch": [1, 2], "set": "valid", "loss": [1.0, 0.5], "accuracy": [0.4, 0.7]}
        pd.DataFrame(log).to_csv(folder / name / "log.csv", index=False)
    made.properties.to_csv(folder / "properties.csv", index=False)
    (folder / "random").mkdir()
    manifests = {name: made.manifest for name in splits.SETS}
    # Without a recording of each word in training no run goes on.
    manifests["train"] = case(len(made.words), words=made.words).manifest
    for name, manifest in manifests.items():
        manifest.to_csv(folder / f"{name}.csv", index=False)
    splits.summarise(manifests).to_csv(folder / "random" / "summary.csv", index=False)
    counts = {"word": made.words, "usable": 9, "hours": 0.1}
    pd.DataFrame(counts).to_csv(folder / "recordings.csv", index=False)
    for file in made.files:
        (folder / file).parent.mkdir(exist_ok=True)
        noise = np.random.default_rng(1).normal(0, 0.1, round(RATE * SECONDS))
        soundfile.write(folder / file, noise, RATE)


def run_chain(run, made, folder):
    """All scripts from `calibrate` on."""
    write_evaluated(made, folder)
    one = {name: folder / "first" / f"{name}.csv" for name in ("predictions", "confusion")}
    metrics = [folder / name / "metrics.json" for name in ("first", "second")]

    def outputs(*files):
        return {Path(file).stem: folder / file for file in files}

    run("plot_confusion.py", input=one, output={"plot": folder / "confusion.svg"})
    plots = {"plot": "svg", "image": "png", "page": "html"}
    plots = {name: folder / f"alluvial.{suffix}" for name, suffix in plots.items()}
    run("plot_alluvial.py", input=one, output=plots)
    tables = outputs("reliability.csv", "coverage.csv")
    run("calibrate.py", input=one, output=tables | {"plot": folder / "calibration.svg"})
    tables = outputs("rates.csv", "model.csv") | {"plot": folder / "difficulty.svg"}
    measured = one | {"properties": folder / "properties.csv"}
    run("difficulty.py", input=measured, output=tables)
    audio = {"sample_rate": RATE, "seconds": SECONDS, "window": "loudest"}
    run(
        "gallery.py",
        input=one | {"metrics": metrics[0]},
        output={"page": folder / "gallery.html"},
        params={"audio": audio, "folder": folder},
        wildcards={"run": "first"},
    )
    names = ("runs", "seeds", "pairs", "words")
    compared = outputs(*(f"{name}.csv" for name in names))
    both = [folder / name / "predictions.csv" for name in ("first", "second")]
    # A stream without words, which only one of them was tested in.
    heard = {"threshold": 0.5, "words": 0, "hours": 0.1} | dict.fromkeys(RECALL, math.nan)
    streams = [folder / "first" / "stream.csv"]
    pd.DataFrame([heard | dict.fromkeys(PER_HOUR, 0.0)]).to_csv(streams[0], index=False)
    inputs = {"metrics": metrics, "predictions": both, "streams": streams}
    run("compare_runs.py", input=inputs, output=compared, params={"runs": catalogue()})
    logs = [folder / name / "log.csv" for name in ("first", "second")]
    run(
        "plot_comparison.py",
        input=compared | {"logs": logs},
        output=outputs("accuracy.svg", "words.svg", "histories.svg", "pairs.svg"),
        params={"runs": ["first", "second"], "published": {}},
    )
    for page, shown in (("tables_run", one | tables), ("tables_comparison", compared)):
        run(
            "write_tables.py",
            input=shown,
            output={"page": folder / f"{page}.html"},
            params={"page": f"{page}.yaml"},
            wildcards={"run": "first"},
        )
    facts = {"split": "random", "features": "standard", "representation": "mel"}
    facts |= {"model": "small", "published": None}
    run(
        "headline.py",
        input={
            "metrics": metrics,
            "splits": [folder / "random" / "summary.csv"],
            "features": [],
            "recordings": folder / "recordings.csv",
            "streams": streams,
        },
        output={"page": folder / "headline.rst"},
        params={
            "runs": {"first": facts, "second": facts},
            "source": "folder",
            "page": "opening_report.rst",
        },
    )
    summary = exported(classes=made.words, no_words=[])
    (folder / "export.json").write_text(json.dumps(summary))
    (folder / "listen.json").write_text(json.dumps({"problem": None, "bytes": 9_000_000}))
    sets = {name: folder / f"{name}.csv" for name in splits.SETS}
    run(
        "write_model_card.py",
        input=one
        | sets
        | {
            "stores": [folder / f"{word}.zarr" / "zarr.json" for word in made.words],
            "summary": folder / "export.json",
            "page": folder / "listen.json",
            "metrics": metrics[0],
            "segments": [],
            "false_alarms": [],
        },
        output={"card": folder / "model_card.md"},
        params={
            "settings": settings_of_card(words="all", unknown=[], silence=False),
            "data": {"source": "folder", "checksum": None, "licences": []},
            "folder": folder,
        },
        wildcards={"run": "first"},
    )


@pytest.mark.parametrize("name", DRAWN + SCRIPTED)
def test_every_script_runs(name, run, tmp_path, monkeypatch):
    made = CASES[name]
    if name not in DRAWN:
        monkeypatch.setattr("spokenwords.report.plots.style.save", lambda figure, *paths: None)
    run_chain(run, made, tmp_path)
    # Files give back what tables had: flags that are missing, numbers that are whole.
    rates = pd.read_csv(tmp_path / "rates.csv", keep_default_na=False)
    flags = rates[rates["property"] == "cut_at_end"]
    expected = made.properties["cut_at_end"].map({True: "yes", False: "no"}).fillna(NOT_MEASURED)
    assert dict(zip(flags["group"], flags["recordings"], strict=True)) == Counter(expected)
    expected = reckoned(made, made.guesses)
    headline, card = ((tmp_path / file).read_text() for file in ("headline.rst", "model_card.md"))
    assert f"**{expected['accuracy']:.2%}**" in headline
    assert f"| Macro F1 | {expected['macro_f1']:.4f} |" in card
    mistakes = [
        file
        for file, *both in zip(made.files, made.targets, made.guesses, strict=True)
        if both[0] != both[1]
    ]
    page = (tmp_path / "gallery.html").read_text()
    assert sum(f'"file": "{file}"' in page for file in made.files) == len(mistakes)
    for text in (headline, card):
        assert "nan" not in text.lower()
    for plot in tmp_path.glob("*.svg"):
        assert ">nan" not in plot.read_text().lower(), plot.name
    assert len(list(tmp_path.glob("*.svg"))) == (8 if name in DRAWN else 0)


def test_rules_give_scripts_what_they_read():
    """So that the hand-made parts above are those of the rules, too."""
    checked = 0
    for rules in (ROOT / "rules").glob("*.smk"):
        for rule in re.split(r"^(?=rule |checkpoint |use rule )", rules.read_text(), flags=re.M):
            if script := re.search(r'"\.\./scripts/(.+)"', rule):
                code = (ROOT / "scripts" / script[1]).read_text()
                for part, name in re.findall(r"snakemake\.(\w+)\.(\w+)", code):
                    # What a function gives has its names elsewhere.
                    given = re.search(f"^    {part}:\n((?:        .*\n|\n)*)", rule, re.M)
                    if part not in ("wildcards", "config") and name != "get":
                        known = given and re.search(rf"\*\*|unpack|^ {{8}}{name}=", given[1], re.M)
                        assert known, (script[1], part, name)
                        checked += 1
    assert checked > 100


# False alarms, which `find_false_alarms` measures with the model itself.

FIRST, SECOND, THIRD = (0, 0.9), (1, 0.6), (2, 0.7)  # answers: classes and probabilities


@pytest.mark.parametrize("confidences", [[], [0.5, 0.75, 1]])
@pytest.mark.parametrize(
    ("words", "unknown", "strangers"),
    [
        ([FIRST], [], []),
        ([FIRST, SECOND], [THIRD], [SECOND]),
        ([], [FIRST, SECOND, THIRD], []),
        ([THIRD] * 5, [THIRD] * 5, [FIRST] * 5),
    ],
)
def test_false_alarms(words, unknown, strangers, confidences, tmp_path):
    names = ["bed", "cat", "unknown"]
    classifier = Classifier(names, "complex", SMALL, 1_000, "published", non_words=["unknown"])
    classifier.confidences = np.array(confidences)
    tests = {"words": words, "unknown": unknown, "strangers": strangers}
    best = [
        (np.array([n for n, _ in rows], int), np.array([p for _, p in rows], float))
        for rows in tests.values()
    ]
    speakers = {name: ["ann"] * len(rows) for name, rows in tests.items()}
    with warnings.catch_warnings(action="error"):
        table = false_alarms.table(
            classifier, best[0], ["bed"] * len(words), *best[1:], [], speakers
        )
        style.save(plot_false_alarms(table), tmp_path / "plot.svg")
    text = (tmp_path / "plot.svg").read_text() + figures.caveats(exported(), table)
    assert "nan" not in text.lower()
    assert text.count("no test recordings") == 1 + (not words or not (unknown or strangers))
    for name, rows in tests.items():
        # The lowest threshold that there is, and what is as probable.
        threshold = min(confidences, default=0)
        right = (0,) if name == "words" else (0, 1)
        taken = sum(n in right and probability >= threshold for n, probability in rows)
        assert (table[f"{name}_tested"] == len(rows)).all()
        share = taken / len(rows) if rows else math.nan
        assert table[name].iloc[0] == pytest.approx(share, nan_ok=True)
        assert table[name].isna().all() == (not rows)

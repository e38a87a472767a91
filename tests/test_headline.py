"""The report's opening page, read back from the document that docutils makes of it."""

import pandas as pd
import pytest
from docutils import nodes
from docutils.core import publish_doctree

from spokenwords import headline
from spokenwords.summary import Failure

WARNING = "Training stopped at epoch 9 of 50: raise `patience`, or *turn_ it off_ with |off|."
RECORDINGS = pd.DataFrame({"word": ["bird", "cat"], "usable": [1_200, 34], "hours": [0.5, 0.25]})


def metrics(warning="", **changes):
    return {
        "accuracy": 0.93241,
        "accuracy_interval": [0.9251, 0.9398],
        "loss": 0.23732,
        "words": {"bed": {}, "cat": {}},
        "macro_f1": 0.87654,
        "recordings": 1_001,
        "model": {"parameters": 1_849_342},
        "evaluation": {"seconds": 4.2},
        "training": {
            "epochs": 12,
            "kept_epoch": 9,
            "seconds": 200.4,
            "device": "AMD EPYC_7B13 *fast*, 2 threads, bfloat16",
            "warning": warning,
        },
    } | changes


def summary(speakers_in_training=7):
    return pd.DataFrame(
        {
            "set": ["train", "valid", "test"],
            "recordings": [3_000, 1_000, 1_001],
            "share": [0.6, 0.2, 0.2],
            "words": [2, 2, 2],
            "speakers": [1_500, 400, 401],
            "speakers_in_training": [1_500, 390, speakers_in_training],
        }
    )


SIZES = pd.DataFrame(
    {
        "word": ["bird", "cat", "(all)"],
        "recordings": [1_200, 34, 1_234],
        "frequencies": [257] * 3,
        "frames": [101] * 3,
        "megabytes": [70.0, 2.0, 72.0],
        "kilobytes_a_recording": [58.33, 58.82, 58.35],
        "raw_megabytes": [249.0, 7.0, 256.0],
    }
)


def document(runs, splits=("random",), published=None, **results):
    """The page as docutils understands it; anything that it warns of is an error."""
    page = headline.page(
        {
            name: {
                **{"features": "standard", "split": splits[0], "representation": "complex"},
                "model": "residual",
                "published": (published or {}).get(name),
            }
            for name in runs
        },
        {name: results.get(name, metrics()) for name in runs},
        {name: summary() for name in splits},
        {"standard": SIZES},
        RECORDINGS,
        "unpacked from the data set's archive",
    )
    return publish_doctree(page, settings_overrides={"report_level": 1, "halt_level": 1})


def table(tree):
    """The table's rows, as dictionaries keyed by the headings."""
    head, *rows = [
        [entry.astext() for entry in row.findall(nodes.entry)] for row in tree.findall(nodes.row)
    ]
    return [dict(zip(head, row, strict=True)) for row in rows]


def paragraphs(tree):
    return [node.astext() for node in tree.children if isinstance(node, nodes.paragraph)]


def test_figures():
    tree = document(["complex"])
    assert table(tree) == [
        {
            "run": "complex",
            "representation": "complex",
            "test accuracy (95 % interval)": "93.24% (92.51% to 93.98%)",
            "loss": "0.2373",
            "macro F1": "0.8765",
            "training": "3 min 20 s",
        }
    ]
    first, run, split, features = paragraphs(tree)
    assert run == (
        "complex: features standard, split random; the residual network of 1,849,342 parameters, "
        "trained to tell 2 classes apart for 12 epochs (kept: 9) in 3 min 20 s on AMD "
        "EPYC_7B13 *fast*, 2 threads, bfloat16, tested on 1,001 recordings in 4 s."
    )
    assert first == (
        "1,234 recordings of 2 words (0.75 hours of sound), unpacked from the data set's archive."
    )
    assert "3,000 to train (1,500 speakers)" in split
    assert "1,000 to validate (400 speakers)" in split
    assert "1,001 to test (401 speakers)" in split
    assert "7 of the test speakers are heard in training too" in split
    # 72 MB are 28 % of 256 MB.
    assert features == (
        "Features standard: complex spectrograms of 257 frequencies by 101 frames, 72 MB on disk, "
        "58.4 kB a recording: 28% of the same values in float32."
    )


def test_the_published_figure_stands_beside_runs_that_have_one():
    tree = document(["complex", "mel"], published={"complex": 0.9324})
    assert [row["published"] for row in table(tree)] == ["93.24%", "–"]
    assert paragraphs(tree)[1].startswith("Published is what")


def test_each_run_and_split_has_its_own_figures():
    tree = document(
        ["complex", "mel"], splits=("random", "speaker"), mel=metrics(accuracy=0.5, loss=1.0)
    )
    assert [row["run"] for row in table(tree)] == ["complex", "mel"]
    assert [row["loss"] for row in table(tree)] == ["0.2373", "1.0000"]
    assert table(tree)[1]["test accuracy (95 % interval)"].startswith("50.00%")
    assert [text.split(":")[0] for text in paragraphs(tree)[3:5]] == [
        "Split random",
        "Split speaker",
    ]


# The config allows letters, digits and _ . + - in names; the page takes more.
@pytest.mark.parametrize(
    "name",
    [
        "mel_128_",
        "_mel",
        "a_b__",
        "1.",
        "A.",
        "a-b+c.",
        "*mel*",
        "**",
        "|mel|",
        "`mel`",
        "a\\b",
        "<b>",
    ],
)
def test_names_are_literal(name):
    tree = document([name], splits=(name,), **{name: metrics(warning="It stopped.")})
    [row] = table(tree)
    assert row["run"] == name
    about = paragraphs(tree)[1]
    assert about.startswith(f"{name}: features standard, split {name}; ")
    assert about.endswith(" It stopped.")
    assert any(text.startswith(f"Split {name}: ") for text in paragraphs(tree))
    assert not list(tree.findall(nodes.reference))


def test_warning_is_shown_word_by_word():
    tree = document(["complex", "power"], power=metrics(warning=WARNING))
    complex_run, power = paragraphs(tree)[1:3]
    assert power.startswith("power:") and power.endswith(WARNING)
    assert complex_run.endswith("in 4 s.")


def test_speakers_are_whole_numbers_when_read_from_a_file(tmp_path):
    path = tmp_path / "summary.csv"
    summary(speakers_in_training=1_234).to_csv(path, index=False)
    page = headline.page(
        {
            "mel": {
                "features": "a",
                "split": "b",
                "representation": "mel",
                "model": "a",
                "published": None,
            }
        },
        {"mel": metrics()},
        {"random": pd.read_csv(path)},
        {},
        RECORDINGS,
        "somewhere",
    )
    assert "1,234 of the test speakers" in page


def test_what_an_incomplete_report_lacks_stands_on_top():
    failures = [
        Failure("difficulty (run my_run)", "logs/my_run.log", "Error: KeyError:\n  *all*"),
        Failure("gallery (run best)"),
    ]
    missing = ["runs/my_run/difficulty.csv", "runs/best/gallery.html"]
    tree = publish_doctree(headline.incomplete(failures, missing) + "The rest.")
    assert [node.astext() for node in tree.findall(nodes.paragraph)] == [
        "This report is incomplete. The next run makes what is missing, and the report.",
        "difficulty (run my_run) failed: KeyError: *all* (log: logs/my_run.log)",
        "gallery (run best) failed: without a message",
        "Missing: runs/my_run/difficulty.csv, runs/best/gallery.html.",
        "The rest.",
    ]
    assert not list(tree.findall(nodes.system_message))

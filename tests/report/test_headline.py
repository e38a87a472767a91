"""The report's opening page, read back from the document that docutils makes of it."""

import pandas as pd
import pytest
from docutils import nodes
from docutils.core import publish_doctree

from spokenwords.jobs.summary import Failure
from spokenwords.recordings import splits
from spokenwords.report import headline

WARNING = "Training stopped at epoch 9 of 50: raise `patience`, or *turn_ it off_ with |off|."
RECORDINGS = pd.DataFrame({"word": ["bird", "cat"], "usable": [1_200, 34], "hours": [0.5, 0.25]})


def metrics(warning="", **changes):
    return {
        "accuracy": 0.93241,
        "accuracy_interval": [0.9251, 0.9398],
        "loss": 0.23732,
        "words": {"bed": {"recordings": 500}, "cat": {"recordings": 501}},
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


def summary(speakers_in_training=7, **changes):
    table = pd.DataFrame(
        {
            "set": ["train", "valid", "test"],
            "recordings": [3_000, 1_000, 1_001],
            "share": [0.6, 0.2, 0.2],
            "words": [2, 2, 2],
            "missing_words": ["", "", ""],
            "speaker_known": [3_000, 1_000, 1_001],
            "speakers": [1_500, 400, 401],
            "speakers_in_training": [1_500, 390, speakers_in_training],
            "prefixed_file": ["", "", ""],
        }
    )
    return table.assign(**changes)


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


def document(runs, splits=("random",), published=None, divided=None, streams=None, **results):
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
        {name: summary() if divided is None else divided for name in splits},
        {"standard": SIZES},
        RECORDINGS,
        "unpacked from the data set's archive",
        streams or {},
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
        "complex: features standard, split random; the residual network with 1,849,342 parameters "
        "and 2 classes, trained for 12 epochs (selected: 9) in 3 min 20 s on AMD "
        "EPYC_7B13 *fast*, 2 threads, bfloat16, tested on 1,001 recordings in 4 s."
    )
    assert first == (
        "1,234 recordings of 2 words (0.75 hours), unpacked from the data set's archive."
    )
    assert "3,000 for training (1,500 speakers)" in split
    assert "1,000 for validation (400 speakers)" in split
    assert "1,001 for test (401 speakers)" in split
    assert "7 of the test speakers are also in the training set" in split
    # 72 MB are 28 % of 256 MB.
    assert features == (
        "Features standard: complex spectrograms of 257 frequencies by 101 frames, 72 MB on disk, "
        "58.4 kB per recording: 28% of the same values in float32."
    )


def test_the_published_figure_is_next_to_runs_that_have_one():
    tree = document(["complex", "mel"], published={"complex": 0.9324})
    assert [row["published"] for row in table(tree)] == ["93.24%", "–"]
    assert paragraphs(tree)[1].startswith("Published is the accuracy in")


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
        {"random": splits.read_summary(path)},
        {},
        RECORDINGS,
        "somewhere",
        {},
    )
    assert "1,234 of the test speakers" in page


def test_an_incomplete_report_begins_with_what_is_missing():
    failures = [
        Failure("difficulty (run my_run)", "logs/my_run.log", "Error: KeyError:\n  *all*"),
        Failure("gallery (run best)"),
    ]
    missing = ["runs/my_run/difficulty.csv", "runs/best/gallery.html"]
    tree = publish_doctree(headline.incomplete(failures, missing) + "The rest.")
    assert [node.astext() for node in tree.findall(nodes.paragraph)] == [
        "This report is incomplete. The next run creates the missing files and a new report.",
        "difficulty (run my_run) failed: KeyError: *all* (log: logs/my_run.log)",
        "gallery (run best) failed: without a message",
        "Missing: runs/my_run/difficulty.csv, runs/best/gallery.html.",
        "The rest.",
    ]
    assert not list(tree.findall(nodes.system_message))


def counts(**recordings):
    """Metrics of a test set with these numbers of recordings per class."""
    words = {word: {"recordings": count} for word, count in recordings.items()}
    return metrics(words=words, recordings=sum(recordings.values()))


def test_a_test_of_one_word_of_three_is_not_left_without_comment():
    one = counts(bed=9, cat=0, two_words=0) | {"accuracy": 1.0, "macro_f1": 1.0}
    tree = document(["complex", "mel", "power"], complex=one, power=one)
    assert paragraphs(tree)[1] == (
        "Limits of complex, power: No test recordings of cat, two_words: test figures do not "
        "include them."
    )


def test_few_test_recordings_are_reported_with_the_number_needed():
    tree = document(["complex"], complex=counts(bed=5, cat=4))
    assert paragraphs(tree)[1] == (
        "Limits of complex: With fewer than 5 test recordings per class (9 in all), the figures "
        "mean little. The 95 % interval of an accuracy of 90 % is at most 10 percentage points "
        "wide with 141 or more, each by a different speaker."
    )
    # Never a number that there already is.
    tree = document(["complex"], complex=counts(**{f"word_{n}": 4 for n in range(50)}))
    assert "(200 in all)" in paragraphs(tree)[1] and "with 250 or more, each" in paragraphs(tree)[1]
    # One rare class does not make the accuracy of all worthless.
    tree = document(["complex"], complex=counts(bed=6, cat=4))
    assert paragraphs(tree)[1] == (
        "Limits of complex: Fewer than 5 test recordings of cat (4): the figures of these classes "
        "mean little."
    )
    tree = document(["complex"], complex=counts(bed=5, cat=5))
    assert not any(text.startswith("Limits") for text in paragraphs(tree))


def test_words_that_sets_lack_are_named():
    divided = summary(missing_words=["", "cat/NA", "cat"])
    [split] = [text for text in paragraphs(document(["mel"], divided=divided)) if "Split" in text]
    assert (
        "The set valid lacks cat, NA: the selected epoch and the threshold do not depend on them. "
        "The set test lacks cat: test figures do not include them."
    ) in split


def about_speakers(**changes):
    tree = document(["mel"], splits=("by_voice",), divided=summary(**changes))
    [text] = [text for text in paragraphs(tree) if text.startswith("Split by_voice: ")]
    return text


def test_speakers_that_names_do_not_tell_are_not_claimed():
    none = [0, 0, 0]
    unknown = {"speaker_known": none, "speakers": none, "speakers_in_training": 0}
    assert about_speakers(**unknown) == (
        "Split by_voice: 3,000 for training, 1,000 for validation, 1,001 for test. File names do "
        "not contain speakers, so it is not known whether test speakers are also in the training "
        "set. To name speakers, rename files to <speaker>_nohash_<take>.wav, or provide a table "
        "(config key dataset.metadata)."
    )
    text = about_speakers(**unknown, prefixed_file="bed/anna-1.wav")
    assert text.endswith(
        " If anna is the speaker of bed/anna-1.wav, rename it to bed/anna_nohash_1.wav, and the "
        "others likewise; or write a table with the first line LINK,SPEAKER and lines such as "
        "bed/anna-1.wav,anna."
    )


def test_speakers_known_in_part_are_claimed_in_part():
    text = about_speakers(speaker_known=[2_000, 0, 20], speakers=[900, 0, 1])
    assert (
        "3,000 for training (900 known speakers), 1,000 for validation, 1,001 for test (1 known "
        "speaker)" in text
    )
    assert (
        "Speakers are known for 2,020 of the 5,001 recordings, and for 20 of the 1,001 test "
        "recordings: of these, 7 of the test speakers are also in the training set. To name "
        "speakers"
    ) in text


def test_words_found_and_false_alarms_in_a_stream():
    stream = pd.DataFrame(
        {
            "threshold": [0.75, 0.5],
            **{"words": 144, "recall": [0.875, 0.9], "recall_low": [0.81, 0.85]},
            **{"recall_high": [0.92, 0.95], "hours": 0.25, "per_hour": [4.0, 40.0]},
            **{"per_hour_low": [0.1, 30.0], "per_hour_high": [22.3, 60.0]},
        }
    )
    text = document(["complex"], streams={"complex": stream}).astext()
    assert (
        "complex in a stream of 15 min, with the threshold 0.750: 87.5% (81.0% to 92.0%) of 144 "
        "words found, 4 false alarms per hour (0.1 to 22.3)."
    ) in text
    stream["words"] = 0
    assert "no words found" in document(["complex"], streams={"complex": stream}).astext()

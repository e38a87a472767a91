"""The card of an exported model, read back."""

import ast
import re

import pandas as pd
import pytest
import yaml

from spokenwords.evaluation import published
from spokenwords.export import card as model_card
from spokenwords.export import data, markdown

WORDS = ["NA", "a|b*c_d", "<b>$1</b> `x`", "日本"]


def a_manifest(speakers, words=WORDS):
    rows = [
        {"file": f"{word}/{speaker}_{number}.wav", "word": word, "speaker": speaker}
        for word in words
        for number, speaker in enumerate(speakers)
    ]
    return pd.DataFrame(rows, columns=["file", "word", "speaker"])


def sets(test=("ben",), segments=0):
    noise = pd.DataFrame({"file": ["hum@0.00s"] * segments, "word": "silence", "speaker": ""})
    return {
        "train": pd.concat([a_manifest(["anna", "anna", "carl"]), noise]),
        "valid": a_manifest(["dora"]),
        "test": a_manifest(list(test)),
    }


def settings(**changes):
    return {
        **{"model": "residual", "representation": "log_mel"},
        **{"split": {"method": "speaker", "seed": 1}, "test_shift_seconds": 0, "epochs": 7},
        **{"patience": 3, "negatives": 0},
    } | changes


SMALL = {
    **{"written": True, "limit": 0.005, "calibration_recordings": 300, "bytes": 1_780_000},
    **{"sha256": "cd" * 32, "accuracy": 0.9101, "accuracy_interval": [0.9, 0.92]},
    "latency": {"calls": 300, "median_ms": 1.371, "percentile_95_ms": 1.644},
}


def exported(**changes):
    return {
        **{"bytes": 3_900_000, "sha256": "ab" * 32, "opset": 18, "classes": WORDS, "no_words": []},
        **{
            "kept": 0.95,
            "threshold": 0.6235,
            "samples": 24_000,
            "window": "loudest",
            "transform": {"sample_rate": 16_000},
            "false_alarms": None,
        },
        "parameters": 698_624,
        "parity": {"recordings": 1_234, "largest_difference": 3.2e-7, "limit": 1e-4},
        "test": {
            **{"accuracy": 0.9123, "accuracy_interval": [0.9, 0.9201], "same_answers": 0.9987},
            "largest_difference_to_stored": 0.0123,
        },
        "latency": {
            **{"processor": "Some <Processor>", "calls": 300, "batch_size": 64},
            **{"median_ms": 4.437, "percentile_95_ms": 5.129, "recordings_per_second": 1262.4},
        },
        "int8": SMALL,
        "versions": {"onnx": "1.2.3"},
    } | changes


def metrics():
    figures = {"recordings": 50, "precision": 0.75, "recall": 0.5, "f1": 0.6}
    return {
        **{"recordings": 1_234, "accuracy": 0.93241, "accuracy_interval": [0.9251, 0.9398]},
        **{"loss": 0.23732, "loss_interval": [0.2, 0.25], "macro_f1": 0.87654},
        **{"macro_f1_interval": [0.85, 0.9], "expected_calibration_error": 0.0213},
        "words": {word: figures for word in WORDS}
        | {"日本": {"recordings": 0, "precision": 0.0, "recall": 0.0, "f1": 0.0}},
        "training": {"epochs": 7, "kept_epoch": 6, "seconds": 125.0, "device": "Some GPU"},
        "evaluation": {"precision": "bfloat16"},
    }


def confusions(counts):
    rows = [
        {"target": a, "prediction": b, "count": counts.get((a, b), 0)} for a in WORDS for b in WORDS
    ]
    return pd.DataFrame(rows)


def card(origin=data.SPEECH_COMMANDS, counts=(), run="my *run*", **changes):
    parts = {"settings": settings(), "exported": exported(), "sets": sets(), "metrics": metrics()}
    parts |= {"alarms": None, "listening": {"problem": None, "bytes": 9_310_046}} | changes
    return model_card.page(
        run,
        parts["settings"],
        origin,
        parts["exported"],
        parts["listening"],
        parts["metrics"],
        confusions(dict(counts)),
        parts["sets"],
        parts["alarms"],
    )


def section(text, title):
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def shown(text):
    """What a reader sees of text in which characters are escaped."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


def cells(line):
    """The cells of a row of a table, as they are seen; columns end at bars that are not escaped."""
    return [shown(cell).strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def tables(text):
    """The tables of a text: a list of rows each, the line under the heading left out."""
    found = re.findall(r"(?:^\|.*\n?)+", text, re.M)
    return [
        [cells(line) for number, line in enumerate(block.splitlines()) if number != 1]
        for block in found
    ]


# Markdown.


@pytest.mark.parametrize(
    "text", [*WORDS, "\\", "[a](b)", "**x**", "~~y~~", "&amp;", "a\\|b", "$x$", "# no", "1. x"]
)
def test_any_text_shows_as_it_is(text):
    assert shown(markdown.escaped(text)) == text
    # None of what begins markup within a line is left without its backslash.
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>|~&$]", markdown.escaped(text))


def test_line_breaks_become_spaces():
    assert markdown.escaped("a\n\nb\tc") == "a b c"


def test_rows_of_a_table_have_as_many_cells_as_its_head():
    text = markdown.table(["word", "n"], [(markdown.escaped(word), 1) for word in WORDS])
    assert tables(text) == [[["word", "n"], *([word, "1"] for word in WORDS)]]
    assert text.splitlines()[1] == "| --- | --: |"


def test_code_that_has_a_fence_in_it_is_fenced_by_a_longer_one():
    text = markdown.code("yaml", "a: '````'\n")
    assert text == "`````yaml\na: '````'\n`````"


# The card.


def test_the_opening_block_is_what_the_hub_reads():
    _, block, _ = card(run="on: [x]").split("---\n", 2)
    read = yaml.safe_load(block)
    assert (read["language"], read["datasets"]) == ("en", ["google/speech_commands"])
    assert read["pipeline_tag"] == "audio-classification"
    [model] = read["model-index"]
    assert model["name"] == "on: [x]"
    [results] = model["results"]
    assert [(entry["type"], entry["value"]) for entry in results["metrics"]] == [
        ("accuracy", 0.9324),
        ("f1", 0.8765),
    ]
    # Whose model it is, and on which terms, is not for this program to say.
    assert "license" not in read


@pytest.mark.parametrize("method", ["random", "speaker", "official"])
def test_only_the_official_test_set_goes_by_its_name(method):
    text = card(settings=settings(split={"method": method}))
    [model] = yaml.safe_load(text.split("---\n", 2)[1])["model-index"]
    [results] = model["results"]
    assert results["dataset"].get("split") == ("test" if method == "official" else None)


def test_sections_are_those_of_model_cards():
    assert re.findall(r"^## (.*)$", card(), re.M) == [
        *("Model details", "How to use it", "Intended use", "Factors", "Metrics"),
        *("Evaluation data", "Training data", "Quantitative analyses", "Ethical considerations"),
        "Caveats and recommendations",
    ]
    assert "\n# Spoken words: my \\*run\\*\n" in card()


def test_what_it_is_in_a_sentence():
    summary = shown(card().partition("\n# ")[2].partition("## ")[0])
    assert f"which of 4 words is spoken in a recording of 1.5 s: {', '.join(WORDS)}." in summary
    assert "1,234 test recordings: 93.24% (95 % interval 92.51% to 93.98%)" in summary


def test_classes_that_are_no_words_are_not_counted_as_words():
    text = card(exported=exported(classes=["a", "b", "unknown"], no_words=["unknown"]))
    assert "which of 2 words is spoken in a recording of 1.5 s: a, b." in text
    assert "float32 [batch, 3]" in text
    caveats = section(text, "Caveats and recommendations")
    assert "Sounds that are none of the words are classified as unknown;" in caveats


def test_size_time_and_parity_are_in_the_card():
    details = shown(section(card(), "Model details"))
    for expected in (
        *("3.90 MB", "698,624 parameters", "4.44 ms", "at most 5.13 ms", "1,262, with 64 per call"),
        *("one core, Some <Processor>", "3.2e-07", "1,234", "99.87%", "1.2e-02", "in bfloat16"),
        *("7 epochs (selected: 6), 2 min 5 s on Some GPU", "onnx 1.2.3", "CC BY 4.0"),
    ):
        assert expected in details


def test_the_model_in_8_bits_is_in_the_card():
    details = shown(section(card(), "Model details"))
    for expected in ("1.78 MB, 1.37 ms", "at most 1.64 ms", "300 training recordings", "cd" * 32):
        assert expected in details
    assert "Accuracy on the test set: 91.01% instead of 91.23%." in details


def test_the_page_that_listens_is_in_the_card_or_why_there_is_none():
    assert "Open listen.html (9.3 MB)" in section(card(), "How to use it")
    text = section(card(listening={"problem": "npm is <not> installed."}), "How to use it")
    assert "no page that listens: npm is \\<not\\> installed." in text
    assert "listen.html" not in text


def test_a_model_in_8_bits_that_was_not_written_is_explained():
    text = card(exported=exported(int8=SMALL | {"written": False, "accuracy": 0.54}))
    assert "54.00% instead of 91.23%, and at most 0.5 points less" in text
    assert "model.int8.onnx" not in text


@pytest.mark.parametrize(("patience", "said"), [(3, True), (False, False)])
def test_what_the_validation_set_is_for(patience, said):
    text = card(settings=settings(patience=patience))
    assert ("the selected epoch and the threshold" in text) == said
    assert "the threshold." in section(text, "Training data")


def test_settings_can_be_read_back():
    block = re.search(r"```yaml\n(.*?)```", card(), re.S)[1]
    assert yaml.safe_load(block) == settings()


def test_figures_have_their_intervals():
    first, *_ = tables(section(card(), "Quantitative analyses"))
    assert first[1:] == [
        ["Accuracy", "93.24%", "92.51% to 93.98%"],
        ["Macro F1", "0.8765", "0.8500 to 0.9000"],
        ["Loss, nats", "0.2373", "0.2000 to 0.2500"],
        ["Expected calibration error", "0.0213", ""],
        ["Accuracy of the exported model", "91.23%", "90.00% to 92.01%"],
    ]


def test_an_interval_without_width_is_none():
    text = card(metrics=metrics() | {"macro_f1": 1.0, "macro_f1_interval": [1.0, 1.0]})
    assert "| Macro F1 | 1.0000 | – |" in section(text, "Quantitative analyses")


def test_every_class_has_a_row():
    _, words, *_ = tables(section(card(), "Quantitative analyses"))
    assert words[1:] == [
        *([word, "3", "50", "75.0%", "50.0%", "60.0%"] for word in WORDS[:3]),
        # It was never said.
        ["日本", "3", "0", "0.0%", "–", "–"],
    ]


def test_the_worst_confusions_come_first():
    counts = {(WORDS[0], WORDS[0]): 90, (WORDS[0], WORDS[1]): 10, (WORDS[2], WORDS[3]): 40}
    *_, worst = tables(section(card(counts=counts), "Quantitative analyses"))
    assert worst[1:] == [
        [WORDS[2], WORDS[3], "40", "100.0%"],
        [WORDS[0], WORDS[1], "10", "10.0%"],
    ]


def test_confusions_end_after_ten_and_may_be_none():
    pairs = [(a, b) for a in WORDS for b in WORDS if a != b]
    counts = {pair: number for number, pair in enumerate(pairs, 1)}
    *_, worst = tables(section(card(counts=counts), "Quantitative analyses"))
    assert [row[2] for row in worst[1:]] == [str(n) for n in range(12, 2, -1)]
    text = section(card(counts={(WORDS[0], WORDS[0]): 9}), "Quantitative analyses")
    assert "No test recording was confused." in text
    assert len(tables(text)) == 2


def test_new_speakers_are_distinguished_from_those_in_training():
    disjoint = section(card(), "Evaluation data")
    assert "4 recordings" in disjoint
    assert "None of its 1 speakers is in the training set" in disjoint
    shared = section(card(sets=sets(test=("ben", "anna", "carl"))), "Evaluation data")
    assert "12 recordings" in shared
    assert "2 of its 3 known speakers are also in the training set" in shared


def test_nothing_is_claimed_about_unknown_speakers():
    unnamed = {name: table.assign(speaker=table["file"]) for name, table in sets().items()}
    page = card(sets=unnamed, settings=settings(split={"method": "speaker"}))
    text = section(page, "Evaluation data")
    assert "may be in the training set" in text and "disjoint" not in text
    [counted] = tables(section(page, "Training data"))
    assert [row[2] for row in counted[1:]] == ["0", "0", "0"]
    partly = sets(test=("ben", "eve"))
    partly["test"].loc[0, "speaker"] = partly["test"].loc[0, "file"]
    text = section(card(sets=partly), "Evaluation data")
    assert "1 recordings in all sets, 1 of them in the test set, have unknown speakers" in text
    assert "None of its 2 known speakers is a known speaker of the training set." in text
    assert "disjoint" not in text


def test_speakers_of_training_that_are_unknown_may_be_those_of_the_test():
    partly = sets()
    partly["train"] = partly["train"].assign(speaker=partly["train"]["file"])
    text = section(card(sets=partly), "Evaluation data")
    assert "may be in the training set" in text and "disjoint" not in text


def test_classes_that_sets_lack_are_named():
    lacking = sets(segments=3)
    lacking["test"] = lacking["test"][lacking["test"]["word"] == WORDS[0]]
    lacking["valid"] = lacking["valid"][lacking["valid"]["word"] != WORDS[3]]
    text = shown(section(card(sets=lacking), "Evaluation data"))
    assert f"The test set has no recording of {', '.join(sorted(WORDS[1:]))}: test figures" in text
    assert f"The validation set has no recording of {WORDS[3]}: the selected" in text
    assert "has no recording" not in section(card(), "Evaluation data")


def test_limits_of_the_test_follow_its_accuracy():
    """One class has no test recordings."""
    summary = shown(card().partition("\n# ")[2].partition("## ")[0])
    assert f"No test recordings of {WORDS[3]}: test figures do not include them." in summary


def test_a_single_word():
    text = card(exported=exported(classes=["hi", "unknown"], no_words=["unknown"]))
    assert "recognises whether one word is spoken in a recording of 1.5 s: hi." in text


def test_sets_are_counted_segments_of_noise_apart():
    [counted] = tables(section(card(), "Training data"))
    assert counted == [
        ["set", "recordings", "known speakers"],
        *(["training", "12", "2"], ["validation", "4", "1"], ["test", "4", "1"]),
    ]
    [counted] = tables(section(card(sets=sets(segments=1_000)), "Training data"))
    assert counted[:2] == [
        ["set", "recordings", "known speakers", "segments of noise"],
        ["training", "12", "2", "1,000"],
    ]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("random", "at random"),
        ("speaker", "by speaker"),
        ("official", "with the data set's own lists"),
    ],
)
def test_the_method_of_the_split(method, expected):
    text = card(settings=settings(split={"method": method}))
    assert expected in section(text, "Training data")


def test_an_average_over_shifts_in_the_test():
    assert "shifts" not in section(card(), "Metrics")
    text = card(settings=settings(test_shift_seconds=0.1))
    assert "shifts of each recording by up to 0.1 s" in section(text, "Metrics")


def test_causes_of_differences_to_the_evaluation():
    """Shifts, if there are any, change probabilities far more than rounding does."""
    plain = shown(section(card(), "Model details"))
    assert "rounded spectrograms, in bfloat16." in plain and "averaged" not in plain
    text = card(settings=settings(test_shift_seconds=0.1))
    how = "rounded spectrograms, in bfloat16, and averaged probabilities over shifts of up to"
    assert f"{how} 0.1 s either way." in shown(section(text, "Model details"))


def test_the_threshold_if_there_is_one():
    text = "below 0.6235 as `unknown`. This threshold accepts 95% of the correct validation answers"
    assert text in card()
    assert "threshold accepts 97.5% of the correct" in card(exported=exported(kept=0.975))
    assert "There is no confidence threshold" in card(exported=exported(threshold=0.0))


ALARMS = pd.DataFrame(
    {
        "share": [1.0, 0.95, 0.5],
        "threshold": [0.3, 0.6235, 0.9],
        **{"words": [0.99, 0.954, 0.5], "words_tested": 1_200},
        **{"words_low": [0.98, 0.941, 0.4], "words_high": [1.0, 0.9651, 0.6]},
        **{"unknown": [0.2, 0.034, 0.0], "unknown_tested": 150},
        **{"unknown_low": [0.1, 0.021, 0.0], "unknown_high": [0.3, 0.0521, 0.1]},
        **{"strangers": [0.4, 0.122, 0.1], "strangers_tested": 90},
        **{"strangers_low": [0.3, 0.071, 0.0], "strangers_high": [0.5, 0.2042, 0.2]},
        **{"noise": [90.0, 24.0, 0.0], "noise_tested": 0.25},
        **{"noise_low": [50.0, 8.81, 0.0], "noise_high": [100.0, 52.24, 14.8]},
    }
)


def test_false_alarms_have_intervals():
    text = section(card(alarms=ALARMS), "Caveats and recommendations")
    for expected in (
        "threshold 0.6235, which accepts 95% of the correct validation answers",
        "Of 1,200 test recordings of the words, 95.4% (94.1% to 96.5%) are recognised.",
        "Of 150 test recordings of words trained as `unknown`, 3.4% (2.1% to 5.2%) are predicted "
        "as one of the words.",
        "Of 90 test recordings of out-of-vocabulary words, 12.2% (7.1% to 20.4%) are",
        "In 15 min of noise",
        "24 words per hour (8.81 to 52.2) are found.",
    ):
        assert expected in text
    assert "not measured" not in text


def test_false_alarms_are_those_of_the_threshold_in_the_file():
    """If the table does not have the threshold, the nearest one is used and named."""
    text = card(exported=exported(threshold=0.8), alarms=ALARMS)
    assert "threshold 0.9, which accepts 50% of the correct validation answers" in text
    assert "10.0% (0.0% to 20.0%) are predicted" in text


def test_false_alarms_without_a_threshold_are_those_of_all_answers():
    text = card(exported=exported(threshold=0.0), alarms=ALARMS.assign(threshold=0.0))
    assert "- With all answers accepted, the following was measured" in text
    assert "With the threshold" not in text


def test_false_alarms_that_were_not_measured():
    assert "False alarms on other words and on noise were not measured." in card()
    untested = {f"{name}_tested": 0 for name in ("unknown", "strangers", "noise")}
    text = card(alarms=ALARMS.assign(**untested))
    assert "False alarms on out-of-vocabulary words were not measured." in text
    assert "False alarms on noise were not measured." in text
    assert "trained as `unknown`" not in text and "nan" not in text


def test_what_it_is_not_for():
    text = section(card(), "Intended use")
    assert "Do not use it for security or safety" in text
    assert "no class for silence" in section(card(), "Caveats and recommendations")


def test_the_snippet_is_a_program():
    ast.parse(model_card.SNIPPET)
    assert markdown.code("python", model_card.SNIPPET) in card()


def test_recordings_were_cut_to_their_window():
    for window, heard in (("loudest", "loudest part"), ("start", "beginning")):
        text = section(card(exported=exported(window=window)), "How to use it")
        assert f"longer ones were cut to their {heard}." in text


# Where recordings come from.


def test_speech_commands_is_recognised_by_its_checksum():
    assert data.origin("archive", "x", published.ARCHIVE, ["LICENSE"]) is data.SPEECH_COMMANDS
    text = card()
    for expected in ("CC BY 4.0", "P. Warden", "2018", "arXiv:1804.03209"):
        assert expected in section(text, "Training data")


def test_another_archive_has_no_known_origin():
    origin = data.origin("archive", "x", "12ab", [])
    assert "12ab" in origin.name and "add it here" in origin.licence
    assert (origin.language, origin.hub) == (None, None)
    assert "language" not in yaml.safe_load(card(origin).split("---\n", 2)[1])


def test_a_folder_has_its_own_licence_or_the_users():
    stated = data.origin("folder", "my_words", None, ["LICENSE_1.txt"])
    text = card(stated)
    assert "see LICENSE_1.txt" in shown(section(text, "Training data"))
    assert "the folder my\\_words" in section(text, "Training data")
    missing = card(data.origin("folder", "my_words", None, []))
    assert "add it here" in section(missing, "Training data")
    assert "CC BY" not in missing


def test_synthetic_speech_is_nobodys():
    text = card(data.origin("synthetic", "demo", None, []))
    assert "eSpeak NG" in section(text, "Training data")
    assert "Nobody's voice was recorded" in section(text, "Ethical considerations")


def test_negatives_are_part_of_the_training_data():
    assert "negatives" not in section(card(), "Training data")
    text = section(card(settings=settings(negatives=0.3)), "Training data")
    assert "In training, 30% of the recordings were negatives of the class `unknown`" in text


def test_false_alarms_per_hour_have_their_interval():
    counted = {"per_hour": 2.0, "low": 0.05, "high": 11.14, "hours": 0.5}
    text = section(card(exported=exported(false_alarms=counted)), "Caveats and recommendations")
    assert (
        "With this threshold, 2 false alarms per hour (0.05 to 11) were found in 0.5 hours of "
        "negatives of the validation set."
    ) in text

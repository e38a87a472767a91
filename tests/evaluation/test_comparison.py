"""Runs side by side, on tables small enough to be reckoned by hand, and their plots."""

import math
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.legend import Legend
from scipy.stats import binom, permutation_test

from spokenwords.evaluation import comparison
from spokenwords.report.plots import comparison as plots
from spokenwords.report.plots import style

ODD_WORDS = ["NA", "001", "犬", "$x$"]


def predictions(**right):
    """Recordings of these words, by a speaker each: "1" where one was recognised, "0" where not."""
    rows = [
        (f"{word}/{number}.wav", word, word if hit == "1" else f"not {word}")
        for word, hits in right.items()
        for number, hit in enumerate(hits)
    ]
    table = pd.DataFrame(rows, columns=["file", "target", "prediction"])
    return table.assign(speaker=table["file"])


def catalogue(**seeds):
    """Concrete runs: those of a list of seeds are named after them, those of a number are not."""
    runs = {}
    for run, numbers in seeds.items():
        settings = {"run": run, "split": "random", "features": "fine", "representation": "mel"}
        settings["model"] = "residual"
        for seed in numbers if isinstance(numbers, list) else [numbers]:
            name = f"{run}-seed{seed}" if isinstance(numbers, list) else run
            runs[name] = settings | {"seed": seed}
    return runs


def metrics(accuracy, loss=0.5, kept_epoch=3):
    training = {"epochs": 5, "kept_epoch": kept_epoch, "seconds": 12.5}
    return {
        "recordings": 100,
        "loss": loss,
        "words": {"bed": {}, "cat": {}, "dog": {}},
        "loss_interval": [loss - 0.1, loss + 0.2],
        "accuracy": accuracy,
        "accuracy_interval": [accuracy - 0.03, accuracy + 0.02],
        "macro_f1": accuracy - 0.01,
        "macro_f1_interval": [accuracy - 0.05, accuracy + 0.01],
        "expected_calibration_error": 0.015,
        "model": {"parameters": 1234},
        "training": training | {"recordings_per_second": 900.0, "device": "NA"},
    }


def table_of_runs(runs, *accuracies):
    figures = [metrics(accuracy, loss=1 - accuracy) for accuracy in accuracies]
    return comparison.runs(runs, dict(zip(runs, figures, strict=True)), {})


# Tables.


def test_runs_have_their_settings_and_figures():
    runs = catalogue(**{"a-b+c.": 1, "mel_128_": [7]})
    figures = {"mel_128_-seed7": metrics(0.8, loss=0.7), "a-b+c.": metrics(0.9)}
    heard = {"recall": [0.8, 0.9], "recall_low": [0.7, 0.8], "recall_high": [0.9, 0.95]}
    heard |= {"per_hour": [4.0, 8.0], "per_hour_low": [0.5, 1.0], "per_hour_high": [15.0, 20.0]}
    table = comparison.runs(runs, figures, {"mel_128_-seed7": pd.DataFrame(heard)})
    assert list(table["name"]) == ["a-b+c.", "mel_128_-seed7"]
    row = {"name": "mel_128_-seed7", "run": "mel_128_", "split": "random", "features": "fine"}
    row |= {"representation": "mel", "model": "residual", "seed": 7, "classes": 3}
    row |= {"recordings": 100}
    row |= {"accuracy": 0.8, "accuracy_low": 0.77, "accuracy_high": 0.82}
    row |= {"loss": 0.7, "loss_low": 0.6, "loss_high": 0.9}
    row |= {"macro_f1": 0.79, "macro_f1_low": 0.75, "macro_f1_high": 0.81}
    row |= {"words_found": 0.8, "words_found_low": 0.7, "words_found_high": 0.9}
    row |= {"false_alarms_per_hour": 4.0, "false_alarms_per_hour_low": 0.5}
    row |= {"false_alarms_per_hour_high": 15.0}
    assert table.loc[0, ["words_found", "false_alarms_per_hour"]].isna().all()
    row |= {"expected_calibration_error": 0.015, "parameters": 1234, "epochs": 5, "kept_epoch": 3}
    row |= {"training_seconds": 12.5, "recordings_per_second": 900.0, "device": "NA"}
    expected = pd.DataFrame([row]).astype({"seed": int})
    pd.testing.assert_frame_equal(table.tail(1).reset_index(drop=True), expected)


def test_an_interval_without_width_is_none():
    runs = catalogue(a=1, b=1)
    alike = metrics(1.0) | {"macro_f1_interval": [1.0, 1.0]}
    table = comparison.runs(runs, {"a": alike, "b": metrics(0.9)}, {})
    assert table[["macro_f1_low", "macro_f1_high"]].isna().all(axis=1).tolist() == [True, False]
    plots.measures(table, comparison.seeds(table), {})


def test_mean_and_spread_over_seeds():
    runs = catalogue(power=1, complex=[1, 2, 3])
    figures = [metrics(0.5), metrics(0.91, loss=1), metrics(0.94, loss=2), metrics(0.94, loss=6)]
    table = comparison.runs(runs, dict(zip(runs, figures, strict=True)), {})
    seeds = comparison.seeds(table).set_index("run")
    assert list(seeds.index) == ["power", "complex"]
    assert list(seeds["seeds"]) == [1, 3]
    # Deviations from the means: -0.02, 0.01 and 0.01 from 0.93; -2, -1 and 3 from 3.
    found = seeds.loc["complex"]
    assert found["accuracy_mean"] == pytest.approx(0.93)
    assert found["accuracy_sd"] == pytest.approx(math.sqrt(0.0006 / 2))
    assert found["macro_f1_mean"] == pytest.approx(0.92)
    assert found["macro_f1_sd"] == pytest.approx(math.sqrt(0.0006 / 2))
    assert found["loss_mean"] == pytest.approx(3)
    assert found["loss_sd"] == pytest.approx(math.sqrt(14 / 2))
    assert seeds.loc["power", "accuracy_mean"] == 0.5
    assert seeds.filter(like="_sd").loc["power"].isna().all()


def test_pairs_by_hand():
    tests = {
        "a": predictions(up="1111111111"),
        "b": predictions(up="0000000011"),
        "c": predictions(up="1111111000"),
    }
    table = comparison.pairs(tests).set_index(["first", "second"])
    assert list(table.index) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert list(table["recordings"]) == [10, 10, 10]
    assert list(table["only_first_right"]) == [8, 3, 2]
    assert list(table["only_second_right"]) == [0, 0, 7]
    np.testing.assert_allclose(table["difference"], [-0.8, -0.3, 0.5])
    # Both tails of the binomial distribution: 1 of 2^8, 1 of 2^3, 1 + 9 + 36 of 2^9.
    np.testing.assert_allclose(table["p_value"], [2 / 256, 2 / 8, 92 / 512])
    # Holm: the smallest times 3, the next times 2, the largest no smaller than the one before.
    np.testing.assert_allclose(table["p_holm"], [6 / 256, 184 / 512, 184 / 512])


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 1), (3, 12), (40, 25), (0, 30)])
def test_mcnemar_is_the_binomial_test_of_those_that_differ(first, second):
    hits = "1" * first + "0" * second + "1" * 20 + "0" * 5
    others = "0" * first + "1" * second + "1" * 20 + "0" * 5
    [row] = comparison.pairs({"a": predictions(up=hits), "b": predictions(up=others)}).itertuples()
    tail = binom.cdf(min(first, second), first + second, 0.5)
    assert row.p_value == row.p_holm == pytest.approx(min(2 * tail, 1))
    assert (row.only_first_right, row.only_second_right) == (first, second)
    assert row.difference_low <= row.difference <= row.difference_high
    assert row.difference == pytest.approx((second - first) / len(hits))


def test_order_of_recordings_does_not_matter():
    tests = {
        "a": predictions(up="1100101", down="111001"),
        "b": predictions(up="0111101", down="101011"),
    }
    mixed = {
        "a": tests["a"].sample(frac=1, random_state=1),
        "b": tests["b"].sample(frac=1, random_state=2).reset_index(drop=True),
    }
    assert list(mixed["a"]["file"]) != list(mixed["b"]["file"])
    pd.testing.assert_frame_equal(comparison.pairs(mixed), comparison.pairs(tests))
    runs = catalogue(a=1, b=1)
    pd.testing.assert_frame_equal(comparison.words(runs, mixed), comparison.words(runs, tests))


def test_other_test_sets_are_left_out_and_logged(messages):
    tests = {
        "a": predictions(up="110", down="11"),
        "fewer": predictions(up="110", down="1"),
        "b": predictions(up="011", down="01"),
        # As many recordings, one of them another.
        "moved": predictions(up="110", down="11").replace("up/0.wav", "up/9.wav"),
    }
    table = comparison.pairs(tests)
    assert table[["first", "second"]].to_numpy().tolist() == [["a", "b"]]
    [message] = messages
    assert message.endswith(
        "compared:\n  a, b (5 recordings)\n  fewer (4 recordings)\n  moved (5 recordings)"
    )
    messages.clear()
    comparison.pairs({"a": tests["a"], "b": tests["b"]})
    assert messages == []


def test_one_run_has_all_tables(tmp_path):
    tests = {"only": predictions(up="110", down="11")}
    runs = catalogue(only=1)
    pairs, words = comparison.pairs(tests), comparison.words(runs, tests)
    assert pairs.empty
    assert list(words["recall"]) == [1, pytest.approx(2 / 3)]
    assert words[["difference", "p_value", "p_holm"]].isna().all(axis=None)
    pairs.to_csv(tmp_path / "pairs.csv", index=False)
    assert list(comparison.read(tmp_path / "pairs.csv")) == [
        *("first", "second", "recordings", "only_first_right", "only_second_right"),
        *("difference", "difference_low", "difference_high", "p_value", "p_holm"),
    ]


def test_words_gained_and_lost():
    runs = catalogue(mel=1, power=[1, 2])
    tests = {
        "mel": predictions(up="1111", down="100000"),
        "power-seed1": predictions(up="1100", down="111110"),
        "power-seed2": predictions(up="1110", down="111101"),
    }
    table = comparison.words(runs, tests).set_index(["word", "run"])
    assert list(table.index) == [("down", "mel"), ("down", "power"), ("up", "mel"), ("up", "power")]
    assert list(table["recordings"]) == [6, 6, 4, 4]
    np.testing.assert_allclose(table["recall"], [1 / 6, 10 / 12, 1, 5 / 8])
    assert table.xs("mel", level="run")["difference"].isna().all()
    gained, lost = table.loc[("down", "power")], table.loc[("up", "power")]
    assert gained["difference"] == pytest.approx(4 / 6)
    assert lost["difference"] == pytest.approx(-3 / 8)
    # In half recordings, down gained 0, 2, 2, 2, 1, 1: only all signs alike sum to 8 or -8. Up
    # lost 0, 0, 1, 2.
    assert gained["p_value"] == pytest.approx(2 / 2**5)
    assert lost["p_value"] == pytest.approx(2 / 2**2)
    assert gained["p_holm"] == pytest.approx(2 * 2 / 2**5)
    assert lost["p_holm"] == pytest.approx(1 / 2)


def test_with_one_seed_words_are_tested_as_pairs_are():
    tests = {"a": predictions(up="1" * 9 + "0" * 12), "b": predictions(up="0" * 7 + "1" * 14)}
    [word] = comparison.words(catalogue(a=1, b=1), tests)["p_value"].dropna()
    assert word == pytest.approx(comparison.pairs(tests)["p_value"].item())


def test_words_on_other_recordings_have_no_p_value():
    tests = {"a": predictions(up="1100", down="11"), "b": predictions(up="111")}
    table = comparison.words(catalogue(a=1, b=1), tests).set_index(["word", "run"])
    assert table.loc[("up", "b"), "difference"] == pytest.approx(0.5)
    assert table["p_value"].isna().all() and table["p_holm"].isna().all()
    # A word that a run was not tested on has no recall there.
    assert table.loc[("down", "b"), "recordings"] == 0
    assert table.loc[("down", "b"), ["recall", "difference"]].isna().all()


@pytest.mark.parametrize("seed", range(5))
def test_sign_flips_against_scipy(seed):
    differences = np.random.default_rng(seed).integers(-4, 5, size=11)
    # A sample alone is paired with its own negative: signs flip.
    expected = permutation_test(
        (differences, -differences), lambda a, b: (a - b).sum(), permutation_type="samples"
    )
    found = comparison.sign_flip_test(pd.Series(differences))
    assert found == pytest.approx(expected.pvalue)


def test_sign_flips_without_a_difference():
    assert comparison.sign_flip_test(pd.Series([0, 0, 0])) == 1
    assert comparison.sign_flip_test(pd.Series([2, -2])) == 1


def test_odd_names_survive_their_files(tmp_path):
    runs = catalogue(**{"a-b+c.": 1, "NA": 1, "007": [1, 2]})
    tests = {}
    for name, hits in zip(runs, ("1101", "1011", "0111", "1111"), strict=True):
        tests[name] = predictions(**dict.fromkeys(ODD_WORDS, hits))
    table = table_of_runs(runs, 0.9, 0.8, 0.7, 0.75)
    tables = {
        "runs": table,
        "seeds": comparison.seeds(table),
        "pairs": comparison.pairs(tests),
        "words": comparison.words(runs, tests),
    }
    for name, written in tables.items():
        written.to_csv(tmp_path / name, index=False)
        pd.testing.assert_frame_equal(comparison.read(tmp_path / name), written)
    assert set(tables["words"]["word"]) == set(ODD_WORDS)
    assert list(tables["seeds"]["run"]) == ["a-b+c.", "NA", "007"]


# Plots.


@pytest.fixture(scope="module")
def example():
    """Tables and logs of three runs, one of them with other test recordings."""
    runs = catalogue(**{"a-b+c.": [1, 2], "mel_128_": 1, "other": 1})
    runs["other"]["split"] = "speaker"
    generator = np.random.default_rng(1)
    tests, logs = {}, {}
    for name, chance in zip(runs, (0.9, 0.88, 0.4, 0.7), strict=True):
        count = 30 if name == "other" else 40
        hits = {w: "".join(map(str, generator.binomial(1, chance, count))) for w in ODD_WORDS}
        tests[name] = predictions(**hits)
        epoch = np.arange(1, 6)
        columns = {"epoch": epoch, "loss": 2 / epoch + chance, "accuracy": chance - 0.3 / epoch}
        valid = pd.DataFrame(columns | {"set": "valid"})
        train = valid.assign(set="train", loss=9.0, accuracy=0.99)
        logs[name] = pd.concat([train, valid])
    table = table_of_runs(runs, 0.9, 0.86, 0.4, 0.7)
    return {
        "runs": table,
        "seeds": comparison.seeds(table),
        "pairs": comparison.pairs(tests),
        "words": comparison.words(runs, tests),
        "logs": logs,
    }


def every_plot(tables):
    return {
        "measures": plots.measures(tables["runs"], tables["seeds"], {"mel_128_": 0.4321}),
        "words": plots.words(tables["words"]),
        "histories": plots.histories(tables["logs"], tables["runs"]),
        "pairs": plots.pairs(tables["pairs"], tables["runs"]),
    }


def many_runs(count):
    """Tables and logs of `count` runs with long names, all tested on the same recordings."""
    runs = catalogue(**{f"a_run_with_a_rather_long_name_{n}": 1 for n in range(count)})
    tests = {name: predictions(up="1" * n + "0" * (40 - n)) for n, name in enumerate(runs)}
    table = table_of_runs(runs, *np.linspace(0.5, 0.95, count))
    log = pd.DataFrame({"epoch": [1, 3], "set": "valid", "loss": [2.0, 1.0], "accuracy": 0.5})
    return {
        "runs": table,
        "seeds": comparison.seeds(table),
        "pairs": comparison.pairs(tests),
        "words": comparison.words(runs, tests),
        "logs": dict.fromkeys(runs, log),
    }


def lines(axes, label):
    return [line for line in axes.lines if line.get_label() == label]


def tick_labels(axis):
    return [tick.get_text() for tick in axis.get_ticklabels()]


def test_axes_are_labelled_with_units(example):
    labels = {
        "measures": {
            "test accuracy (%)",
            "test loss (cross-entropy)",
            "test macro F1 (0 to 1)",
        },
        "words": {"recall (%)", "word"},
        "histories": {
            *("epoch", "validation loss (cross-entropy, log scale)"),
            "validation accuracy (share)",
        },
        "pairs": {
            *("accuracy of this run", "minus that of this run"),
            "difference (percentage points)",
        },
    }
    for name, figure in every_plot(example).items():
        found = {label() for axes in figure.axes for label in (axes.get_xlabel, axes.get_ylabel)}
        assert found - {""} == labels[name], name


def test_saving_is_repeatable(example, tmp_path):
    again = every_plot(example)
    for name, figure in every_plot(example).items():
        first, second = tmp_path / f"{name}.svg", tmp_path / f"{name} again.svg"
        style.save(figure, first)
        style.save(again[name], second)
        assert first.read_bytes() == second.read_bytes(), name
    for word in ODD_WORDS:
        assert f">{word}</text>" in (tmp_path / "words.svg").read_text()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [2, 21])
def test_all_that_is_written_is_on_the_page(count):
    for name, figure in every_plot(many_runs(count)).items():
        figure.draw_without_rendering()
        texts = [text for axes in figure.axes for text in (*axes.texts, *axes.get_yticklabels())]
        texts += [text for legend in figure.findobj(Legend) for text in legend.texts]
        for text in texts:
            box = text.get_window_extent()
            assert box.x0 >= 0 and box.x1 <= figure.bbox.x1, (name, text)
            assert text.get_fontsize() >= 6, (name, text)


def test_measures_are_those_of_the_tables(example):
    figure = every_plot(example)["measures"]
    factors = {"accuracy": 100, "loss": 1, "macro_f1": 1}
    for panel, (measure, factor) in zip(figure.axes, factors.items(), strict=True):
        for place, row in example["seeds"].iterrows():
            *_, mean = lines(panel, row["run"])
            assert mean.get_xdata() == pytest.approx(factor * row[f"{measure}_mean"])
            assert abs(mean.get_ydata()[0] - place) < 0.5
        for row in example["runs"].to_dict("records"):
            interval = lines(panel, row["name"])[0]
            ends = [factor * row[f"{measure}_{end}"] for end in ("low", "high")]
            np.testing.assert_allclose(interval.get_xdata(), ends)
    accuracy, loss, _ = figure.axes
    # Of 0.9 and 0.86 the standard deviation is 0.04 / √2.
    assert [text.get_text() for text in accuracy.texts] == [
        "88.0 % ± 2.8",
        "40.0 %\npublished 43.21 %",
        "70.0 %",
    ]
    assert [text.get_text() for text in loss.texts] == ["0.120 ± 0.028", "0.600", "0.300"]
    assert tick_labels(accuracy.yaxis) == [
        "a-b+c.\nsplit random",
        "mel_128_\nsplit random",
        "other\nsplit speaker",
    ]
    upright = [line.get_xydata() for line in accuracy.lines if line.get_color() == style.INK]
    assert upright == [pytest.approx(np.array([[43.21, 0.6], [43.21, 1.4]]))]


def test_words_are_sorted_by_what_the_best_other_run_gained(example):
    table = example["words"]
    axes = every_plot(example)["words"].axes[0]
    order = tick_labels(axes.yaxis)
    recall = table.pivot(index="word", columns="run", values="recall").loc[order]
    for run in ("a-b+c.", "mel_128_", "other"):
        [marks] = lines(axes, run)
        np.testing.assert_allclose(marks.get_xdata(), 100 * recall[run])
    # Of the other two, "other" recognises more.
    gains = recall["other"] - recall["a-b+c."]
    assert gains.is_monotonic_decreasing and len(gains) == 4
    signed = [f"{100 * gain:+.1f}".replace("-", "−").replace("+0.0", "0.0") for gain in gains]
    assert [text.get_text() for text in axes.texts] == signed
    assert "on different test recordings" in axes.get_title(loc="left")


def test_of_many_words_those_with_the_largest_differences_are_plotted():
    names = [f"word{number:02}" for number in range(70)]
    # Of ten recordings the second run recognises a word's number less than the first, or more.
    right = {
        "a": {name: "1" * 5 + "0" * 5 for name in names},
        "b": {
            name: "1" * min(n // 7, 10) + "0" * (10 - min(n // 7, 10))
            for n, name in enumerate(names)
        },
    }
    tests = {run: predictions(**outcomes) for run, outcomes in right.items()}
    axes = plots.words(comparison.words(catalogue(a=1, b=1), tests)).axes[0]
    shown = tick_labels(axes.yaxis)
    assert len(shown) == 60
    # Gains fall from words 63 to 69 to words 0 to 6, by sevens; equal ones are in their order.
    assert set(names) - set(shown) == {*names[37:42], *names[28:33]}
    assert "Not shown: 10 words" in axes.get_title(loc="left").replace("\n", " ")


def test_words_of_significance_are_starred():
    tests = {
        "a": predictions(up="1" * 20, down="0" * 20, left="1" * 20),
        "b": predictions(up="0" * 20, down="1" * 20, left="1" * 19 + "0"),
    }
    axes = plots.words(comparison.words(catalogue(a=1, b=1), tests)).axes[0]
    assert tick_labels(axes.yaxis) == ["down", "left", "up"]
    assert [text.get_text() for text in axes.texts] == ["+100.0*", "−5.0", "−100.0*"]


def test_a_word_without_recordings_has_no_number(tmp_path):
    tests = {"a": predictions(up="1100", down="11"), "b": predictions(up="111")}
    figure = plots.words(comparison.words(catalogue(a=1, b=1), tests))
    style.save(figure, tmp_path / "words.svg")
    assert [text.get_text() for text in figure.axes[0].texts] == ["+50.0", ""]


def test_histories_are_those_of_validation(example):
    figure = every_plot(example)["histories"]
    for panel, measure in zip(figure.axes, ("loss", "accuracy"), strict=True):
        for name, log in example["logs"].items():
            valid = log[log["set"] == "valid"]
            [line] = lines(panel, name)[:1]
            np.testing.assert_array_equal(line.get_xdata(), valid["epoch"])
            np.testing.assert_allclose(line.get_ydata(), valid[measure])
        best = [tuple(line.get_xydata()[0]) for line in panel.lines if len(line.get_xdata()) == 1]
        values = [log[log["set"] == "valid"].iloc[2][measure] for log in example["logs"].values()]
        assert best == [(3, pytest.approx(value)) for value in values]
    [legend] = figure.legends
    assert [text.get_text() for text in legend.texts] == ["a-b+c.", "mel_128_", "other"]


def test_no_two_of_30_runs_look_the_same():
    runs = catalogue(**{f"run{number}": 1 for number in range(30)})
    log = pd.DataFrame({"epoch": [1, 3], "set": "valid", "loss": [2.0, 1.0], "accuracy": 0.5})
    figure = plots.histories(dict.fromkeys(runs, log), table_of_runs(runs, *30 * [0.5]))
    handles = figure.legends[0].get_lines()
    looks = {(h.get_color(), str(h._dash_pattern)) for h in handles}
    assert len(looks) == 30
    # Neighbours differ in more than colour.
    for one, other in pairwise(handles):
        assert one.get_marker() != other.get_marker()


def test_pairs_are_those_of_the_table(example):
    figure = every_plot(example)["pairs"]
    axes = figure.axes[0]
    names = list(example["runs"]["name"])
    assert tick_labels(axes.xaxis) == tick_labels(axes.yaxis) == names
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    shown = axes.collections[0].get_array()
    pairs = example["pairs"].set_index(["first", "second"])
    assert len(pairs) == 3
    for i, row in enumerate(names):
        for j, column in enumerate(names):
            text = cells.get((j + 0.5, i + 0.5))
            if row == column:
                assert text is None
            elif "other" in (row, column):
                assert text == "other\ntest\nset"
                assert np.ma.getmaskarray(shown)[i, j]
            else:
                known, sign = ((row, column), -1) if i < j else ((column, row), 1)
                lead = sign * 100 * pairs.loc[known, "difference"]
                assert shown[i, j] == pytest.approx(lead)
                assert float(re.match(r"[+−.\d]+", text)[0].replace("−", "-")) == round(lead, 1)
                level = sum(pairs.loc[known, "p_holm"] < limit for limit in (0.05, 0.01, 0.001))
                assert text.count("*") == level
    low, high = axes.collections[0].get_clim()
    assert low == -high and high == pytest.approx(100 * pairs["difference"].abs().max())
    assert {cells[1.5, 0.5].count("*"), cells[2.5, 0.5].count("*")} == {0, 3}


@pytest.mark.parametrize(
    ("adjusted", "marks"),
    [([0.06, 0.049, 0.009], ["", "*", "**"]), ([0.05, 0.01, 0.0009], ["", "*", "***"])],
)
def test_marks_follow_the_adjusted_p_values(adjusted, marks):
    tests = {"a": predictions(up="1100"), "b": predictions(up="1010"), "c": predictions(up="1001")}
    pairs = comparison.pairs(tests).assign(p_value=1e-4, p_holm=adjusted)
    runs = catalogue(a=1, b=1, c=1)
    axes = plots.pairs(pairs, table_of_runs(runs, 0.5, 0.5, 0.5)).axes[0]
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    for (i, j), mark in zip([(0, 1), (0, 2), (1, 2)], marks, strict=True):
        assert cells[i + 0.5, j + 0.5] == cells[j + 0.5, i + 0.5] == f"0.0\n{mark}".strip()


def test_long_names_stay_different():
    figures = every_plot(many_runs(3))
    figures["pairs"].draw_without_rendering()
    labels = figures["pairs"].axes[0].get_xticklabels()
    for one, other in pairwise(labels):
        assert not one.get_window_extent().overlaps(other.get_window_extent())
    plotted = {
        "measures": tick_labels(figures["measures"].axes[0].yaxis),
        "words": [text.get_text() for text in figures["words"].axes[0].get_legend().texts],
        "histories": [text.get_text() for text in figures["histories"].legends[0].texts],
        "pairs": [label.get_text() for label in labels],
    }
    for name, found in plotted.items():
        assert len(set(found)) == 3 and max(map(len, found)) == 28, name


def test_small_differences_look_small():
    tests = {"a": predictions(up="1" * 99 + "0"), "b": predictions(up="1" * 100)}
    figure = plots.pairs(comparison.pairs(tests), table_of_runs(catalogue(a=1, b=1), 0.99, 1))
    assert figure.axes[0].collections[0].get_clim() == (-5, 5)
    assert [text.get_text() for text in figure.axes[0].texts] == ["−1.0", "+1.0"]


def test_pairs_of_many_runs_keep_their_marks():
    tables = many_runs(21)
    axes = plots.pairs(tables["pairs"], tables["runs"]).axes[0]
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    # The last recognises 20 recordings more than the first, and one more than the one before.
    assert cells[20.5, 0.5] == cells[0.5, 20.5] != ""
    assert cells[20.5, 19.5] == ""
    assert set("".join(cells.values())) == {"*"}


def test_one_run_has_nothing_to_be_compared_with(tmp_path):
    tables = many_runs(1)
    figure = plots.pairs(tables["pairs"], tables["runs"])
    [text] = figure.axes[0].texts
    assert "nothing to compare" in text.get_text()
    for name, figure in every_plot(tables).items():
        style.save(figure, tmp_path / f"{name}.svg")


def test_runs_without_a_common_test_set_are_plotted(tmp_path):
    tests = {"a": predictions(up="110"), "b": predictions(up="11")}
    figure = plots.pairs(comparison.pairs(tests), table_of_runs(catalogue(a=1, b=1), 0.6, 1))
    style.save(figure, tmp_path / "pairs.svg")
    assert [text.get_text() for text in figure.axes[0].texts] == 2 * ["other\ntest\nset"]

"""`snakemake compare`: all runs of the catalogue, those with several seeds once a seed."""

import json
from math import nan

import pandas as pd
import pytest

pytestmark = pytest.mark.workflow

RUNS = ["complex", "mel", "power-seed1", "power-seed2"]


def table(compared, name):
    return pd.read_csv(compared.results / f"comparison/{name}.csv", keep_default_na=False)


def test_all_runs_are_there_with_their_figures(compared):
    rows = table(compared, "runs").set_index("name")
    assert list(rows.index) == RUNS
    assert list(rows["run"]) == ["complex", "mel", "power", "power"]
    assert list(rows["seed"]) == [1, 1, 1, 2]
    for name, row in rows.iterrows():
        metrics = json.loads((compared.results / f"runs/{name}/metrics.json").read_text())
        for measure in ("accuracy", "loss", "macro_f1"):
            assert row[measure] == pytest.approx(metrics[measure])
            low, high = metrics[f"{measure}_interval"]
            # An interval without width says nothing, and is left out.
            expected = (low, high) if low < high else (nan, nan)
            found = pd.to_numeric(row[[f"{measure}_low", f"{measure}_high"]], errors="coerce")
            assert tuple(found) == pytest.approx(expected, nan_ok=True)
        assert row["epochs"] == metrics["training"]["epochs"]
    seeds = table(compared, "seeds").set_index("run")
    both = rows.loc[["power-seed1", "power-seed2"], "accuracy"]
    assert seeds.loc["power", "accuracy_mean"] == pytest.approx(both.mean())


def test_seeds_make_different_models_of_the_same_data(compared):
    weights, test_sets = set(), set()
    for name in RUNS[2:]:
        weights.add((compared.results / f"runs/{name}/model.pt").read_bytes())
        test_sets.add(tuple(pd.read_csv(compared.results / f"runs/{name}/predictions.csv")["file"]))
    assert (len(weights), len(test_sets)) == (2, 1)


def test_pairs_are_those_with_the_same_test_recordings(compared):
    pairs = table(compared, "pairs")
    # `mel` has a split of its own.
    assert list(zip(pairs["first"], pairs["second"], strict=True)) == [
        ("complex", "power-seed1"),
        ("complex", "power-seed2"),
        ("power-seed1", "power-seed2"),
    ]


def test_comparing_leaves_nothing_to_do_and_what_was_there_alone(compared):
    assert compared.plan("compare") == {}
    assert compared.plan() == {}


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("evaluation/comparison.py", {"compare_runs", "plot_comparison", "tabulate_comparison"}),
        ("report/plots/comparison.py", {"plot_comparison"}),
    ],
)
def test_code_of_the_comparison_concerns_nothing_else(compared, tmp_path, module, expected):
    copy = compared.duplicate(tmp_path / "copy")
    path = copy.library / module
    path.write_text(f"{path.read_text()}\nCHANGED = True\n")
    assert set(copy.plan("compare")) == expected | {"html_comparison", "compare"}
    assert copy.plan() == {}


def test_a_setting_of_one_run_leaves_the_others_alone(compared, tmp_path):
    copy = compared.duplicate(tmp_path / "copy")
    copy.overlay["runs"]["power"]["seed"] = [1, 3]
    plan = copy.plan("compare")
    assert plan.pop("train") == plan.pop("evaluate") == 1
    assert {"compare_runs", "plot_comparison", "tabulate_comparison"} <= plan.keys()
    assert "spectrograms" not in plan and "split" not in plan
    # What the config trains is not concerned.
    assert copy.plan() == {}

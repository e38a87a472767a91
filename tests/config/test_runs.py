"""Which runs are trained, what they use, and what they need besides words."""

import pytest

from spokenwords.config import runs

PLAIN = {
    **{"features": "standard", "split": "random", "words": "all", "unknown": [], "silence": False},
    "augmentation": {"noise_share": 0},
}
CATALOGUE = runs.of_each_seed(
    {
        "a": PLAIN | {"seed": 1},
        "b": PLAIN | {"seed": [5, 3], "split": "speaker"},
        "c": PLAIN | {"seed": 2, "features": "coarse"},
        "off": False,
    }
)


def test_trained_runs_are_in_the_order_of_the_config_each_with_its_seeds():
    found = runs.trained(["c", "b"], CATALOGUE)
    assert list(found) == ["c", "b-seed5", "b-seed3"]
    assert found["b-seed3"] == PLAIN | {"split": "speaker", "run": "b", "seed": 3}


def test_features_and_splits_that_runs_use():
    assert runs.used(CATALOGUE, "features") == ["coarse", "standard"]
    assert runs.used(CATALOGUE, "split") == ["random", "speaker"]
    assert runs.used(runs.trained(["b"], CATALOGUE), "features") == ["standard"]
    assert runs.used({}, "split") == []


@pytest.mark.parametrize(
    ("changes", "noise", "silence", "false_alarms"),
    [
        ({}, False, False, False),
        ({"augmentation": {"noise_share": 0.1}}, True, False, False),
        ({"silence": True}, False, True, True),
        ({"unknown": ["cat"]}, False, False, True),
        ({"words": ["dog"]}, False, False, True),
    ],
)
def test_runs_that_need_noise_silence_or_false_alarms(changes, noise, silence, false_alarms):
    catalogue = {"plain": PLAIN, "other": PLAIN | changes}
    for choose, expected in (
        (runs.with_noise, noise),
        (runs.with_silence, silence),
        (runs.with_false_alarms, false_alarms),
    ):
        assert list(choose(catalogue)) == (["other"] if expected else [])

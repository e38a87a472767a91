"""Which runs are trained, what they use, and what they need besides words."""

import pytest

from spokenwords.config import runs

PLAIN = {
    **{"features": "standard", "split": "random", "words": "all", "unknown": [], "silence": False},
    "negatives": 0,
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
    ("changes", "expected"),
    [
        ({}, set()),
        ({"augmentation": {"noise_share": 0.1}}, {runs.with_noise}),
        ({"silence": True}, {runs.with_silence, runs.with_false_alarms}),
        ({"negatives": 0.3}, {runs.with_negatives, runs.with_false_alarms}),
        ({"unknown": ["cat"]}, {runs.with_false_alarms}),
        ({"words": ["dog"]}, {runs.with_false_alarms}),
    ],
)
def test_runs_that_need_noise_silence_negatives_or_false_alarms(changes, expected):
    catalogue = {"plain": PLAIN, "other": PLAIN | changes}
    chooses = runs.with_noise, runs.with_silence, runs.with_negatives, runs.with_false_alarms
    for choose in chooses:
        assert list(choose(catalogue)) == (["other"] if choose in expected else [])

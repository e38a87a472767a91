"""Which runs the published figures are set beside."""

from pathlib import Path

import pytest
import yaml

from spokenwords.config.settings import Augmentation, definition, types
from spokenwords.evaluation import published

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text(encoding="utf-8"))


def run(representation, **changes):
    return CONFIG["training"] | {"representation": representation} | changes


@pytest.mark.parametrize(
    ("representation", "expected"),
    [("complex", 0.9324), ("power", 0.8898), ("mel", 0.8555), ("sqrt", None)],
)
def test_figures_of_the_publications(representation, expected):
    split = CONFIG["splits"]["random"]
    assert published.accuracy(CONFIG["dataset"], split, run(representation)) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"source": "folder"},
        {"words": ["bed", "cat"]},
        {"min_recordings": 2000},
        {"archive": {"sha256": "0" * 64}},
        {"archive": {}},
    ],
)
def test_other_data_have_none(change):
    split = CONFIG["splits"]["random"]
    assert published.accuracy(CONFIG["dataset"] | change, split, run("complex")) is None


def test_other_splits_have_none():
    others = [CONFIG["splits"][name] for name in ("speaker", "official")]
    for split in [*others, {"method": "random", "train": 0.05, "valid": 0.2}]:
        assert published.accuracy(CONFIG["dataset"], split, run("complex")) is None


@pytest.mark.parametrize(
    "change",
    [
        {"words": ["bed", "cat"]},
        {"unknown": ["bed"]},
        {"silence": True},
        {"model": "residual"},
        {"label_smoothing": 0.1},
        {"weight_averaging": 0.99},
        {"augmentation": CONFIG["training"]["augmentation"] | {"mixup": 0.2}},
        {"augmentation": CONFIG["training"]["augmentation"] | {"time_masks": 1}},
    ],
)
def test_other_methods_have_none(change):
    split = CONFIG["splits"]["random"]
    assert published.accuracy(CONFIG["dataset"], split, run("complex", **change)) is None


def test_every_variation_of_recordings_is_known():
    off = {name for name in types(Augmentation) if not definition(Augmentation, name).default}
    assert set(published.VARIATIONS) == off

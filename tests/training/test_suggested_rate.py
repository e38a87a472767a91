"""The range test, and the learning rate that it suggests."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional as F
from torch.optim.optimizer import register_optimizer_step_pre_hook

from spokenwords.errors import UserError
from spokenwords.training import range_test, suggested_rate


def curve(losses, rates=None):
    rates = np.geomspace(1e-6, 1, len(losses)) if rates is None else rates
    table = pd.DataFrame({"learning_rate": rates, "loss": losses})
    table.insert(0, "batch", range(1, len(table) + 1))
    return suggested_rate.smooth(table)


def falling_then_exploding(centre, noise, seed):
    """A loss that falls from 3.4 to 0.9 along a logistic curve around `centre`, then explodes."""
    rates = np.geomspace(1e-6, 1, 100)
    losses = 3.4 - 2.5 / (1 + (rates / centre) ** -1.5) + 3 * (rates / (100 * centre)) ** 3
    losses += np.random.default_rng(seed).normal(scale=noise, size=100)
    # As the range test does, it ends at four times the lowest loss.
    end = next((i for i in range(100) if losses[i] > 4 * losses[: i + 1].min()), 99)
    return curve(losses[: end + 1], rates[: end + 1])


@pytest.mark.parametrize("centre", [1e-4, 1e-3, 5e-3])
@pytest.mark.parametrize("seed", range(5))
def test_suggestion_is_where_the_loss_falls_most_steeply(centre, seed):
    suggested = suggested_rate.suggestion(falling_then_exploding(centre, noise=0.01, seed=seed))
    assert centre / 1.3 < suggested < 1.3 * centre


def test_steeper_fall_from_a_peak_is_not_suggested():
    """A loss that diverges and falls again falls most steeply at rates too high for training."""
    losses = np.concatenate(
        [np.linspace(3, 2, 50), np.linspace(2, 9, 20), np.linspace(9, 2.5, 10), np.full(20, 2.5)]
    )
    assert suggested_rate.suggestion(curve(losses)) < 1e-3


def test_suggestion_is_of_the_loss_over_the_logarithm_of_the_rate():
    """A linear fall over the logarithm has one slope; over the rate, low rates are steepest."""
    rates = np.geomspace(1e-4, 1e-1, 90)
    losses = 3 - 0.2 * np.log(rates / 1e-4)
    losses[60:] -= 0.2 * np.log(rates[60:] / rates[60])  # twice as steep from there
    assert suggested_rate.suggestion(curve(losses, rates)) > rates[60]


@pytest.mark.parametrize(
    "losses", [np.linspace(3, 9, 50), np.full(20, 3.0), [3.0]], ids=["rising", "level", "single"]
)
def test_loss_that_never_falls(losses):
    assert suggested_rate.suggestion(curve(losses)) is None


def test_smoothing():
    """A Gaussian of three batches' width: constants stay, and a peak spreads as a bell curve."""
    assert curve(np.full(40, 2.5))["smoothed_loss"].to_numpy() == pytest.approx(2.5)
    peak = np.zeros(61)
    peak[30] = 1
    distance = np.arange(-30, 31)
    gaussian = np.exp(-(distance**2) / 18) / math.sqrt(18 * math.pi)
    np.testing.assert_allclose(curve(peak)["smoothed_loss"], gaussian, atol=1e-4)


# The range test.


@pytest.fixture
def run(make_classifier, make_recordings):
    """A function that runs a range test on a small classifier."""

    def run(recordings=42, lowest=1e-6, highest=1e-2, steps=20, batch_size=8, seed=1):
        classifier = make_classifier()
        torch.seed()  # the range test has a seed of its own
        return range_test.run(
            classifier,
            make_recordings(recordings, seed=1),
            lowest=lowest,
            highest=highest,
            steps=steps,
            batch_size=batch_size,
            seed=seed,
        )

    return run


def test_rates_rise_geometrically(run):
    used = []
    hook = register_optimizer_step_pre_hook(
        lambda optimizer, *_: used.append(optimizer.param_groups[0]["lr"])
    )
    try:
        table = run(lowest=1e-6, highest=1e-2, steps=9)
    finally:
        hook.remove()
    assert list(table.columns) == ["batch", "learning_rate", "loss", "smoothed_loss"]
    assert list(table["batch"]) == list(range(1, 10))
    expected = [10 ** (-6 + i / 2) for i in range(9)]
    assert list(table["learning_rate"]) == pytest.approx(expected)
    assert used == pytest.approx(expected)


def test_first_loss_is_the_untrained_classifiers(run):
    # Scores near zero: about the logarithm of the number of words.
    assert run()["loss"].iloc[0] == pytest.approx(math.log(3), abs=0.4)


def test_loss_falls_where_the_rate_suits(run):
    table = run(lowest=1e-5, highest=0.1, steps=60)
    assert table["smoothed_loss"].min() < 0.7 * table["loss"].iloc[0]
    assert 1e-4 < suggested_rate.suggestion(table) < 0.1


@pytest.fixture
def script(monkeypatch):
    """A function that sets the losses of the batches to come."""

    def set_losses(losses):
        losses = iter(losses)
        monkeypatch.setattr(
            F, "cross_entropy", lambda scores, labels: 0 * scores.sum() + next(losses)
        )

    return set_losses


def test_ends_when_the_loss_has_diverged(run, script):
    script([3.0, 2.0, 2.5, 7.9, 8.1, 1.0])
    table = run(steps=20)
    # 8.1 is more than four times 2.
    assert list(table["loss"]) == pytest.approx([3.0, 2.0, 2.5, 7.9, 8.1])
    assert table["learning_rate"].iloc[-1] < 1e-2


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_ends_when_the_loss_is_not_finite(run, script, value):
    script([3.0, 2.0, value, 1.0])
    table = run(steps=20)
    assert list(table["loss"]) == pytest.approx([3.0, 2.0])
    assert np.isfinite(table["smoothed_loss"]).all()


def test_more_steps_than_batches(run):
    """Several epochs follow each other."""
    assert len(run(recordings=16, steps=11)) == 11
    assert len(run(recordings=3, steps=10, batch_size=8)) == 10


def test_order_changes_with_epoch_and_seed(run, orders):
    for seed in (1, 1000):
        run(recordings=16, steps=6, seed=seed)
    assert len(set(orders)) == len(orders) == 6


def test_training_set_of_one_recording(run):
    with pytest.raises(UserError, match="two recordings"):
        run(recordings=1)


def test_same_seed_same_table(run):
    first = run()
    pd.testing.assert_frame_equal(run(), first, check_exact=True)
    assert not run(seed=2).equals(first)

"""Training: it learns, is reproducible and resumable bit by bit, and selects the right epoch."""

import copy
import math
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import SMALL
from defaults import augmented
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from spokenwords.errors import UserError
from spokenwords.model import augmentation, inference
from spokenwords.model.classifier import Classifier
from spokenwords.model.device import device_name
from spokenwords.model.networks import NETWORKS
from spokenwords.spectrograms.in_memory import Recordings
from spokenwords.spectrograms.stft import STFT
from spokenwords.training import checkpoint, loop
from spokenwords.training.checkpoint import Checkpoint
from spokenwords.training.loop import Settings
from spokenwords.training.sampling import Sampler

CPU = torch.device("cpu")
SETTINGS = Settings(
    epochs=6,
    batch_size=8,
    max_lr=0.01,
    patience=None,
    seed=1,
    compile=False,
    label_smoothing=0,
    weight_averaging=None,
)


@pytest.fixture
def train(make_recordings, make_classifier, tmp_path):
    """A function that trains a small classifier; returns it, the log and the summary."""

    def run(identity="this", initial_seed=0, augmentation=None, sampler=None, **changes):
        classifier = make_classifier(seed=initial_seed)
        torch.seed()  # training has a seed of its own
        log, summary = loop.train(
            classifier,
            make_recordings(42, seed=1),
            make_recordings(21, seed=2),
            replace(SETTINGS, **changes),
            Checkpoint(tmp_path / "checkpoint.pt", identity),
            augmentation,
            sampler,
        )
        return classifier, log, summary

    return run


def sampler():
    """A sampler for the training set of `train`, whose last third are negatives."""
    labels, is_negative = np.arange(42) % 3, np.arange(42) >= 28
    return Sampler(labels, is_negative, words=2, share=0.3, balanced=True)


@pytest.fixture
def script(monkeypatch):
    """A function that sets the validation losses to come, epoch by epoch.

    An exception among them is raised in place of the loss. Returns a list of the network's weights
    at the time of each validation, which grows.
    """

    def set_losses(losses):
        losses, weights, outcomes = iter(losses), [], inference.outcomes

        def scripted_outcomes(classifier, recordings):
            weights.append(copy.deepcopy(classifier.network.state_dict()))
            return outcomes(classifier, recordings)

        def scripted_loss(found):
            loss = next(losses)
            if isinstance(loss, BaseException):
                raise loss
            return float(loss), 0.5

        monkeypatch.setattr(inference, "outcomes", scripted_outcomes)
        monkeypatch.setattr(loop, "loss_and_accuracy", scripted_loss)
        return weights

    return set_losses


def assert_same(one, other):
    """Both trainings (classifier, log, summary) are equal to the last bit."""
    pd.testing.assert_frame_equal(one[1], other[1], check_exact=True)
    assert_same_weights(one[0].network.state_dict(), other[0].network.state_dict())
    measured = ("seconds", "recordings_per_second")
    without = [{**summary, **dict.fromkeys(measured)} for _, _, summary in (one, other)]
    assert without[0] == without[1]


def assert_same_weights(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_learns_an_easy_problem(train, make_recordings):
    classifier, log, summary = train(epochs=20)
    unseen = make_recordings(300, seed=3)
    _, accuracy = loop.loss_and_accuracy(inference.outcomes(classifier, unseen))
    assert accuracy > 0.98
    last = log[log["epoch"] == 20].set_index("set")
    assert last.loc["train", "accuracy"] > 0.9
    assert last.loc["valid", "accuracy"] > 0.98
    assert last.loc["valid", "loss"] < 0.2
    assert (summary["epochs"], summary["stopped_early"], summary["warning"]) == (20, False, "")


@pytest.mark.parametrize("network", NETWORKS)
def test_networks_learn(network, tmp_path):
    """Two words with their energy at low and at high frequencies."""
    torch.manual_seed(1)
    transform = STFT(1_000, 156, window_seconds=0.1, stride_seconds=0.013, normalized=True)
    classifier = Classifier(["low", "high"], "power", transform, 1_002, network)

    def recordings(count):
        labels = torch.arange(count) % 2
        spectrograms = torch.randn(count, 2, 79, 78) / 10
        for spectrogram, label in zip(spectrograms, labels, strict=True):
            spectrogram[:, 40 * label : 40 * label + 39] *= 10
        return Recordings(spectrograms.half(), labels, CPU)

    settings = replace(SETTINGS, epochs=4, max_lr=0.003)
    valid = recordings(12)
    saved = Checkpoint(tmp_path / "checkpoint.pt", "")
    log, _ = loop.train(classifier, recordings(32), valid, settings, saved, None)
    assert log["accuracy"].iloc[-1] == 1
    _, accuracy = loop.loss_and_accuracy(inference.outcomes(classifier, valid))
    assert accuracy == 1


def test_log_has_a_row_per_epoch_and_set(train):
    _, log, _ = train()
    assert list(log.columns) == ["epoch", "set", "loss", "accuracy", "learning_rate"]
    assert list(log["epoch"]) == [epoch for epoch in range(1, 7) for _ in range(2)]
    assert list(log["set"]) == 6 * ["train", "valid"]
    assert log.notna().all(axis=None)


def test_logged_figures(make_classifier, make_recordings, tmp_path):
    """A network that hardly learns has the same loss all epoch: the mean over the recordings."""
    classifier = make_classifier()
    classifier.network = nn.Sequential(nn.Flatten(), nn.Linear(40, 3))
    sets = make_recordings(7, seed=1), make_recordings(5, seed=2)
    settings = replace(SETTINGS, epochs=1, batch_size=4, max_lr=1e-12)
    expected = []
    for recordings in sets:
        with torch.no_grad():
            scores = classifier(recordings.spectrograms)
        loss = F.cross_entropy(scores, recordings.labels).item()
        hits = (scores.argmax(dim=1) == recordings.labels).sum().item()
        expected.append((loss, hits / len(recordings)))
    saved = Checkpoint(tmp_path / "checkpoint.pt", "")
    log, _ = loop.train(classifier, *sets, settings, saved, None)
    for row, (loss, accuracy) in zip(log.itertuples(), expected, strict=True):
        assert row.loss == pytest.approx(loss, rel=0.01)
        assert row.accuracy == pytest.approx(accuracy)


def test_same_seed_same_training(train, tmp_path):
    first = train()
    (tmp_path / "checkpoint.pt").unlink()
    second = train()
    assert_same(first, second)
    (tmp_path / "checkpoint.pt").unlink()
    other = train(seed=2)
    assert not first[1].equals(other[1])


def test_order_changes_with_epoch_and_seed(train, tmp_path, orders):
    for seed in (1, 2):
        train(seed=seed)
        (tmp_path / "checkpoint.pt").unlink()
    assert len(set(orders)) == len(orders) == 12
    assert len({tuple(sorted(order)) for order in orders}) == 1


@pytest.mark.parametrize("epochs_done", range(6))
def test_resumed_training_is_the_undisturbed_one(train, tmp_path, monkeypatch, epochs_done):
    undisturbed = train()
    (tmp_path / "checkpoint.pt").unlink()
    real, calls = loop.loss_and_accuracy, []

    def killed(found):
        calls.append(None)
        if len(calls) > epochs_done:
            raise KeyboardInterrupt
        return real(found)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "loss_and_accuracy", killed)
        with pytest.raises(KeyboardInterrupt):
            train()
    assert_same(train(), undisturbed)


VARIED = augmentation.Augmentation(
    augmented(gain_db=6, polarity=True, mixup=0.2), SMALL, None, words=3
)


@pytest.mark.parametrize("epochs_done", [1, 4, 5])
def test_varied_sampled_and_averaged_training_is_resumed_bit_for_bit(
    train, tmp_path, monkeypatch, epochs_done
):
    """Hard negatives are searched for after the fifth epoch."""
    options = {"augmentation": VARIED, "weight_averaging": 0.9, "label_smoothing": 0.1}
    undisturbed = train(**options, sampler=sampler())
    saved, save = [], Checkpoint.save

    def save_and_stop(*arguments):
        save(*arguments)
        saved.append(arguments)
        if len(saved) == epochs_done:
            raise KeyboardInterrupt

    (tmp_path / "checkpoint.pt").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train(**options, sampler=sampler())
    assert_same(train(**options, sampler=sampler()), undisturbed)


def test_the_epoch_with_the_fewest_false_alarms_is_selected(train, script, monkeypatch):
    """Of equals that with the lowest loss; also without `patience`, and if all find too few."""
    for number, (alarms, expected) in enumerate(
        (([0.3, 0.1, 0.1, 0.1, 0.2, 0.2], 3), ([math.inf] * 6, 1))
    ):
        weights, found = script([0.1, 0.5, 0.4, 0.6, 0.3, 0.2]), iter(alarms)
        monkeypatch.setattr(loop, "_false_alarms", lambda *_, found=found: next(found))
        classifier, _, summary = train(f"{number}", select_by_false_alarms=True)
        assert summary["kept_epoch"] == expected
        assert_same_weights(classifier.network.state_dict(), weights[expected - 1])


def test_false_alarms_of_an_epoch_are_counted_at_a_threshold(make_classifier):
    """That which recognises 19 of 20 words; if not as many are right at all, there is none."""
    classifier = make_classifier()
    classifier.non_words = ["word2"]
    others = torch.tensor([0.5, 0.505, 0.51, 0.9, 0.9])
    probabilities = torch.cat([torch.linspace(0.5, 0.69, 20), others])
    classes = torch.tensor([0] * 20 + [1, 0, 1, 0, 2])
    labels = torch.tensor([0] * 20 + [2] * 5)

    def count(labels):
        outcomes = inference.Outcomes(labels, classes[:, None], probabilities[:, None], None, None)
        return loop._false_alarms(classifier, outcomes)

    # From 0.51 on: the third and the fourth of five.
    assert count(labels) == pytest.approx(2 / 5)
    labels[:2] = 1
    assert count(labels) == math.inf
    assert count(classes.clamp(max=1)) == 0


def test_augmentation_changes_with_each_epoch(train):
    seen = []

    class Watched(augmentation.Augmentation):
        def __call__(self, *arguments):
            spectrograms, targets = super().__call__(*arguments)
            seen.append(spectrograms.sum().item())
            return spectrograms, targets

    settings = augmented(gain_db=6)
    train(epochs=3, augmentation=Watched(settings, SMALL, None, words=3))
    # 42 recordings in batches of 8.
    assert len(set(seen)) == len(seen) == 3 * 6


def test_averaged_weights_are_validated_and_selected(train, script):
    """With a share of one half, each step's weights count half, those before them the rest."""
    validated, own = script([3, 2, 1]), []
    network = {}

    def note(optimizer, *_):
        if not network:
            network["parameter"] = optimizer.param_groups[0]["params"][0]
        own.append(network["parameter"].detach().clone())

    hook = register_optimizer_step_post_hook(note)
    classifier, _, _ = train(epochs=3, weight_averaging=0.5)
    hook.remove()
    average = own[0]
    for weights in own[1:]:
        average = (average + weights) / 2
    name = next(iter(validated[-1]))
    torch.testing.assert_close(validated[-1][name], average)
    torch.testing.assert_close(classifier.network.state_dict()[name], average)
    assert not torch.allclose(own[-1], average)


def test_batch_norms_statistics_are_averaged_too(train, script, monkeypatch):
    validated, own = script([3, 2, 1]), []
    update = loop.AveragedModel.update_parameters

    def note(average, network):
        own.append(network[2].running_mean.clone())
        update(average, network)

    monkeypatch.setattr(loop.AveragedModel, "update_parameters", note)
    train(epochs=3, weight_averaging=0.5)
    average = own[0]
    for mean in own[1:]:
        average = (average + mean) / 2
    torch.testing.assert_close(validated[-1]["2.running_mean"], average)


def test_augmentation_uses_other_random_numbers_than_the_order(train, monkeypatch):
    sampled, seeds, shuffled = [], [], Recordings.shuffled

    def noted(recordings, batch_size, seed, sample):
        seeds.append(seed)
        return shuffled(recordings, batch_size, seed, sample)

    def augmentation(spectrograms, labels, generator):
        sampled.append(torch.randperm(1000, generator=generator))
        return spectrograms, labels

    monkeypatch.setattr(Recordings, "shuffled", noted)
    train(epochs=1, augmentation=augmentation)
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(seeds[0]))
    assert (sampled[0] == order).float().mean() < 0.05


def test_label_smoothing_keeps_probabilities_from_one(train, make_recordings):
    """At best, the probability of the right word of three is 1 − 0.3 + 0.3 / 3."""
    sure, unsure = (train(f"{share}", epochs=40, label_smoothing=share)[0] for share in (0, 0.3))
    recordings = make_recordings(60, seed=3)
    highest = [
        inference.outcomes(classifier, recordings).probabilities[:, 0].mean().item()
        for classifier in (sure, unsure)
    ]
    assert highest[0] > 0.95
    assert highest[1] == pytest.approx(0.8, abs=0.06)


def test_training_killed_twice(train, tmp_path, script):
    script([5, 4, 3, 3.5, 3.2, 2])
    undisturbed = train()
    (tmp_path / "checkpoint.pt").unlink()
    script([5, KeyboardInterrupt(), 4, 3, KeyboardInterrupt(), 3.5, 3.2, 2])
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train()
    assert_same(train(), undisturbed)


def test_checkpoint_is_complete_when_saving_is_interrupted(train, tmp_path, monkeypatch, messages):
    undisturbed = train()
    (tmp_path / "checkpoint.pt").unlink()
    save, calls = torch.save, []

    def interrupted(content, file):
        calls.append(None)
        save(content, file)
        if len(calls) == 3:
            file.truncate(1_000)
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train()
    assert_same(train(), undisturbed)
    assert [message for message in messages if "after epoch 2" in message]


def test_finished_training_is_not_repeated(train, script):
    finished = train()
    script([])  # any validation would fail
    assert_same(train(), finished)


def test_training_out_of_patience_is_not_continued(train, script):
    script([3, 4, 5])
    finished = train(patience=2)
    assert finished[2]["epochs"] == 3
    script([])
    assert_same(train(patience=2), finished)


def test_checkpoint_of_another_training_is_not_resumed(train, tmp_path, messages):
    undisturbed = train(identity="this")
    (tmp_path / "checkpoint.pt").unlink()
    train(identity="other", initial_seed=5, seed=7)
    assert_same(train(identity="this"), undisturbed)
    assert not [message for message in messages if "Resuming" in message]


@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_corrupt_checkpoint_is_not_resumed(train, tmp_path, content):
    undisturbed = train()
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:5_000] if content is None else content)
    assert_same(train(), undisturbed)


def test_resuming_is_logged(train, script, messages):
    script([3, 2, KeyboardInterrupt(), 1, 1, 1, 1])
    with pytest.raises(KeyboardInterrupt):
        train()
    assert not [message for message in messages if "Resuming" in message]
    train()
    assert len([message for message in messages if "after epoch 2" in message]) == 1


def test_identity(tmp_path):
    one, same, other = (tmp_path / name for name in ("one", "same", "other"))
    one.write_text("a")
    same.write_text("a")
    other.write_text("b")
    identity = checkpoint.identity([{"epochs": 3, "seed": 1}, "code"], [one, other])
    assert (
        checkpoint.identity([{"seed": 1, "epochs": 3}, "code"], [str(same), str(other)]) == identity
    )
    others = [
        checkpoint.identity([{"epochs": 4, "seed": 1}, "code"], [one, other]),
        checkpoint.identity([{"epochs": 3, "seed": 1}, "other code"], [one, other]),
        checkpoint.identity([{"epochs": 3, "seed": 1}, "code"], [one, one]),
        checkpoint.identity([{"epochs": 3, "seed": 1}, "code"], [other, one]),
        checkpoint.identity([{"epochs": 3, "seed": 1}, "code"], [one]),
    ]
    assert len({identity, *others}) == 6


@pytest.mark.parametrize(
    ("losses", "patience", "epochs", "kept"),
    [
        ([3, 2, 2.5, 2.1, 2.2, 1], 3, 5, 2),
        ([3, 2, 2.5, 2.1, 1, 1.1], 3, 6, 5),
        ([1, 1, 1, 1, 1, 1], 3, 4, 1),
        ([1, 2, 0.5, 0.6, 0.7, 0.8], 1, 2, 1),
        ([6, 5, 4, 3, 2, 1], 1, 6, 6),
        ([1, 2, 3, 4, 5, 6], None, 6, 6),
        ([3, 2, 2.5, 2.1, 2.2, 1], None, 6, 6),
    ],
)
def test_patience_and_selected_epoch(train, script, losses, patience, epochs, kept):
    weights = script(losses)
    classifier, log, summary = train(patience=patience)
    assert list(log.loc[log["set"] == "valid", "loss"]) == losses[:epochs]
    assert summary["epochs"] == len(weights) == epochs
    assert summary["stopped_early"] == (epochs < 6)
    assert summary["kept_epoch"] == kept
    assert summary["kept_valid_loss"] == losses[kept - 1]
    assert_same_weights(classifier.network.state_dict(), weights[kept - 1])
    assert not all(
        torch.equal(value, weights[kept - 2][name])
        for name, value in classifier.network.state_dict().items()
    )


# The rate rises for the first 0.3 of the epochs: six of twenty.
@pytest.mark.parametrize(("last", "warned"), [(2, True), (5, True), (6, False), (12, False)])
def test_warning_of_stopping_before_the_peak(train, script, messages, last, warned):
    script(range(1, 21))
    _, _, summary = train(epochs=20, patience=last - 1)
    assert summary["epochs"] == last
    assert bool(summary["warning"]) == warned
    assert len([message for message in messages if "Warning" in message]) == warned
    if warned:
        assert "patience" in summary["warning"]
        assert f"epoch {last} of 20" in summary["warning"]


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_no_warning_after_a_whole_cycle(train, epochs):
    assert train(epochs=epochs)[2]["warning"] == ""


def one_cycle(highest, count):
    """The rate of each step: cosines from 1/25 up to the highest, and down to 1/250,000 of it."""

    def cosine(start, end, share):
        return end + (start - end) / 2 * (1 + math.cos(math.pi * share))

    peak = 0.3 * count - 1
    return [
        cosine(highest / 25, highest, step / peak)
        if step <= peak
        else cosine(highest, highest / 250_000, (step - peak) / (count - 1 - peak))
        for step in range(count)
    ]


def test_learning_rates(train):
    used = []
    hook = register_optimizer_step_pre_hook(
        lambda optimizer, *_: used.append(optimizer.param_groups[0]["lr"])
    )
    try:
        _, log, _ = train(epochs=10, max_lr=0.02)
    finally:
        hook.remove()
    # 42 recordings make five batches of eight and one of two.
    expected = one_cycle(0.02, 60)
    assert used == pytest.approx(expected)
    # An epoch's row has the rate of its last batch.
    for name in ("train", "valid"):
        assert list(log.loc[log["set"] == name, "learning_rate"]) == pytest.approx(expected[5::6])

    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(1))])
    schedule = OneCycleLR(optimizer, max_lr=0.02, total_steps=60)
    for rate in expected:
        assert schedule.get_last_lr()[0] == pytest.approx(rate)
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize(("place", "valid_loss"), [("train", 1.0), ("valid", None)])
def test_loss_that_is_not_finite(
    make_recordings, make_classifier, tmp_path, script, place, valid_loss
):
    sets = {"train": make_recordings(12, seed=1), "valid": make_recordings(12, seed=2)}
    sets[place].spectrograms[3] = math.nan
    if valid_loss is not None:
        script([valid_loss])
    saved = Checkpoint(tmp_path / "checkpoint.pt", "this")
    with pytest.raises(UserError, match=r"epoch 1.*max_lr"):
        loop.train(make_classifier(), *sets.values(), SETTINGS, saved, None)
    assert not saved.path.exists()


def test_training_set_of_one_recording(make_recordings, make_classifier, tmp_path):
    sets = make_recordings(1, seed=1), make_recordings(6, seed=2)
    saved = Checkpoint(tmp_path / "checkpoint.pt", "this")
    with pytest.raises(UserError, match="two recordings"):
        loop.train(make_classifier(), *sets, SETTINGS, saved, None)


def test_summary_has_settings_and_device(train):
    _, _, summary = train(max_lr=0.02)
    assert summary["max_lr"] == 0.02
    assert summary["device"] == device_name(CPU)
    assert summary["precision"] == "float32"
    assert summary["compiled"] is False
    assert summary["recordings"] == "in memory"
    assert summary["seconds"] >= 0
    assert summary["recordings_per_second"] > 0


def test_only_whole_batches_are_compiled(train, monkeypatch):
    """Another size would be compiled again."""
    undisturbed, sizes = train(), []

    def compiled(classifier):
        def score(batch):
            sizes.append(len(batch))
            return classifier(batch)

        return score

    monkeypatch.setattr(torch, "compile", compiled)
    again = train(identity="compiled", compile=True)
    pd.testing.assert_frame_equal(again[1], undisturbed[1], check_exact=True)
    assert again[2]["compiled"]
    assert set(sizes) == {SETTINGS.batch_size}


def test_checkpoint_of_another_kind_is_ignored(train, tmp_path):
    undisturbed = train()
    torch.save({"weights": torch.zeros(1)}, tmp_path / "checkpoint.pt")
    assert_same(train(), undisturbed)


@pytest.mark.parametrize("raised", [MemoryError(), PermissionError(13, "no", "checkpoint.pt")])
def test_a_checkpoint_that_cannot_be_read_is_not_overwritten(train, tmp_path, monkeypatch, raised):
    """The training would be lost."""
    train()
    content = (tmp_path / "checkpoint.pt").read_bytes()
    monkeypatch.setattr(torch, "load", mock.Mock(side_effect=raised))
    with pytest.raises(type(raised)) as fault:
        train()
    assert fault.value is raised
    assert (tmp_path / "checkpoint.pt").read_bytes() == content


def test_a_checkpoint_is_never_run(train, tmp_path):
    """If it is unpickled, it writes a file."""

    class Harmful:
        def __reduce__(self):
            return Path.touch, (tmp_path / "run",)

    undisturbed = train()
    torch.save({"identity": "training", "parts": Harmful()}, tmp_path / "checkpoint.pt")
    assert_same(train(), undisturbed)
    assert not (tmp_path / "run").exists()

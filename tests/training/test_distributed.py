"""Processes that train together: what each has, and that together they are as one."""

import copy
import json
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from conftest import SMALL
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from spokenwords.errors import UserError
from spokenwords.model import inference, networks
from spokenwords.model.classifier import Classifier
from spokenwords.recordings import manifest
from spokenwords.spectrograms import in_memory
from spokenwords.spectrograms.in_memory import Recordings
from spokenwords.training import distributed, job, loop


def together(function, folder, processes=2):
    """What `function(rank)` returns in each of the processes."""
    distributed.run(_saved, processes, "gloo", function, folder)
    return [torch.load(folder / f"{number}.pt", weights_only=False) for number in range(processes)]


def _saved(function, folder):
    torch.set_num_threads(1)
    torch.save(function(), folder / f"{distributed.rank()}.pt")


def exchanged():
    numbers = pd.DataFrame({"number": range(11)})
    return {
        "size": distributed.size(),
        "equal": distributed.share(numbers, equal=True)["number"].tolist(),
        "all": distributed.share(numbers, equal=False)["number"].tolist(),
        "total": distributed.total(torch.tensor([1.0, distributed.rank()])).tolist(),
        "each": distributed.each(f"number {distributed.rank()}"),
    }


def test_alone_nothing_is_exchanged():
    assert exchanged() == {
        "size": 1,
        "equal": list(range(11)),
        "all": list(range(11)),
        "total": [1, 0],
        "each": ["number 0"],
    }


def test_what_processes_exchange(tmp_path):
    same = {"size": 3, "total": [3, 3], "each": ["number 0", "number 1", "number 2"]}
    assert together(exchanged, tmp_path, processes=3) == [
        same | {"equal": [0, 3, 6], "all": [0, 3, 6, 9]},
        same | {"equal": [1, 4, 7], "all": [1, 4, 7, 10]},
        same | {"equal": [2, 5, 8], "all": [2, 5, 8]},
    ]


def fail():
    if distributed.rank() == 1:
        raise UserError("There is no such word.")
    distributed.total(torch.zeros(1))  # which waits for the other


def test_what_one_raises_is_raised(tmp_path):
    with pytest.raises(UserError, match="There is no such word"):
        together(fail, tmp_path)


def batch(step, of_all=16):
    """Images and words of a step: those of this process, and of all where there is one."""
    generator = torch.Generator().manual_seed(step)
    images = 3 + 2 * torch.randn(of_all, 1, 9, 12, generator=generator)
    words = torch.randint(3, (of_all,), generator=generator)
    return images[distributed.rank() :: distributed.size()], words[
        distributed.rank() :: distributed.size()
    ]


def trained(steps=5):
    """The residual network's state after some steps, without dropout, and its losses."""
    torch.manual_seed(1)
    network = networks.residual(channels=1, words=3)
    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0
    model = network
    if distributed.size() > 1:
        model = DistributedDataParallel(distributed.synchronized(network), broadcast_buffers=False)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    losses = []
    for step in range(steps):
        images, words = batch(step)
        loss = nn.functional.cross_entropy(model(images), words)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(distributed.total(loss.detach()) / distributed.size())
    return {"losses": torch.stack(losses), **copy.deepcopy(network.state_dict())}


def test_two_processes_train_as_one_does(tmp_path):
    """On halves of the same batches: losses, weights and batch norms' statistics."""
    first, second = together(trained, tmp_path)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    torch.testing.assert_close(first, trained(), rtol=1e-3, atol=1e-5)


# Of a run, which rule train has no use for.
OTHER_SETTINGS = ("features", "split", "run", "range_test", "test_shift_seconds")
SETTINGS = loop.Settings(
    epochs=3, batch_size=8, max_lr=0.01, patience=None, seed=1, weight_averaging=0.9
)


def recordings(count, seed):
    """Spectrograms of three words, each of which has a pattern; labels."""
    patterns = torch.randn(3, 2, 33, 20, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(count) % 3
    noise = torch.randn(count, 2, 33, 20, generator=torch.Generator().manual_seed(seed))
    return (patterns[labels] + noise).half(), labels


def own_share(spectrograms, labels, number=None, of=None):
    number, of = (distributed.rank(), distributed.size()) if of is None else (number, of)
    own = slice(number, len(labels) // of * of, of)
    return Recordings(spectrograms[own], labels[own], torch.device("cpu"))


class Joined(Recordings):
    """A set whose batches are those that two processes have, together."""

    def shuffled(self, batch_size, seed):
        halves = [own_share(self.spectrograms, self.labels, number, 2) for number in range(2)]
        drawn = [
            half.shuffled(batch_size // 2, seed + (number << 56))
            for number, half in enumerate(halves)
        ]
        for parts in zip(*drawn, strict=True):
            yield tuple(torch.cat(values) for values in zip(*parts, strict=True))


def train(folder, epochs_done=None):
    """A training of the residual network without dropout; it fails after `epochs_done`."""
    torch.manual_seed(2)
    classifier = Classifier(["a", "b", "c"], "power", SMALL, samples=380, network="residual")
    for layer in classifier.network.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0
    train_set = own_share(*recordings(45, seed=1))
    if distributed.size() == 1:
        train_set = Joined(*recordings(44, seed=1), torch.device("cpu"))
    saves, save = [], loop._save

    def save_and_fail(*arguments):
        save(*arguments)
        saves.append(arguments)
        if len(saves) == epochs_done:
            raise RuntimeError("Stop.")

    loop._save = save_and_fail
    try:
        log, summary = loop.train(
            *(classifier, train_set, own_share(*recordings(20, seed=2))),
            *(SETTINGS, folder / "checkpoint.pt", "this"),
        )
    finally:
        loop._save = save
    return {"log": log, "summary": summary, "weights": classifier.network.state_dict()}


def test_a_training_by_two_processes_is_that_of_one(tmp_path):
    (tmp_path / "one").mkdir()
    one = train(tmp_path / "one")
    first, second = together(partial(train, tmp_path), tmp_path)
    assert (one["summary"]["processes"], first["summary"]["processes"]) == (1, 2)
    torch.testing.assert_close(first["weights"], second["weights"], rtol=0, atol=0)
    pd.testing.assert_frame_equal(first["log"], second["log"])
    # The first epoch's; then they drift apart: to Adam a gradient that is rounding is a whole step.
    pd.testing.assert_frame_equal(first["log"].head(2), one["log"].head(2), rtol=0.01)
    assert first["log"]["loss"].iloc[-1] < first["log"]["loss"].iloc[1] / 2


def test_two_processes_take_a_training_up(tmp_path):
    """One whose processes were ended, bit for bit."""
    (tmp_path / "undisturbed").mkdir()
    undisturbed, _ = together(partial(train, tmp_path / "undisturbed"), tmp_path)
    with pytest.raises(RuntimeError, match="Stop"):
        together(partial(train, tmp_path, epochs_done=2), tmp_path)
    first, second = together(partial(train, tmp_path), tmp_path)
    for taken_up in (first, second):
        assert taken_up["weights"].keys() == undisturbed["weights"].keys()
        for name, value in undisturbed["weights"].items():
            assert torch.equal(taken_up["weights"][name], value), name
        pd.testing.assert_frame_equal(taken_up["log"], undisturbed["log"])


@pytest.mark.workflow
def test_a_model_is_made_by_two_processes(finished, tmp_path):
    """From the workflow's files: the first process writes what one would, of all recordings."""
    results = finished.results
    run = yaml.safe_load((results / "config.yaml").read_text())["runs"]["complex"]
    asked = job.Job(
        settings={key: value for key, value in run.items() if key not in OTHER_SETTINGS},
        code="this",
        threads=1,
        inputs=[],
        stores=sorted(map(str, results.glob("features/coarse/[a-z]*.zarr/zarr.json"))),
        train=str(results / "splits/speaker/train.csv"),
        valid=str(results / "splits/speaker/valid.csv"),
        model=str(tmp_path / "model.pt"),
        log=str(tmp_path / "log.csv"),
        summary=str(tmp_path / "training.json"),
    )
    distributed.run(job.make_model, 2, "gloo", asked)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("log.csv", "model.pt", "training.json"),
    ]
    log, summary = pd.read_csv(asked.log), json.loads(Path(asked.summary).read_text())
    assert summary["processes"] == 2
    assert list(log["epoch"]) == [1, 1, 2, 2]
    classifier = Classifier.load(Path(asked.model))
    stores = in_memory.open_stores(asked.stores)
    [valid] = in_memory.load(stores, [manifest.read(Path(asked.valid))], torch.device("cpu"), None)
    outcomes = inference.outcomes(classifier, valid)
    loss, accuracy = loop.loss_and_accuracy(outcomes)
    last = log[log["set"] == "valid"].iloc[-1]
    # In another precision, maybe, than training's.
    assert last["loss"] == pytest.approx(loss, rel=0.02)
    right = outcomes.probabilities[:, 0][outcomes.classes[:, 0] == outcomes.labels]
    assert len(classifier.confidences) == pytest.approx(accuracy * len(valid), abs=1)
    assert classifier.confidences.mean() == pytest.approx(right.mean().item(), abs=0.02)

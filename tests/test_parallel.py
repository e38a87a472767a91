"""Processes that train together: what each has, and that together they are as one."""

import copy

import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from spokenwords import networks, parallel
from spokenwords.errors import UserError


def together(function, folder, processes=2):
    """What `function(rank)` returns in each of the processes."""
    parallel.run(_saved, processes, "gloo", function, folder)
    return [torch.load(folder / f"{number}.pt", weights_only=False) for number in range(processes)]


def _saved(function, folder):
    torch.set_num_threads(1)
    torch.save(function(), folder / f"{parallel.rank()}.pt")


def exchanged():
    numbers = pd.DataFrame({"number": range(11)})
    return {
        "size": parallel.size(),
        "share": parallel.share(numbers)["number"].tolist(),
        "total": parallel.total(torch.tensor([1.0, parallel.rank()])).tolist(),
        "each": parallel.each(f"number {parallel.rank()}"),
    }


def test_alone_nothing_is_exchanged():
    assert exchanged() == {
        "size": 1,
        "share": list(range(11)),
        "total": [1, 0],
        "each": ["number 0"],
    }


def test_what_processes_exchange(tmp_path):
    same = {"size": 3, "total": [3, 3], "each": ["number 0", "number 1", "number 2"]}
    assert together(exchanged, tmp_path, processes=3) == [
        same | {"share": [0, 3, 6]},
        same | {"share": [1, 4, 7]},
        same | {"share": [2, 5, 8]},
    ]


def fail():
    if parallel.rank() == 1:
        raise UserError("There is no such word.")
    parallel.total(torch.zeros(1))  # which waits for the other


def test_what_one_raises_is_raised(tmp_path):
    with pytest.raises(UserError, match="There is no such word"):
        together(fail, tmp_path)


def batch(step, of_all=16):
    """Images and words of a step: those of this process, and of all where there is one."""
    generator = torch.Generator().manual_seed(step)
    images = 3 + 2 * torch.randn(of_all, 1, 9, 12, generator=generator)
    words = torch.randint(3, (of_all,), generator=generator)
    return images[parallel.rank() :: parallel.size()], words[parallel.rank() :: parallel.size()]


def trained(steps=5):
    """The residual network's state after some steps, without dropout, and its losses."""
    torch.manual_seed(1)
    network = networks.residual(channels=1, words=3)
    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0
    model = network
    if parallel.size() > 1:
        model = DistributedDataParallel(parallel.synchronized(network), broadcast_buffers=False)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    losses = []
    for step in range(steps):
        images, words = batch(step)
        loss = nn.functional.cross_entropy(model(images), words)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(parallel.total(loss.detach()) / parallel.size())
    return {"losses": torch.stack(losses), **copy.deepcopy(network.state_dict())}


def test_two_processes_train_as_one_does(tmp_path):
    """On halves of the same batches: losses, weights and batch norms' statistics."""
    first, second = together(trained, tmp_path)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    torch.testing.assert_close(first, trained(), rtol=1e-3, atol=1e-5)

"""Several processes: what each has, that they train as one does, and rule `train` with two of them.

Here they work on a CPU. Only on two GPUs can it be verified that torchrun starts one process per
GPU, that they exchange gradients by NCCL, and that `nn.SyncBatchNorm` makes their batch norms equal
to those of one process with the whole batch.
"""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import SMALL
from torch import nn

from spokenwords.errors import UserError
from spokenwords.model.classifier import Classifier
from spokenwords.spectrograms.in_memory import Recordings
from spokenwords.training import distributed, loop
from spokenwords.training.checkpoint import Checkpoint

EPOCHS = 8  # enough that one is running when the job is killed
TESTS = Path(__file__).parents[1]
CPU = torch.device("cpu")
SETTINGS = loop.Settings(
    epochs=3,
    batch_size=8,
    max_lr=0.01,
    patience=None,
    seed=1,
    compile=False,
    label_smoothing=0.1,
    weight_averaging=0.9,
)
logger = logging.getLogger("spokenwords")


@pytest.fixture
def together(tmp_path, monkeypatch):
    """A function that calls a function of this module in some processes, and returns its results.

    It runs this module as `distributed.run` runs the library's.
    """
    monkeypatch.setenv("PYTHONPATH", f"{TESTS}:{TESTS / 'training'}")

    def call(name: str, processes: int) -> list:
        job = {"function": name, "folder": str(tmp_path)}
        distributed.run("test_distributed", job, processes, threads=1)
        return [torch.load(tmp_path / f"{number}.pt") for number in range(processes)]

    return call


def main(path: Path) -> None:
    """Call the function that the job at `path` names, and save what it returns."""
    job = json.loads(path.read_text())
    with distributed.joined(path, "cpu"):
        found = globals()[job["function"]]()
        torch.save(found, Path(job["folder"], f"{distributed.rank()}.pt"))


def exchange():
    logger.info(f"Process {distributed.rank()} is here.")
    numbers = pd.DataFrame({"number": range(11)})
    return {
        "size": distributed.size(),
        "equal": distributed.share(numbers, equal=True)["number"].tolist(),
        "all": distributed.share(numbers, equal=False)["number"].tolist(),
        "total": distributed.total(torch.tensor([1.0, distributed.rank()])).tolist(),
        "joint": distributed.joint(np.array([distributed.rank()] * 2)).tolist(),
    }


def train_on_shares(steps=5, batch_size=16):
    """Weights and losses of a network without batch norm, whose batches are divided."""
    torch.manual_seed(1)
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 3))
    model = distributed.parallel(network, torch.device("cpu"))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    losses, own = [], slice(distributed.rank(), None, distributed.size())
    for step in range(steps):
        generator = torch.Generator().manual_seed(step)
        images = torch.randn(batch_size, 1, 3, 4, generator=generator)
        words = torch.randint(3, (batch_size,), generator=generator)
        loss = nn.functional.cross_entropy(model(images[own]), words[own])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(distributed.total(loss.detach()) / distributed.size())
    return {"losses": torch.stack(losses), **network.state_dict()}


def exchange_and_train():
    return exchange(), train_on_shares()


def recordings(count, seed):
    """Noisy recordings of three words, each with a pattern."""
    patterns = torch.randn(3, 2, 4, 5, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(count, 2, 4, 5, generator=torch.Generator().manual_seed(seed))
    labels = torch.arange(count) % 3
    return (patterns[labels] + noise).half(), labels


def train_by_the_loop(name, stop_after=None):
    """A classifier and its log; an interrupted training is resumed by the same name."""

    class Stopping(Checkpoint):
        def save(self, parts, state, device):
            super().save(parts, state, device)
            if state["epoch"] == stop_after:
                raise KeyboardInterrupt

    torch.manual_seed(1)
    classifier = Classifier(list("abc"), "complex", SMALL, 1000, "residual")
    # On a CPU, each process has batch norms of its own, of which the first one's are saved.
    classifier.network = nn.Sequential(
        nn.Flatten(), nn.Linear(40, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3)
    )
    own = slice(distributed.rank(), None, distributed.size())
    shares = [
        Recordings(values[own], labels[own], CPU)
        for values, labels in (recordings(40, seed=1), recordings(15, seed=2))
    ]
    saved = Stopping(Path(os.environ["FOLDER"], name), "this training")
    log, _ = loop.train(classifier, *shares, SETTINGS, saved, None)
    return classifier.eval(), log


def train_undisturbed_and_interrupted():
    classifier, log = train_by_the_loop("undisturbed.pt")
    try:
        train_by_the_loop("interrupted.pt", stop_after=1)
    except KeyboardInterrupt:
        resumed, log_of_resumed = train_by_the_loop("interrupted.pt")
    values, labels = recordings(15, seed=2)
    with torch.inference_mode():
        scores = classifier(values)
    return {
        "weights": classifier.network.state_dict(),
        "weights of resumed": resumed.network.state_dict(),
        "log": log.to_csv(),
        "log of resumed": log_of_resumed.to_csv(),
        "last": log.iloc[-1].to_dict() | {"set": 0},
        "loss": nn.functional.cross_entropy(scores, labels).item(),
        "accuracy": (scores.argmax(dim=1) == labels).double().mean().item(),
    }


def test_two_processes_make_one_model_and_resume_it_exactly(
    together, messages, tmp_path, monkeypatch
):
    monkeypatch.setenv("FOLDER", str(tmp_path))
    first, second = together("train_undisturbed_and_interrupted", processes=2)
    assert messages.count("Resuming the training after epoch 1.") == 1
    torch.testing.assert_close(first["weights"], first["weights of resumed"], rtol=0, atol=0)
    assert first["log"] == first["log of resumed"] == second["log"]
    torch.testing.assert_close(first["weights"], second["weights"], rtol=0, atol=0)
    # The log is of all 15 recordings, of which each process has a share.
    assert first["last"]["loss"] == pytest.approx(first["loss"], abs=1e-5)
    assert first["last"]["accuracy"] == pytest.approx(first["accuracy"])


def test_one_process_exchanges_nothing():
    assert exchange() == {
        "size": 1,
        "equal": list(range(11)),
        "all": list(range(11)),
        "total": [1, 0],
        "joint": [0, 0],
    }


def test_two_processes_exchange_values_and_train_as_one_does(together, messages):
    (first, weights), (second, same_weights) = together("exchange_and_train", processes=2)
    same = {"size": 2, "total": [2, 1], "joint": [0, 0, 1, 1]}
    assert first == same | {"equal": [0, 2, 4, 6, 8], "all": [0, 2, 4, 6, 8, 10]}
    assert second == same | {"equal": [1, 3, 5, 7, 9], "all": [1, 3, 5, 7, 9]}
    assert messages == ["Training in 2 processes.", "Process 0 is here."]
    torch.testing.assert_close(weights, same_weights, rtol=0, atol=0)
    torch.testing.assert_close(weights, train_on_shares(), rtol=1e-5, atol=1e-6)


def test_three_processes_exchange_values(together):
    found = together("exchange", processes=3)
    assert [each["equal"] for each in found] == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    assert [each["all"] for each in found] == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8]]
    same = {"size": 3, "total": [3, 3], "joint": [0, 0, 1, 1, 2, 2]}
    assert all(each.items() >= same.items() for each in found)


def stumble_in_the_second():
    if distributed.rank() == 1:
        raise IndexError("Nothing is there.\nNothing.")
    distributed.total(torch.zeros(1))  # which waits for the other


def test_unexpected_error_in_one_process(together, capfd):
    expected = r"^IndexError: Nothing is there.\nNothing. \(traceback in the job's log\)$"
    with pytest.raises(UserError, match=expected):
        together("stumble_in_the_second", processes=2)
    assert capfd.readouterr().err.count("in stumble_in_the_second") == 1


def test_error_of_the_first_process_that_fails(tmp_path):
    """Others fail as a consequence: they wait for it in vain."""
    for error, sentence in (
        (UserError("There is no such word."), "There is no such word."),
        (MemoryError(), "There is not enough memory"),
    ):
        path = tmp_path / type(error).__name__
        distributed._leave(error, path)
        distributed._leave(RuntimeError("Connection closed"), path)
        assert path.read_text().startswith(sentence)


@pytest.mark.parametrize(
    ("device", "found", "expected"), [("auto", 2, 2), ("cuda", 4, 4), ("auto", 0, 1), ("cpu", 2, 1)]
)
def test_one_process_per_gpu(monkeypatch, device, found, expected):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: found)
    assert distributed.processes(device, batch_size=8) == expected


@pytest.mark.parametrize(("batch_size", "advice"), [(128, "126 or 129"), (2, "3")])
def test_batch_that_cannot_be_divided(monkeypatch, batch_size, advice):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    with pytest.raises(UserError, match=rf"`batch_size` .* is {batch_size}, .* to {advice}, or"):
        distributed.processes("auto", batch_size)
    assert distributed.processes("cpu", batch_size) == 1


@pytest.mark.workflow
def test_rule_trains_with_two_processes_and_resumes(finished, tmp_path, monkeypatch):
    monkeypatch.setenv(distributed.PROCESSES_ON_CPU, "2")
    copy = finished.duplicate(tmp_path / "copy")
    copy.overlay["runs"]["complex"]["epochs"] = EPOCHS
    run, log = copy.results / "runs/complex", copy.results / "logs/train/complex.log"
    target = str((run / "model.pt").relative_to(copy.folder))

    # The first process writes the checkpoint, in vain; the second one waits for it.
    failed = copy.snakemake(target, largest_file=1_000_000)
    assert failed.returncode == 1
    assert log.read_text().count("Error: The disk is full") == 1
    assert "Traceback" not in failed.stdout

    killed = subprocess.Popen(copy.command(target), cwd=copy.folder, start_new_session=True)
    while not (run / "checkpoint.pt").exists():
        assert killed.poll() is None
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    copy.snakemake("--unlock")

    done = copy.snakemake(target)
    assert done.returncode == 0, done.stdout
    assert len(re.findall("^Resuming the training after epoch", done.stdout, re.M)) == 1
    assert len(re.findall(f"^Epoch {EPOCHS}: ", done.stdout, re.M)) == 1
    assert not (run / "checkpoint.pt").exists()
    assert json.loads((run / "training.json").read_text())["processes"] == 2
    last = pd.read_csv(run / "log.csv").iloc[-1]
    assert (last["epoch"], last["set"]) == (EPOCHS, "valid")
    # The model has the confidences of all correct answers, of both processes.
    valid = pd.read_csv(copy.results / "splits/speaker/valid.csv")
    correct = len(Classifier.load(run / "model.pt").confidences)
    assert correct == pytest.approx(last["accuracy"] * len(valid))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

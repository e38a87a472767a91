"""Speed of training: the workflow's loop, the plain port's, and one with an STFT per batch.

Contestants have the same network, batch size and recordings. Each runs in its own process, in turn,
on a CPU or a GPU. The plain port is described in plain_port.py. The third contestant keeps
recordings as 16-bit waveforms on the training device and transforms each batch there; all else is
the workflow's. Reading into memory and preparing (a first epoch of two batches, with compilation)
are measured separately. The roofs, limits of the device, are printed with them: the bytes and
operations that a recording takes, and those that the device can do per second.

    python benchmarks/training.py --folder data/speech_commands_11words
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import contest
import numpy as np
import pandas as pd
import plain_port
import torch
import waveforms
from reading import manifest, write_stores
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from spokenwords.model import device
from spokenwords.model.classifier import Classifier
from spokenwords.model.device import device_name
from spokenwords.spectrograms import in_memory
from spokenwords.training import loop
from spokenwords.training.checkpoint import Checkpoint
from spokenwords.training.compilation import compiles

BATCH = 128
CORES = os.cpu_count() or 1
WARM_UP = 2  # batches
LENGTH = 16000  # samples a recording

# Contestants that are the workflow: precision, compilation, and whether they transform waveforms
# instead of reading spectrograms.
WORKFLOW = {
    "the workflow": ("auto", "auto", False),
    "the workflow, float32, not compiled": ("float32", False, False),
    "the workflow, not compiled": ("auto", False, False),
    "an STFT a batch from int16 waveforms": ("auto", "auto", True),
}
PLAIN = {"the plain port": False, "the plain port, freed memory kept": True}


class WaveformClassifier(Classifier):
    """The workflow's classifier of recordings that are kept as waveforms."""

    def forward(self, recordings: torch.Tensor) -> torch.Tensor:
        """int16 [batch, samples] to scores [batch, words]."""
        return super().forward(waveforms.spectrograms(recordings, self.transform))


def plain(folder: Path, split: Path, steps: int, place: torch.device) -> dict:
    """The loop of plain_port.py, for some steps."""
    recordings = plain_port.SpokenWords(folder, split / "train.csv", "complex")
    batches = iter(DataLoader(recordings, BATCH, shuffle=True, num_workers=CORES))
    model = plain_port.network(2, 30).to(place)
    optimizer = torch.optim.Adam(model.parameters())

    def train(count):
        trained = 0
        for images, labels in islice(batches, count):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images.to(place)), labels.to(place))
            loss.backward()
            optimizer.step()
            trained += len(labels)
        loss.item()  # a GPU is done then
        return trained

    train(WARM_UP)
    start = time.perf_counter()
    trained = train(steps)
    return {"rate": trained / (time.perf_counter() - start)}


def in_16_bits(folder: Path, rows: pd.DataFrame, place: torch.device) -> in_memory.Recordings:
    values = torch.from_numpy(waveforms.load(folder, list(rows.file), LENGTH)).to(place)
    return in_memory.Recordings(values, torch.tensor(rows.label.to_numpy()).to(place), place)


def workflow(options, stores: Path, place: torch.device) -> dict:
    """The workflow's loader and loop: an epoch of `options.steps` steps, after a first one."""
    precision, compiled, from_waveforms = WORKFLOW[options.only]
    compiled = compiles(compiled, place)
    opened = in_memory.open_stores(sorted(map(str, stores.glob("*.zarr/zarr.json"))), CORES)
    rows = manifest(opened)
    train_rows = rows.sample(options.steps * BATCH, random_state=1, replace=True)
    # Few stores make up any number of recordings: those that are sampled twice are copied.
    samples = [train_rows, rows[: WARM_UP * BATCH], rows.sample(options.valid, replace=True)]
    samples = [part.sort_values(["label", "row"]) for part in samples]
    start = time.perf_counter()
    if from_waveforms:
        train_set, first, valid = (in_16_bits(options.folder, part, place) for part in samples)
    else:
        train_set, first, valid = in_memory.load(opened, samples, place, None)
    read = time.perf_counter() - start
    torch.manual_seed(1)
    kind = WaveformClassifier if from_waveforms else Classifier
    classifier = kind.for_stores(opened, "complex", "published").to(place)
    classifier.precision = device.precision(precision, place)
    path = stores / "checkpoint.pt"
    start = time.perf_counter()
    settings = loop.Settings(1, BATCH, 0.01, None, 1, compiled, 0, None)
    loop.train(classifier, first, valid, settings, Checkpoint(path, "warm-up"), None)
    preparing = time.perf_counter() - start
    settings = loop.Settings(options.epochs, BATCH, 0.01, None, 1, compiled, 0, None)
    _, summary = loop.train(classifier, train_set, valid, settings, Checkpoint(path, "timed"), None)
    return {
        "rate": options.epochs * len(train_set) / summary["seconds"],
        "read": read,
        "preparing": preparing,
        "training": summary["seconds"],
    }


def roofs(place: torch.device) -> dict[str, float | str]:
    """What a recording's training takes of the device, and what the device gives a second.

    Bytes are an estimate: the spectrogram's, and of each layer by itself, unfused, the output's in
    bfloat16, written and read once forward and its gradient once backward.
    """
    classifier = Classifier(["word"] * 30, "complex", contest.STANDARD, LENGTH, "published").to(
        place
    )
    outputs = []
    for layer in classifier.network:
        layer.register_forward_hook(lambda layer, inputs, out: outputs.append(out.numel() / BATCH))
    batch = torch.zeros(BATCH, 2, 257, 101, device=place)
    with FlopCounterMode(display=False) as counter:
        classifier(batch).sum().backward()
    size = 4096 if place.type == "cpu" else 16384
    square = torch.zeros(size, size, dtype=torch.bfloat16, device=place)
    return {
        "device": device_name(place),
        "bytes a recording": 2 * batch[0].numel() + 4 * 2 * sum(outputs),
        "operations a recording": counter.get_total_flops() / BATCH,
        "bytes a second": 2 * square.nbytes / seconds(square.clone, place),
        "operations a second": 2 * size**3 / seconds(lambda: square @ square, place),
    }


def seconds(work, place: torch.device, repetitions: int = 10) -> float:
    """How long `work` takes, in the middle of some repetitions."""
    taken = []
    for _ in range(repetitions):
        start = time.perf_counter()
        work()
        if place.type == "cuda":
            torch.cuda.synchronize(place)
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def alone(options) -> dict:
    """A single contestant's figures, in this process."""
    keeps_memory = PLAIN.get(options.only, True)
    place = torch.device(options.device)
    if keeps_memory:
        place = device.choose(options.device, CORES)
    if options.only == "roofs":
        return roofs(place)
    stores = Path(options.scratch)
    if options.only in PLAIN:
        return plain(options.folder, stores, options.steps, place)
    return workflow(options, stores, place)


def main():
    options = contest.arguments(
        __doc__, steps=10, epochs=1, valid=2, device="cpu", only="", scratch=""
    )
    if options.only:
        print(json.dumps(alone(options)))
        return
    names = [*PLAIN, *WORKFLOW]
    if options.device == "cpu":
        names.remove("the workflow, not compiled")  # as it is there in any case
    found = {name: [] for name in names}
    files = contest.recordings_in(options.folder, (options.steps + WARM_UP) * BATCH)
    with tempfile.TemporaryDirectory() as scratch:
        stores = in_memory.open_stores(write_stores(options.folder, files, Path(scratch)))
        manifest(stores).to_csv(Path(scratch) / "train.csv", index=False)

        def run(name):
            command = [
                sys.executable,
                __file__,
                *sys.argv[1:],
                "--only",
                name,
                "--scratch",
                scratch,
            ]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            if done.returncode:
                sys.exit(f"{name} failed.")
            return json.loads(done.stdout.splitlines()[-1])

        for _ in range(options.rounds):
            for name in names:
                found[name].append(run(name))
        roof = run("roofs")
    print(f"{contest.machine()}\n{roof.pop('device')}, {options.steps} steps of {BATCH}\n")
    print(contest.table({name: [run["rate"] for run in runs] for name, runs in found.items()}))
    times = [
        {"contestant": name}
        | {
            f"{what}, s": f"{np.median([run[what] for run in runs]):.1f}"
            for what in ("read", "preparing", "training")
        }
        for name, runs in found.items()
        if name in WORKFLOW
    ]
    print(f"\n{contest.markdown(times)}\n")
    print(contest.markdown({"roof": what, "": f"{value:.3g}"} for what, value in roof.items()))
    for what in ("bytes", "operations"):
        most = roof[f"{what} a second"] / roof[f"{what} a recording"]
        print(f"At most {most:,.0f} recordings/s for the {what}.")


if __name__ == "__main__":
    main()

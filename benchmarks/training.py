"""How fast a training runs on a CPU: the workflow's loop against the plain port's.

The same network, batch size and recordings; each contestant in a process of its own, in turn. What
the plain port is: see plain_port.py. Reading stores into memory is told apart.

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
import plain_port
import torch
from reading import manifest, write_stores
from torch import nn
from torch.utils.data import DataLoader

from spokenwords import device, loader, training
from spokenwords.model import Classifier

BATCH = 128
CORES = os.cpu_count() or 1
WARM_UP = 2  # batches

# Contestants that are the workflow: precision, compiled.
WORKFLOW = {
    "the workflow": ("auto", False),
    "the workflow, float32": ("float32", False),
    "the workflow, compiled": ("auto", True),
}
PLAIN = {"the plain port": False, "the plain port, freed memory kept": True}


def plain(folder: Path, split: Path, steps: int) -> dict:
    """The loop of plain_port.py, for some steps."""
    recordings = plain_port.SpokenWords(folder, split / "train.csv", "complex")
    batches = iter(DataLoader(recordings, BATCH, shuffle=True, num_workers=2))
    model = plain_port.network(2, 30)
    optimizer = torch.optim.Adam(model.parameters())

    def train(count):
        for images, labels in islice(batches, count):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()

    train(WARM_UP)
    start = time.perf_counter()
    train(steps)
    return {"rate": steps * BATCH / (time.perf_counter() - start)}


def workflow(stores: Path, steps: int, precision: str, compiled: bool) -> dict:
    """The workflow's loader and training loop: an epoch of so many steps, after a first one."""
    place = device.choose("cpu", CORES)
    opened = loader.open_stores(sorted(map(str, stores.glob("*.zarr/zarr.json"))))
    rows = manifest(opened).sample(steps * BATCH, random_state=1)
    start = time.perf_counter()
    train_set, first, valid = loader.load(opened, [rows, rows[: WARM_UP * BATCH], rows[:2]], place)
    read = time.perf_counter() - start
    torch.manual_seed(1)
    classifier = Classifier.for_stores(opened, "complex")
    classifier.precision = device.precision(precision, place)
    settings = training.Settings(1, BATCH, 0.01, None, 1, compiled)
    checkpoint = stores / "checkpoint.pt"
    start = time.perf_counter()
    training.train(classifier, first, valid, settings, checkpoint, "warm-up")
    preparing = time.perf_counter() - start
    _, summary = training.train(classifier, train_set, valid, settings, checkpoint, "timed")
    return {"rate": steps * BATCH / summary["seconds"], "read": read, "preparing": preparing}


def main():
    options = contest.arguments(__doc__, steps=10, compiled=0, only="", scratch="")
    if options.only:
        place = Path(options.scratch)
        if options.only in PLAIN:
            if PLAIN[options.only]:
                device.choose("cpu", CORES)
            found = plain(options.folder, place, options.steps)
        else:
            found = workflow(place, options.steps, *WORKFLOW[options.only])
        print(json.dumps(found))
        return
    names = [*PLAIN, *list(WORKFLOW)[: 3 if options.compiled else 2]]
    found = {name: [] for name in names}
    files = contest.recordings_in(options.folder, (options.steps + WARM_UP) * BATCH)
    with tempfile.TemporaryDirectory() as scratch:
        stores = loader.open_stores(write_stores(options.folder, files, Path(scratch)))
        manifest(stores).to_csv(Path(scratch) / "train.csv", index=False)
        for _ in range(options.rounds):
            for name in names:
                command = [sys.executable, __file__, "--folder", options.folder, "--only", name]
                command += ["--scratch", scratch, "--steps", str(options.steps)]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    sys.exit(f"{name}: {done.stderr}")
                found[name].append(json.loads(done.stdout.splitlines()[-1]))
    print(f"{contest.machine()}\n{options.steps} steps of {BATCH}\n")
    print(contest.table({name: [run["rate"] for run in runs] for name, runs in found.items()}))
    for name in names[len(PLAIN) :]:
        for what in ("read", "preparing"):
            seconds = sorted(run[what] for run in found[name])
            print(f"{name}, {what}: {seconds[len(seconds) // 2]:.1f} s")


if __name__ == "__main__":
    main()

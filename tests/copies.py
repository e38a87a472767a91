"""Copies of the workflow, each in a folder of its own, small enough to run to the end in a test."""

import json
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import forks
import numpy as np
import yaml

from spokenwords.spectrograms.read import open_store

REPOSITORY = Path(__file__).parent.parent
WORDS = ["bird", "happy", "seven"]
VOICES = 10
EPOCHS = 2
# Two runs that share neither features nor split.
OVERLAY = {
    "pathvars": {"results": "results/small"},
    "dataset": {
        "source": "synthetic",
        "folder": "data/small",
        "words": WORDS,
        "synthetic": {"voices": VOICES},
    },
    "features": {
        # The smallest spectrograms that the network takes.
        "coarse": {"stft": {"n_fft": 160, "window_seconds": 0.01, "stride_seconds": 0.0125}}
    },
    "splits": {"speaker": {"train": 0.6, "valid": 0.2}},
    "training": {
        "epochs": EPOCHS,
        "batch_size": 8,
        "patience": False,
        "range_test": {"lowest": 1e-4, "highest": 0.1, "steps": 10},
    },
    "runs": {
        "complex": {"features": "coarse", "split": "speaker"},
        "mel": {
            **{"split": "random", "max_lr": "auto"},
            **{"precision": "bfloat16", "memory_budget": 1},
        },
    },
    "train": ["complex", "mel"],
    "stream": {"hours": 0.02},
}


class Copy:
    """A copy of the workflow in a folder of its own, with an overlay that can be changed."""

    def __init__(self, folder: Path, overlay: dict):
        self.folder, self.overlay = folder, json.loads(json.dumps(overlay))
        ignore = shutil.ignore_patterns("__pycache__")
        for name in ("workflow", "profiles", "envs"):
            shutil.copytree(REPOSITORY / name, folder / name, ignore=ignore)
        for name in ("Snakefile", "config.yaml"):
            shutil.copy(REPOSITORY / name, folder)

    @property
    def results(self) -> Path:
        return self.folder / self.overlay["pathvars"]["results"]

    @property
    def library(self) -> Path:
        return self.folder / "workflow/scripts/spokenwords"

    def duplicate(self, folder: Path) -> "Copy":
        """The same with all that it has made, in another folder, times of files included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        other = Copy.__new__(Copy)
        other.folder, other.overlay = folder, json.loads(json.dumps(self.overlay))
        return other

    def arguments(self, *arguments: str, cores: int = 2) -> list[str]:
        """Snakemake's arguments; the overlay is written as it is now."""
        (self.folder / "overlay.yaml").write_text(yaml.safe_dump(self.overlay, sort_keys=False))
        # Tests run side by side: threads of several trainings would wait for each other.
        limits = ("--cores", str(cores), "--max-threads", "1")
        # --configfile takes all that follows it for config files.
        return [*limits, *arguments, "--configfile", "overlay.yaml"]

    def command(self, *arguments: str, cores: int = 2) -> list[str]:
        """Snakemake's command line, as users write it."""
        return [sys.executable, "-m", "snakemake", *self.arguments(*arguments, cores=cores)]

    def snakemake(
        self, *arguments: str, cores: int = 2, largest_file: float = resource.RLIM_INFINITY
    ) -> subprocess.CompletedProcess:
        """Run Snakemake as users do; its output and errors are together, as text.

        `largest_file` limits the size of all files that are written, in bytes.
        """

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest_file), resource.RLIM_INFINITY))

        return subprocess.run(
            self.command(*arguments, cores=cores),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=limit,
        )

    def run(self, *targets: str) -> None:
        """Run to the end, which is to succeed."""
        done = self.snakemake(*targets)
        assert done.returncode == 0, done.stdout

    def dry_run(self, *arguments: str, cores: int = 2) -> subprocess.CompletedProcess:
        """What `snakemake --dry-run` prints, from a fork of a process that has imported it."""
        output, arguments = self.folder / "output.txt", self.arguments(*arguments, cores=cores)
        status = forks.dry_run(*arguments, folder=self.folder, output=output)
        text = output.read_text()
        output.unlink()
        return subprocess.CompletedProcess(arguments, status, text)

    def plan(self, *targets: str, cores: int = 2) -> dict[str, int]:
        """The jobs that a run would start now: how many of each rule."""
        # Also if jobs took as many threads as there are cores.
        options = ("--quiet", "rules", "--max-threads", str(cores))
        done = self.dry_run(*targets, *options, cores=cores)
        assert done.returncode == 0, done.stdout
        if "Nothing to be done" in done.stdout:
            return {}
        table = done.stdout.partition("job ")[2].partition("total")[0]
        jobs = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}
        jobs.pop("all", None)
        return jobs


def files(copy: Copy) -> set[str]:
    """All that the workflow made, but for logs and durations."""
    found = [*copy.results.rglob("*"), *(copy.folder / "data").rglob("*")]
    names = {path.relative_to(copy.folder).as_posix() for path in found if path.is_file()}
    return {name for name in names if "/logs/" not in name and "/benchmarks/" not in name}


def assert_as_if_undisturbed(copy: Copy, undisturbed: Copy) -> None:
    assert copy.plan() == {}
    assert files(copy) == files(undisturbed)
    for path in undisturbed.results.rglob("*.csv"):
        if path.parent.name not in ("random", "speaker") and path.name != "predictions.csv":
            continue
        same = copy.results / path.relative_to(undisturbed.results)
        assert same.read_bytes() == path.read_bytes(), same
    for path in undisturbed.results.glob("features/*/*.zarr"):
        same = copy.results / path.relative_to(undisturbed.results)
        for mine, theirs in zip(spectrograms(same), spectrograms(path), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def spectrograms(path: Path) -> list[np.ndarray]:
    """The values of a store's chunks."""
    store = open_store(path)
    return [store.read(number).copy() for number in range(len(store.array))]

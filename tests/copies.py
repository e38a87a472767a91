"""Copies of the workflow, each in a folder of its own, small enough to run to the end in a test."""

import json
import multiprocessing
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import snakemake.cli
import yaml

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
        "range_test": {"lowest": 1e-4, "highest": 0.1, "steps": 40},
    },
    "runs": {
        "complex": {"features": "coarse", "split": "speaker"},
        "mel": {
            **{"split": "random", "max_lr": "auto"},
            **{"precision": "bfloat16", "memory_budget": 1},
        },
    },
    "train": ["complex", "mel"],
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

    def command(self, *arguments: str, cores: int = 2) -> list[str]:
        """Snakemake's command line; the overlay is written as it is now."""
        (self.folder / "overlay.yaml").write_text(yaml.safe_dump(self.overlay, sort_keys=False))
        # --configfile takes all that follows it for config files.
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments]
        return [*command, "--configfile", "overlay.yaml"]

    def snakemake(
        self, *arguments: str, cores: int = 2, largest_file: float = resource.RLIM_INFINITY
    ) -> subprocess.CompletedProcess:
        """Run Snakemake, its output and errors together as text.

        In a fork of a process that has imported Snakemake, which takes longer than most runs here.
        `largest_file` limits the size of all files that are written, in bytes.
        """
        command, output = self.command(*arguments, cores=cores), self.folder / "output.txt"
        places = (command[3:], self.folder, output, int(largest_file))
        process = FORKS.Process(target=_snakemake, args=places)
        process.start()
        process.join()
        text = output.read_text()
        output.unlink()
        return subprocess.CompletedProcess(command, process.exitcode, text)

    def run(self, *targets: str) -> None:
        """Run to the end, which is to succeed."""
        done = self.snakemake(*targets)
        assert done.returncode == 0, done.stdout

    def plan(self, *targets: str, cores: int = 2) -> dict[str, int]:
        """The jobs that a run would start now: how many of each rule."""
        done = self.snakemake(*targets, "--dry-run", "--quiet", "rules", cores=cores)
        assert done.returncode == 0, done.stdout
        if "Nothing to be done" in done.stdout:
            return {}
        table = done.stdout.partition("job ")[2].partition("total")[0]
        jobs = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}
        jobs.pop("all", None)
        return jobs


FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["snakemake.cli"])


def _snakemake(arguments: list[str], folder: Path, output: Path, largest_file: int) -> None:
    """Be Snakemake, in a process of its own."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    os.chdir(folder)
    with output.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # The copy has a library of its own, which pytest's path must not hide.
    sys.path[:] = [place for place in sys.path if not place.endswith("workflow/scripts")]
    sys.argv[0] = "snakemake"
    snakemake.cli.main(arguments)

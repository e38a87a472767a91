"""Dry runs of Snakemake in forks of a process that has imported it: that takes longer than they do.

Nothing is run in such a fork: jobs are started by Snakemake in processes of its own.
"""

import gc
import multiprocessing
import os
import sys
from pathlib import Path

SERVER = multiprocessing.get_context("forkserver")
# Snakemake, and what it and the rules import only once they are read.
SNAKEMAKE = ("snakemake.cli", "snakemake.utils", "snakemake.report.html_reporter")
SERVER.set_forkserver_preload([*SNAKEMAKE, "jsonschema", "nbformat", "smart_open", "yte"])


def dry_run(*arguments: str, folder: Path, output: Path) -> int:
    """Run `snakemake --dry-run …` in a folder, and return its exit status.

    `output` is the file for its output and its errors.
    """
    arguments = ("--dry-run", *arguments)
    fork = SERVER.Process(target=_snakemake, args=(arguments, folder, output, dict(os.environ)))
    fork.start()
    fork.join()
    return fork.exitcode


def _snakemake(arguments: tuple[str, ...], folder: Path, output: Path, environment: dict) -> None:
    from snakemake import cli  # here, so that the process of the tests does without

    # Collecting garbage would write to the memory that forks share, which copies it.
    gc.freeze()
    with output.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv, sys.path[0] = ["snakemake", *arguments], str(folder)
    cli.main()

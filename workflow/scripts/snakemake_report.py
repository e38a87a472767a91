"""Snakemake's own report, made by a second Snakemake process."""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from spokenwords.errors import UserError
from spokenwords.jobs.machine_errors import machine_error

# `python -m snakemake` with arguments from standard input: the system limits a command line to
# some two million characters, which 20,000 words exceed.
SNAKEMAKE = r"""
import sys
from snakemake.cli import main
main(sys.stdin.read().split("\0"))
"""


def write_config(config: Mapping[str, Any], path: Path) -> None:
    """Write a config to its YAML file."""
    text = yaml.safe_dump(dict(config), allow_unicode=True, sort_keys=False)
    path.write_text(text, encoding="utf-8")


def write(
    page: str,
    files: Iterable[str],
    headline: str,
    config: Mapping[str, Any],
    snakefile: str,
    stylesheet: str,
) -> None:
    """Write a report of existing `files` and of their origin to `page`.

    The file `headline` is the opening page. The rules of `snakefile`, read with `config`, mark the
    files for the report and have their captions. Raises `UserError` if Snakemake fails.
    """
    arguments = [*files, "--cores", "1", "--nolock", "--snakefile", snakefile]
    arguments += ["--report", page, "--report-stylesheet", stylesheet]
    with tempfile.TemporaryDirectory() as folder:
        # The opening page differs from report to report.
        pathvars = {**config.get("pathvars", {}), "headline": headline}
        write_config({**config, "pathvars": pathvars}, Path(folder) / "config.yaml")
        done = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", SNAKEMAKE],
            input="\0".join([*arguments, "--configfile", f"{folder}/config.yaml"]),
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
        )
    if done.returncode:
        output = f"{done.stdout}{done.stderr}"
        raise UserError(
            machine_error(RuntimeError(output)) or f"Snakemake could not make its report:\n{output}"
        )

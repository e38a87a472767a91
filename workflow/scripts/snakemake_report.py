"""Snakemake's own report, made by a second Snakemake process."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from spokenwords.errors import UserError
from spokenwords.jobs.machine_errors import machine_error

# The variable that gives the rules the path of the report's opening page.
OPENING = "SPOKEN_WORDS_OPENING"
SNAKEFILE = Path(__file__).parents[2] / "Snakefile"
STYLESHEET = Path(__file__).parents[1] / "report" / "report.css"
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


def write(page: str, files: Iterable[str], headline: str, config: Mapping[str, Any]) -> None:
    """Write a report of existing `files` and of their origin to `page`.

    The file `headline` is the opening page. The rules, read with `config`, mark the files for the
    report and have their captions. Raises `UserError` if Snakemake fails.
    """
    # Also of a module: the importing Snakefile may not give it this config.
    arguments = [*files, "--cores", "1", "--nolock", "--snakefile", str(SNAKEFILE)]
    arguments += ["--report", page, "--report-stylesheet", str(STYLESHEET)]
    with tempfile.TemporaryDirectory() as folder:
        write_config(config, Path(folder) / "config.yaml")
        # Included, since Snakemake would take some texts in the page for parts of a template.
        opening = Path(folder) / "opening.rst"
        opening.write_text(f".. include:: {headline}\n", encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", SNAKEMAKE],
            input="\0".join([*arguments, "--configfile", f"{folder}/config.yaml"]),
            env=os.environ | {OPENING: str(opening)},
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
        )
    if done.returncode:
        output = f"{done.stdout}{done.stderr}"
        raise UserError(
            machine_error(RuntimeError(output)) or f"Snakemake could not make its report:\n{output}"
        )

"""Snakemake's own report of all that the workflow made, and the config that made it."""

import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from spokenwords import progress
from spokenwords.errors import UserError, machine_fault


def write(config: dict, path: Path) -> None:
    """Write a config to its YAML file."""
    text = yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
    path.write_text(text, encoding="utf-8")


with progress.job_log(snakemake.log[0]):
    # The one script that reads the whole config: it hands it on.
    config = dict(snakemake.config)
    write(config, Path(snakemake.input.headline).with_name("config.yaml"))
    command = [sys.executable, "-m", "snakemake", *snakemake.input, "--cores", "1", "--nolock"]
    command += ["--snakefile", snakemake.resources.snakefile, "--report", snakemake.output.page]
    command += ["--report-stylesheet", snakemake.resources.stylesheet]
    with tempfile.TemporaryDirectory() as folder:
        # What the report opens with differs from report to report.
        config["pathvars"] = config.get("pathvars", {}) | {"headline": snakemake.input.headline}
        write(config, Path(folder) / "config.yaml")
        command += ["--configfile", f"{folder}/config.yaml"]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        output = f"{done.stdout}{done.stderr}"
        fault = machine_fault(RuntimeError(output))
        raise UserError(fault or f"Snakemake could not make its report:\n{output}")
    progress.logger.info(f"The report is {snakemake.output.page}.")

"""Snakemake's own report of all that the workflow made, and the config that made it."""

import subprocess
import sys
from pathlib import Path

import yaml

from spokenwords import progress
from spokenwords.errors import UserError, machine_fault

with progress.job_log(snakemake.log[0]):
    # The one script that reads the whole config: it hands it on.
    config = Path(snakemake.output.page).with_name("config.yaml")
    text = yaml.safe_dump(snakemake.config, allow_unicode=True, sort_keys=False)
    config.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", *snakemake.input, "--cores", "1", "--nolock"]
    command += ["--snakefile", snakemake.resources.snakefile]
    command += ["--configfile", config, "--report", snakemake.output.page]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        output = f"{done.stdout}{done.stderr}"
        fault = machine_fault(RuntimeError(output))
        raise UserError(fault or f"Snakemake could not make its report:\n{output}")
    progress.logger.info(f"The report is {snakemake.output.page}.")

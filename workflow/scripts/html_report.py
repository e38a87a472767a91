"""Snakemake's own report of all that the workflow made, and the config that made it."""

from pathlib import Path

import snakemake_report

from spokenwords.jobs.log import job_log

with job_log(snakemake.log[0]):
    # The one script that reads the whole config: it hands it on.
    config, headline = snakemake.config, snakemake.input.headline
    snakemake_report.write_config(config, Path(headline).with_name("config.yaml"))
    snakemake_report.write(snakemake.output.page, snakemake.input, headline, config)

"""Snakemake's own report of all results, and the config they were made with."""

from pathlib import Path

import snakemake_report

from spokenwords.jobs.log import job_log

with job_log(snakemake.log[0]):
    # The only script that reads the whole config, because it passes it to another Snakemake.
    config, headline = snakemake.config, snakemake.input.headline
    snakemake_report.write_config(config, Path(headline).with_name("config.yaml"))
    snakemake_report.write(snakemake.output.page, snakemake.input, headline, config)

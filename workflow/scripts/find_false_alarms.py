"""False alarms on other words and on noise, over the share of words recognised."""

from pathlib import Path

from spokenwords import names
from spokenwords.evaluation import false_alarms
from spokenwords.jobs.log import job_log
from spokenwords.model import device
from spokenwords.report.plots import style
from spokenwords.report.plots.false_alarms import false_alarms as plot

with job_log(snakemake.log[0]):
    settings, threads = snakemake.params.settings, snakemake.threads
    classifier = device.load_classifier(
        Path(snakemake.input.model), settings["device"], settings["precision"], threads
    )
    noise = Path(snakemake.params.folder) / names.NOISE
    table = false_alarms.of_test_set(
        classifier,
        snakemake.input.stores,
        Path(snakemake.input.test),
        [noise / name for name in snakemake.params.noise],
        settings,
        threads,
    )
    table.to_csv(snakemake.output.table, index=False)
    style.save(plot(table), snakemake.output.plot)

"""Predictions for the test set, metrics, and the confusion table."""

import json
from pathlib import Path

from spokenwords.evaluation import test_set
from spokenwords.jobs.log import job_log
from spokenwords.model import device

with job_log(snakemake.log[0]):
    settings, threads = snakemake.params.settings, snakemake.threads
    classifier = device.load_classifier(
        Path(snakemake.input.model), settings["device"], settings["precision"], threads
    )
    training = json.loads(Path(snakemake.input.training).read_text())
    evaluation = test_set.evaluate(
        classifier,
        snakemake.input.stores,
        Path(snakemake.input.test),
        settings,
        training,
        threads,
    )
    evaluation.predictions.to_csv(snakemake.output.predictions, index=False)
    evaluation.confusion.to_csv(snakemake.output.confusion, index=False)
    Path(snakemake.output.metrics).write_text(json.dumps(evaluation.metrics, indent=2))

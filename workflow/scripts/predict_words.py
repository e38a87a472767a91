"""The words that a trained model recognises in recordings, as a table."""

from pathlib import Path

from spokenwords.jobs.log import job_log
from spokenwords.model import device
from spokenwords.recognition import inputs, table

with job_log(snakemake.log[0]):
    settings, threads = snakemake.params.settings, snakemake.threads
    classifier = device.load_classifier(
        Path(snakemake.input.model), settings["device"], settings["precision"], threads
    )
    recordings = inputs.recordings(Path(snakemake.params.recordings["place"]))
    threshold = classifier.threshold(snakemake.params.keep, snakemake.params.false_alarms_per_hour)
    rows = table.recognize(classifier, recordings, threshold, threads)
    with Path(snakemake.output.words).open("w", newline="", encoding="utf-8") as file:
        table.write(rows, file)

"""What a trained model hears in recordings, as a table."""

from pathlib import Path

from spokenwords.jobs.log import job_log
from spokenwords.model import device
from spokenwords.model.classifier import Classifier
from spokenwords.recognition import inputs, table

with job_log(snakemake.log[0]):
    settings = snakemake.params.settings
    place = device.choose(settings["device"], snakemake.threads)
    classifier = Classifier.load(Path(snakemake.input.model)).to(place)
    classifier.precision = device.precision(settings["precision"], place)
    recordings = inputs.recordings(Path(snakemake.params.recordings["place"]))
    rows = table.recognize(classifier, recordings, snakemake.params.keep, snakemake.threads)
    with Path(snakemake.output.words).open("w", newline="", encoding="utf-8") as file:
        table.write(rows, file)

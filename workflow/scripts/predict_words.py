"""What a trained model hears in recordings, as a table."""

from pathlib import Path

from spokenwords import device, listing, progress, recognition
from spokenwords.model import Classifier

with progress.job_log(snakemake.log[0]):
    settings = snakemake.params.settings
    place = device.choose(settings["device"], snakemake.threads)
    classifier = Classifier.load(Path(snakemake.input.model)).to(place)
    classifier.precision = device.precision(settings["precision"], place)
    recordings = listing.recordings(Path(snakemake.params.recordings["place"]))
    rows = recognition.recognize(classifier, recordings, snakemake.params.keep, snakemake.threads)
    with Path(snakemake.output.words).open("w", newline="", encoding="utf-8") as file:
        recognition.write(rows, file)

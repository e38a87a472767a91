"""Synthesise negatives with eSpeak NG: running speech, and words that are not classified."""

from pathlib import Path

from spokenwords.jobs.log import job_log
from spokenwords.jobs.replaced_folder import replaced_folder
from spokenwords.recordings import synthetic_negatives

with job_log(snakemake.log[0]):
    contents = Path(snakemake.output.contents)
    with replaced_folder(contents.parent) as folder:
        synthetic_negatives.write(folder, snakemake.params.words)
    contents.write_text("Synthesised.\n", encoding="utf-8")

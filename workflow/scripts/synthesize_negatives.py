"""Synthesise negatives with eSpeak NG: running speech, and words that are not classified."""

from pathlib import Path

from spokenwords.jobs import hashing
from spokenwords.jobs.log import job_log
from spokenwords.jobs.replaced_folder import replaced_folder
from spokenwords.recordings import synthetic_negatives

with job_log(snakemake.log[0]):
    contents = Path(snakemake.output.contents)
    with replaced_folder(contents.parent) as folder:
        synthetic_negatives.write(folder, snakemake.params.words)
    made = sorted(contents.parent.rglob("*.wav"))
    contents.write_text(hashing.digest_of_lines(map(hashing.hash_of, made)), encoding="utf-8")

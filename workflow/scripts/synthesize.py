"""Synthesise the demo's recordings with eSpeak NG."""

from pathlib import Path

from spokenwords.jobs.log import job_log
from spokenwords.jobs.replaced_folder import replaced_folder
from spokenwords.recordings import synthesis

with job_log(snakemake.log[0]):
    contents, words = Path(snakemake.output.contents), snakemake.params.words
    if words == "all":
        words = synthesis.SPEECH_COMMANDS_WORDS
    with replaced_folder(contents.parent) as folder:
        synthesis.write_dataset(folder, words, **snakemake.params.synthetic)
    contents.write_text(f"Synthesised: {dict(snakemake.params.synthetic)}.\n", encoding="utf-8")

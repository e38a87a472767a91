"""What each recording of one word is."""

from pathlib import Path

from spokenwords import inventory, progress

with progress.job_log(snakemake.log[0]):
    table = inventory.of_word(Path(snakemake.resources.folder), snakemake.wildcards.word)
    table.to_csv(snakemake.output.inventory, index=False)

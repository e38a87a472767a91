"""Write the inventory of one word."""

from pathlib import Path

from spokenwords.jobs.log import job_log
from spokenwords.recordings import inventory, inventory_file

with job_log(snakemake.log[0]):
    table = snakemake.params.table
    rows = inventory.of_word(
        Path(snakemake.params.folder),
        snakemake.wildcards.word,
        Path(table) if table else None,
        **snakemake.params.audio,
    )
    inventory_file.write(rows, Path(snakemake.output.inventory))

"""All recordings taken together: sums, duplicates, oddities, and those that cannot be read."""

from pathlib import Path

from spokenwords import inventory, progress

with progress.job_log(snakemake.log[0]):
    inventories = {Path(path).stem: inventory.read(path) for path in snakemake.input.inventories}
    audio = snakemake.params.audio
    tables = inventory.check(inventories, audio["sample_rate"], audio["seconds"])
    inventory.report(tables)
    inventory.refuse(tables, skip_unreadable=snakemake.params.on_unreadable == "skip")
    for name, table in tables.items():
        table.to_csv(snakemake.output[name], index=False)

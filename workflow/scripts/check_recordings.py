"""All recordings taken together: sums, duplicates, oddities, and those that cannot be read."""

from pathlib import Path

from spokenwords import dataset, inventories, progress

with progress.job_log(snakemake.log[0]):
    words = {Path(path).stem: inventories.read(path) for path in snakemake.input.inventories}
    audio = snakemake.params.audio
    tables = inventories.check(words, audio["sample_rate"], audio["seconds"])
    inventories.report(tables)
    dataset.report_skipped(dataset.files_of_words(Path(snakemake.resources.folder)))
    inventories.refuse(tables, skip_unreadable=snakemake.params.on_unreadable == "skip")
    for name, table in tables.items():
        table.to_csv(snakemake.output[name], index=False)

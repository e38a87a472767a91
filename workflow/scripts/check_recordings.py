"""Check all recordings together: summary, duplicates, oddities and unreadable files."""

from pathlib import Path

from spokenwords.jobs.log import job_log
from spokenwords.recordings import checks, data_folder

with job_log(snakemake.log[0]):
    words = {Path(path).stem: checks.read(path) for path in snakemake.input.inventories}
    audio = snakemake.params.audio
    tables = checks.check(words, audio["sample_rate"], audio["seconds"])
    checks.report(tables)
    data_folder.report_skipped(data_folder.files_of_words(Path(snakemake.params.folder)))
    checks.refuse(tables, skip_unreadable=snakemake.params.on_unreadable == "skip")
    for name, table in tables.items():
        table.to_csv(snakemake.output[name], index=False)

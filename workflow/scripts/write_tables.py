"""Tables as one HTML page on which they can be sorted and filtered."""

from pathlib import Path

from spokenwords.jobs.log import job_log
from spokenwords.report import pages

with job_log(snakemake.log[0]):
    page = pages.of_tables(
        Path(snakemake.resources.template).read_text(encoding="utf-8"),
        snakemake.params.title,
        {snakemake.input[name]: text for name, text in snakemake.params.tables.items()},
    )
    Path(snakemake.output.page).write_text(page, encoding="utf-8")

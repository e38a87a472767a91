"""Tables as one HTML page on which they can be sorted and filtered."""

from pathlib import Path

import yaml

from spokenwords.jobs.log import job_log
from spokenwords.report import pages

with job_log(snakemake.log[0]):
    templates = Path(snakemake.scriptdir).parent / "report"
    texts = yaml.safe_load((templates / snakemake.params.page).read_text(encoding="utf-8"))
    page = pages.of_tables(
        (templates / "tables.html").read_text(encoding="utf-8"),
        texts["title"].format(**snakemake.wildcards),
        {
            snakemake.input[name]: (table["title"], table["text"])
            for name, table in texts["tables"].items()
        },
    )
    Path(snakemake.output.page).write_text(page, encoding="utf-8")

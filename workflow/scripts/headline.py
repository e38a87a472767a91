"""The opening page of the report."""

from pathlib import Path

from spokenwords.jobs.log import job_log
from spokenwords.report import headline

with job_log(snakemake.log[0]):
    opening = Path(snakemake.scriptdir).parent / "report" / snakemake.params.page
    figures = headline.of_files(
        snakemake.params.runs,
        map(Path, snakemake.input.metrics),
        map(Path, snakemake.input.splits),
        map(Path, snakemake.input.features),
        Path(snakemake.input.recordings),
        snakemake.params.source,
        map(Path, snakemake.input.streams),
    )
    page = opening.read_text(encoding="utf-8").replace(headline.MARK, figures)
    Path(snakemake.output.page).write_text(page, encoding="utf-8")

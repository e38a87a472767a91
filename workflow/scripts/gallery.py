"""The error gallery: sounds and spectrograms of a run's mistakes, as one HTML page."""

import json
from pathlib import Path

from spokenwords.evaluation import predictions
from spokenwords.jobs.log import job_log
from spokenwords.report import gallery

with job_log(snakemake.log[0]):
    rate = snakemake.params.audio["sample_rate"]
    template = Path(snakemake.scriptdir).parent / "report/gallery.html"
    page = gallery.page(
        template.read_text(encoding="utf-8"),
        snakemake.wildcards.run,
        json.loads(Path(snakemake.input.metrics).read_text()),
        predictions.read(snakemake.input.predictions),
        Path(snakemake.params.folder),
        rate,
        round(snakemake.params.audio["seconds"] * rate),
        snakemake.params.audio["window"],
    )
    Path(snakemake.output.page).write_text(page, encoding="utf-8")

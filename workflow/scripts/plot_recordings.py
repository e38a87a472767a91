"""Plot of all recordings: their number, speakers, levels and lengths."""

from pathlib import Path

import pandas as pd

from spokenwords.jobs.log import job_log
from spokenwords.recordings import checks
from spokenwords.report.plots import dataset, style

with job_log(snakemake.log[0]):
    recordings = pd.concat(
        checks.usable(checks.read(path)).assign(word=Path(path).stem)
        for path in snakemake.input.inventories
    )
    recordings["seconds"] = recordings["samples"] / recordings["sample_rate"]
    oddities = pd.read_csv(snakemake.input.oddities)["oddity"]
    style.save(dataset.recordings(recordings, oddities), snakemake.output.plot)

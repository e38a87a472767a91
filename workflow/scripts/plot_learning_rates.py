"""Plot of the range test, with the suggested and the used learning rate."""

import pandas as pd

from spokenwords.jobs.log import job_log
from spokenwords.report.plots import style, training
from spokenwords.training import suggested_rate

with job_log(snakemake.log[0]):
    rates = pd.read_csv(snakemake.input.rates)
    suggested = suggested_rate.suggestion(rates)
    used = snakemake.params.settings["max_lr"]
    figure = training.learning_rates(rates, suggested, suggested if used == "auto" else used)
    style.save(figure, snakemake.output.plot)

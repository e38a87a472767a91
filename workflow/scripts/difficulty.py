"""Which recordings are hard for a run: error rates over properties, and a model of all."""

from spokenwords.evaluation import difficulty, difficulty_model, predictions
from spokenwords.jobs.log import job_log
from spokenwords.recordings import acoustics
from spokenwords.report.plots import style
from spokenwords.report.plots.difficulty import difficulty as plot

with job_log(snakemake.log[0]):
    recordings = difficulty.join(
        predictions.read(snakemake.input.predictions), acoustics.read(snakemake.input.properties)
    )
    rates, model = difficulty.rates(recordings), difficulty_model.fit(recordings)
    rates.to_csv(snakemake.output.rates, index=False, float_format="%.6g")
    model.to_csv(snakemake.output.model, index=False, float_format="%.6g")
    style.save(plot(rates, model), snakemake.output.plot)

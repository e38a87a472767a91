"""What makes a recording hard for a run: error rates over properties, and a model of all."""

from spokenwords import difficulty, difficulty_model, predictions, progress, properties
from spokenwords.plots import style
from spokenwords.plots.difficulty import difficulty as plot

with progress.job_log(snakemake.log[0]):
    recordings = difficulty.join(
        predictions.read(snakemake.input.predictions), properties.read(snakemake.input.properties)
    )
    rates, model = difficulty.rates(recordings), difficulty_model.fit(recordings)
    rates.to_csv(snakemake.output.rates, index=False, float_format="%.6g")
    model.to_csv(snakemake.output.model, index=False, float_format="%.6g")
    style.save(plot(rates, model), snakemake.output.plot)

"""Calibration of a run's probabilities, and accuracy with selective answers."""

from spokenwords.evaluation import calibration, predictions
from spokenwords.jobs.log import job_log
from spokenwords.report.plots import style
from spokenwords.report.plots.calibration import calibration as plot

with job_log(snakemake.log[0]):
    answers = calibration.of(predictions.read(snakemake.input.predictions))
    reliability, coverage = calibration.reliability(answers), calibration.coverage(answers)
    reliability.to_csv(snakemake.output.reliability, index=False, float_format="%.6g")
    coverage.to_csv(snakemake.output.coverage, index=False, float_format="%.6g")
    figure = plot(reliability, coverage, calibration.expected_error(answers))
    style.save(figure, snakemake.output.plot)

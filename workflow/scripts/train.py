"""Train the model of a run."""

from spokenwords.jobs.log import job_log
from spokenwords.training import job

with job_log(snakemake.log[0]):
    job.run(
        job.Job(
            settings=dict(snakemake.params.settings),
            code=snakemake.params.code,
            threads=snakemake.threads,
            inputs=list(snakemake.input),
            stores=list(snakemake.input.stores),
            silence=list(snakemake.input.silence),
            segments=list(snakemake.input.segments),
            noise=list(snakemake.input.noise),
            negatives=list(snakemake.input.negatives),
            negative_segments=list(snakemake.input.negative_segments),
            negative_parts=list(snakemake.input.negative_parts),
            folders_of_negatives=[str(folder) for folder in snakemake.params.negatives],
            train=snakemake.input.train,
            valid=snakemake.input.valid,
            rates=snakemake.input.rates or None,
            model=snakemake.output.model,
            log=snakemake.output.log,
            summary=snakemake.output.summary,
        )
    )

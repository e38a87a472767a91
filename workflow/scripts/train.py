"""A model: the run's network, trained from the stores."""

from spokenwords.jobs.log import job_log
from spokenwords.training.job import Job, make_model

with job_log(snakemake.log[0]):
    job = Job(
        settings=dict(snakemake.params.settings),
        code=snakemake.params.code,
        threads=snakemake.threads,
        inputs=list(snakemake.input),
        stores=list(snakemake.input.stores),
        train=snakemake.input.train,
        valid=snakemake.input.valid,
        model=snakemake.output.model,
        log=snakemake.output.log,
        summary=snakemake.output.summary,
        silence=list(snakemake.input.get("silence", [])),
        segments=list(snakemake.input.get("segments", [])),
        noise=list(snakemake.input.get("noise", [])),
        rates=snakemake.input.get("rates"),
    )
    make_model(job)

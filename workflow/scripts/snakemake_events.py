"""What the workflow adds where Snakemake plans, retries and reports jobs.

It uses parts of Snakemake 9.27 that are not documented.
"""

import logging
from pathlib import Path
from typing import Any

from snakemake.common import NOTHING_TO_BE_DONE_MSG
from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

from spokenwords.jobs import summary
from spokenwords.wording import counted, some


class UnrecordedResults(logging.Handler):
    """Warns of results that Snakemake has no record of, once jobs are planned.

    No hook runs if nothing is to be done, such as after a copy of all results without their record.
    """

    def __init__(self, workflow: Any) -> None:
        super().__init__()
        self.workflow, self.warned = workflow, False

    def emit(self, record: logging.LogRecord) -> None:
        planned = getattr(record, "event", None) is LogEvent.RUN_INFO
        if self.warned or not (planned or record.msg == NOTHING_TO_BE_DONE_MSG):
            return
        self.warned = True
        try:
            self.warn(self.workflow.dag)
        except Exception as error:
            # Jobs run all the same.
            logger.debug(f"Records were not checked: {type(error).__name__}: {error}")

    def warn(self, dag: Any) -> None:
        jobs = [job for job in dag.jobs if dag.reason(job).no_metadata and not dag.needrun(job)]
        if jobs:
            named = some(sorted({job.rule.name for job in jobs}), summary.NAMED)
            logger.warning(
                "Warning: .snakemake has no record of how results of "
                f"{counted(len(jobs), 'job')} were made ({named}); they may have been copied "
                "without it. Changes of settings or recordings will not be noticed there. Repeat "
                "this command with --touch --forceall to accept these results as up to date, or "
                "with --forceall (or --forcerun and names of rules) to recompute them."
            )


def failures_of(job: Any, since: float) -> list[summary.Failure]:
    """Return the failures of a job or of the jobs in a group; logs older than `since` do not count.

    `since` is in s since the epoch.
    """
    failures = []
    for single in getattr(job, "jobs", [job]):
        wildcards = ", ".join(f"{key} {value}" for key, value in single.wildcards.items())
        name = f"{single.rule.name} ({wildcards})" if wildcards else single.rule.name
        log = next(map(str, single.log), None)
        error = summary.error_in(Path(log), since) if log else None
        failures.append(summary.Failure(name, log, error))
    return [failure for failure in failures if failure.error] or failures


def retry_only_what_may_help(scheduler: Any, since: float) -> None:
    """Run no job again whose log ends with an error, whatever `retries` the profile has.

    Snakemake would repeat any job that failed. More memory or time helps one that was killed.
    """
    handle_error = scheduler.error_callback

    def error_callback(job: Any) -> None:
        if any(failure.lasts for failure in failures_of(job, since)):
            job.attempt = job.restart_times + 1
        handle_error(job)

    scheduler.error_callback = error_callback

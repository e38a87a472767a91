# What the workflow itself says before and after all jobs, and what it does about those that failed.

import logging
import tempfile

import snakemake_report
from snakemake.common import NOTHING_TO_BE_DONE_MSG
from snakemake_interface_logger_plugins.common import LogEvent
from spokenwords.jobs import summary
from spokenwords.wording import counted, some


class UnrecordedResults(logging.Handler):
    """Warns of results of which Snakemake has no record, once its jobs are planned.

    No hook runs where nothing is to be done, as where all results were copied without their record.
    """

    warned = False

    def emit(self, record):
        planned = getattr(record, "event", None) is LogEvent.RUN_INFO
        if self.warned or not (planned or record.msg == NOTHING_TO_BE_DONE_MSG):
            return
        self.warned = True
        try:
            self.warn(workflow.dag)
        except Exception as error:
            # What is run is not changed by it.
            logger.debug(f"No look at records: {type(error).__name__}: {error}")

    def warn(self, dag):
        jobs = [
            job
            for job in dag.jobs
            if dag.reason(job).no_metadata and not dag.needrun(job)
        ]
        if jobs:
            named = some(sorted({job.rule.name for job in jobs}), summary.NAMED)
            logger.warning(
                "Warning: .snakemake has no record of how results of "
                f"{counted(len(jobs), 'job')} came about, as if copied without it ({named}). "
                "Changed settings or recordings will not be noticed there. Repeat this command with "
                "--touch --forceall to take these results as made from what is there now, or with "
                "--forceall (or --forcerun and names of rules) to make them again."
            )


if workflow.is_main_process:
    logger.addHandler(UnrecordedResults())


def failures_of(job):
    """What failed in a job or, of a group of jobs, in which of them."""
    started = workflow.start_time.timestamp()
    failures = []
    for single in getattr(job, "jobs", [job]):
        wildcards = ", ".join(
            f"{key} {value}" for key, value in single.wildcards.items()
        )
        name = f"{single.rule.name} ({wildcards})" if wildcards else single.rule.name
        log = next(map(str, single.log), None)
        error = summary.error_in(Path(log), started) if log else None
        failures.append(summary.Failure(name, log, error))
    return [failure for failure in failures if failure.error] or failures


def retry_only_what_may_help(scheduler):
    """Have no job run again that said why it failed, whatever retries the profile asks for.

    Snakemake would run it again for any failure. More memory or time helps one that was killed.
    """
    handle_error = scheduler.error_callback

    def error_callback(job):
        if any(failure.lasts for failure in failures_of(job)):
            job.attempt = job.restart_times + 1
        handle_error(job)

    scheduler.error_callback = error_callback


def incomplete_report(job, runs, failures):
    """Make the report that a job did not make, of the files that are there.

    Return its path, or None where no run was evaluated.
    """
    # Its imports take a second, which each start of Snakemake would wait for.
    from spokenwords.report import headline

    unmade = {
        str(file) for other in workflow.dag.needrun_jobs() for file in other.output
    }

    def there(files):
        files = [str(file).replace("<results>", str(RESULTS)) for file in files]
        return [file for file in files if file not in unmade and os.path.exists(file)]

    evaluated = [run for run in runs if there([f"<results>/runs/{run}/metrics.json"])]
    if not evaluated:
        return None
    files = inputs_of_headline(evaluated)
    if not (recordings := there([files.pop("recordings")])):
        raise UserError("recordings/summary.csv is missing.")
    opening = headline.of_files(
        facts_of(evaluated),
        **{kind: there(paths) for kind, paths in files.items()},
        recordings=recordings[0],
        source=config["dataset"]["source"],
    )
    missing = sorted(set(map(str, job.input)).difference(there(job.input)))
    place = Path(job.input.headline)
    snakemake_report.write_config(config, place.with_name("config.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        # Its name tells captions which report it is.
        page = Path(folder) / place.relative_to(RESULTS)
        page.parent.mkdir(exist_ok=True)
        text = headline.incomplete(failures, missing) + opening
        page.write_text(text, encoding="utf-8")
        made = Path(folder) / "report.html"
        snakemake_report.write(
            str(made),
            there(job.input),
            str(page),
            config,
            job.resources.snakefile,
            job.resources.stylesheet,
        )
        # Marked as of a job that was interrupted, the page never passes for the whole report.
        workflow.persistence.started(job)
        Path(job.output.page).write_bytes(made.read_bytes())
    return job.output.page


def lines_of_success():
    """What was made by the rules that were asked for, the report last."""
    settings = workflow.dag_settings
    if workflow.touch or settings.until or settings.omit_from or settings.batch:
        return []
    asked = {rule.name for rule in workflow.dag.targetrules}
    evaluated = [
        *(TRAINED if "all" in asked else []),
        *(COMPARED if "compare" in asked else []),
    ]
    lines = [
        summary.of_run(run, RUNS[run]["split"], RESULTS / "runs" / run)
        for run in dict.fromkeys(evaluated)
    ]
    for run in TRAINED:
        if "predict" in asked:
            lines.append(
                f"Run {run}: the words found are in {RESULTS}/predicted/{run}.csv."
            )
        if "export" in asked:
            lines.append(
                f"Run {run}: the exported model is in {RESULTS}/runs/{run}/export/."
            )
    if "compare" in asked:
        lines.append(f"The comparison is {RESULTS}/comparison.html.")
    if "all" in asked:
        lines.append(f"The report is {RESULTS}/report.html.")
    return lines


def lines_of_failure(log):
    """What failed and why; on the way, reports are made of what is there."""
    scheduler = workflow.scheduler
    failures = [failure for job in scheduler.failed for failure in failures_of(job)]
    failures.sort(key=lambda failure: failure.job)
    lines = summary.of_failures(failures)
    lines += [f"Error: {fault}\n" for fault in FAULTS]
    # Not where it was interrupted or terminated as well, which is to end soon.
    if failures and not scheduler.running and not scheduler._user_kill:
        reports = {"html_report": TRAINED, "html_comparison": COMPARED}
        for job in list(workflow.dag.needrun_jobs()):
            if job.rule.name in reports and job not in scheduler.failed:
                try:
                    page = incomplete_report(job, reports[job.rule.name], failures)
                except Exception as error:
                    lines.append(f"The report could not be made without: {error}")
                else:
                    if page:
                        lines.append(f"The report {page} lacks what failed.")
    end = (
        "Stopped" if failures or FAULTS or scheduler._executor_error else "Interrupted"
    )
    lines.append(
        f"{end}: what is finished is kept, and the same command goes on from there."
        f"\nSnakemake's log: {', '.join(log)}"
    )
    return lines


def say_last(level, lines_of, *arguments):
    """Log lines, and have Snakemake add none to them."""
    try:
        lines = lines_of(*arguments)
    except Exception as error:
        # What was made, or failed, is not changed by it.
        logger.debug(f"No last lines: {type(error).__name__}: {error}")
        return
    if lines:
        logger.log(level, "\n".join(["", *lines]))
        logger.setLevel(logging.CRITICAL)


onstart:
    retry_only_what_may_help(workflow.scheduler)


onsuccess:
    say_last(logging.INFO, lines_of_success)


onerror:
    say_last(logging.ERROR, lines_of_failure, log)

# Needs the targets. Makes Snakemake's last lines, and a report of what is there when jobs failed.

import logging
import tempfile

import snakemake_events
from spokenwords.jobs import summary

REPORTS = {
    rules.html_report.rule: (TRAINED, "opening_report.rst"),
    rules.html_comparison.rule: (COMPARED, "opening_comparison.rst"),
}
STARTED = workflow.start_time.timestamp()


def incomplete_report(job, failures):
    """Make the report of a job that did not run, of the files that are there.

    Return its path, or None if no run was evaluated.
    """
    # Not above: its imports would add a second to each start of Snakemake.
    from spokenwords.report import headline

    pending = {
        str(file) for other in workflow.dag.needrun_jobs() for file in other.output
    }

    def there(files):
        return [
            file
            for file in map(str, files)
            if file not in pending and os.path.exists(file)
        ]

    runs, template = REPORTS[job.rule]
    metrics = rules.evaluate.output.metrics
    evaluated = {
        run: settings
        for run, settings in runs.items()
        if there(collect(metrics, run=run))
    }
    if not evaluated:
        return None
    files = inputs_of_headline(evaluated)
    if not there([files["recordings"]]):
        raise UserError(f"{files['recordings']} is missing.")
    figures = headline.of_files(
        facts_of(evaluated),
        map(Path, there(files["metrics"])),
        map(Path, there(files["splits"])),
        map(Path, there(files["features"])),
        Path(files["recordings"]),
        config["dataset"]["source"],
        map(Path, there(files["streams"])),
    )
    missing = sorted(set(map(str, job.input)).difference(there(job.input)))
    text = (REPORT / template).read_text(encoding="utf-8")
    text = text.replace(headline.MARK, headline.incomplete(failures, missing) + figures)
    snakemake_report.write_config(
        config, Path(job.input.headline).with_name("config.yaml")
    )
    with tempfile.TemporaryDirectory() as folder:
        page, report = Path(folder) / "headline.rst", Path(folder) / "report.html"
        page.write_text(text, encoding="utf-8")
        snakemake_report.write(str(report), there(job.input), str(page), config)
        # Recorded as of an interrupted job, it never passes for the whole report.
        workflow.persistence.started(job)
        Path(job.output.page).write_bytes(report.read_bytes())
    return job.output.page


def lines_of_success():
    """What was made for the targets that were asked for, the report last."""
    settings = workflow.dag_settings
    if workflow.touch or settings.until or settings.omit_from or settings.batch:
        return []
    # Rules of a module may have other names.
    names = ("all", "compare", "predict", "export")
    targets = workflow.dag.targetrules
    asked = {name for name in names if getattr(rules, name).rule in targets}
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
    """What failed and why. Reports are made of what is there."""
    scheduler = workflow.scheduler
    failures = [
        failure
        for job in scheduler.failed
        for failure in snakemake_events.failures_of(job, STARTED)
    ]
    failures.sort(key=lambda failure: failure.job)
    lines = summary.of_failures(failures)
    lines += [f"Error: {error}\n" for error in ERRORS]
    # After an interruption Snakemake is to end soon.
    if failures and not scheduler.running and not scheduler._user_kill:
        unmade = [job for job in workflow.dag.needrun_jobs() if job.rule in REPORTS]
        for job in set(unmade).difference(scheduler.failed):
            try:
                page = incomplete_report(job, failures)
            except Exception as error:
                lines.append(f"The report could not be made: {error}")
            else:
                if page:
                    lines.append(f"The report {page} is incomplete.")
    stopped = failures or ERRORS or scheduler._executor_error
    lines.append(
        f"{'Stopped' if stopped else 'Interrupted'}: finished results are kept; repeat the "
        f"command to resume.\nSnakemake's log: {', '.join(log)}"
    )
    return lines


def end_with(level, lines_of, *arguments):
    """Log the last lines, and keep Snakemake from adding its own."""
    try:
        lines = lines_of(*arguments)
    except Exception as error:
        # Results are there all the same.
        logger.debug(f"No last lines: {type(error).__name__}: {error}")
        return
    if lines:
        logger.log(level, "\n".join(["", *lines]))
        logger.setLevel(logging.CRITICAL)


# All rules have their fingerprints now.
CODE.remember()

if workflow.is_main_process:
    logger.addHandler(snakemake_events.UnrecordedResults(workflow))


# A Snakefile that imports this one as a module has its own; it may call those of the module.


onstart:
    snakemake_events.retry_only_what_may_help(workflow.scheduler, STARTED)


onsuccess:
    end_with(logging.INFO, lines_of_success)


onerror:
    end_with(logging.ERROR, lines_of_failure, log)

"""The last lines of an invocation: its results and the jobs that failed."""

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spokenwords.jobs.machine_errors import OUT_OF_MEMORY
from spokenwords.wording import counted, some

# A file server's clock may be behind by up to this, s.
CLOCKS = 60
# Jobs, logs or files named in one line; the others are counted.
NAMED = 5


@dataclass(frozen=True)
class Failure:
    """A job that failed, its log (if it has one) and the last error in the log."""

    job: str
    log: str | None = None
    error: str | None = None

    @property
    def lasts(self) -> bool:
        """Whether the job would fail again with more memory or time."""
        return bool(self.error and not self.error.startswith(f"Error: {OUT_OF_MEMORY}"))


def error_in(log: Path, since: float) -> str | None:
    """Return the last error in a log by `log.job_log`, without time and name of the log, or None.

    A log last written before `since` (s since the epoch) belongs to an earlier job: this one did
    not start, or did not get far.
    """
    try:
        if log.stat().st_mtime < since - CLOCKS:
            return None
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # Messages of libraries have no time.
    _, *messages = re.split(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", text, flags=re.MULTILINE)
    errors = [message.strip() for message in messages if message.startswith("Error: ")]
    return errors[-1].removesuffix(f" (traceback in {log})").strip() if errors else None


def of_run(run: str, split: str, folder: Path) -> str:
    """Return a line about an evaluated run: its accuracy and its test set.

    `folder` has the run's metrics.json and predictions.csv. Raises `OSError` if one is missing.
    """
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    low, high = metrics["accuracy_interval"]
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    # Silence has no speaker. A recording without a speaker has its file instead.
    speakers = {row["speaker"] for row in rows} - {""}
    known = speakers.isdisjoint(row["file"] for row in rows)
    of_speakers = f" of {counted(len(speakers), 'speaker')}" if speakers and known else ""
    return (
        f"Run {run}: test accuracy {metrics['accuracy']:.2%} (95 % interval {low:.2%} to "
        f"{high:.2%}), {counted(metrics['recordings'], 'recording')}{of_speakers}, split {split}."
    )


def of_failures(failures: Iterable[Failure]) -> list[str]:
    """Return lines with each error once, and the jobs and logs where it occurred."""
    lines = []
    for error, alike in _by_error(failures).items():
        lines.append(f"Failed: {some((failure.job for failure in alike), NAMED)}.")
        lines.append(
            error
            or "The log has no error: the job was killed, did not start, or its output is missing."
        )
        if logs := [failure.log for failure in alike if failure.log]:
            lines.append(f"Log: {some(logs, NAMED)}")
        lines.append("")
    return lines


def _by_error(failures: Iterable[Failure]) -> dict[str | None, list[Failure]]:
    grouped: dict[str | None, list[Failure]] = {}
    for failure in failures:
        grouped.setdefault(failure.error, []).append(failure)
    return grouped

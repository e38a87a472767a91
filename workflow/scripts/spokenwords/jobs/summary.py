"""The last lines of an invocation: what was made, and what failed."""

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spokenwords.jobs.machine_errors import OUT_OF_MEMORY
from spokenwords.wording import counted, some

# A file server's clock may be behind this one's by so much, s.
CLOCKS = 60
# Jobs, logs or files named in one line; the others are counted.
NAMED = 5


@dataclass(frozen=True)
class Failure:
    """A job that failed, its log (None if it has none) and the error that the log ends with."""

    job: str
    log: str | None = None
    error: str | None = None

    @property
    def lasts(self) -> bool:
        """Whether the job would fail in the same way with more memory or time."""
        return bool(self.error and not self.error.startswith(f"Error: {OUT_OF_MEMORY}"))


def error_in(log: Path, since: float) -> str | None:
    """The last error in a job's log, without its time and without the log's name, or None.

    The log is one that `progress.job_log` writes. One that was last written before `since` (s since
    the epoch) is that of an earlier job: the one in question did not start, or did not get far.
    """
    try:
        if log.stat().st_mtime < since - CLOCKS:
            return None
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # What libraries write has no time.
    _, *messages = re.split(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", text, flags=re.MULTILINE)
    errors = [message.strip() for message in messages if message.startswith("Error: ")]
    return errors[-1].removesuffix(f" (traceback in {log})").strip() if errors else None


def of_run(run: str, split: str, folder: Path) -> str:
    """A line about an evaluated run: its accuracy, and what it was tested on.

    `folder` has the run's metrics.json and predictions.csv. Raises `OSError` if it does not.
    """
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    low, high = metrics["accuracy_interval"]
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    # Silence has no speaker. One that names do not tell is called by the file.
    speakers = {row["speaker"] for row in rows} - {""}
    known = speakers.isdisjoint(row["file"] for row in rows)
    of_speakers = f" of {counted(len(speakers), 'speaker')}" if speakers and known else ""
    return (
        f"Run {run}: test accuracy {metrics['accuracy']:.2%} (95 % interval {low:.2%} to "
        f"{high:.2%}), {counted(metrics['recordings'], 'recording')}{of_speakers}, split {split}."
    )


def of_failures(failures: Iterable[Failure]) -> list[str]:
    """Each error of these jobs once, with the jobs and the logs that have it."""
    lines = []
    for error, alike in _by_error(failures).items():
        lines.append(f"Failed: {some((failure.job for failure in alike), NAMED)}.")
        unknown = "the job was killed, could not start, or did not leave its files."
        lines.append(error or f"The log has no error: {unknown}")
        if logs := [failure.log for failure in alike if failure.log]:
            lines.append(f"Log: {some(logs, NAMED)}")
        lines.append("")
    return lines


def _by_error(failures: Iterable[Failure]) -> dict[str | None, list[Failure]]:
    grouped: dict[str | None, list[Failure]] = {}
    for failure in failures:
        grouped.setdefault(failure.error, []).append(failure)
    return grouped

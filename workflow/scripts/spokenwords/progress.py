"""A job's log, and the lines that tell how far it has come."""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from spokenwords.errors import UserError, machine_fault

logger = logging.getLogger("spokenwords")


@contextmanager
def job_log(path: str) -> Iterator[None]:
    """Run a job's work with its messages in the log file `path` and on the terminal.

    Whatever else the process writes to its standard error (warnings, messages of compiled
    libraries) goes to the log alone. A `UserError` and a `machine_fault` are told in a sentence,
    any other exception with its traceback in the log; all end the process with exit status 1.
    """
    terminal = os.fdopen(os.dup(2), "w", errors="backslashreplace")
    try:
        with open(path, "w") as file:  # noqa: PTH123
            os.dup2(file.fileno(), 2)
    except OSError as error:
        sys.exit(f"Error: {machine_fault(error) or error}")
    handlers = [logging.StreamHandler(sys.stderr), logging.StreamHandler(terminal)]
    handlers[0].setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = handlers
    try:
        yield
    except UserError as error:
        logger.error(f"Error: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        logger.error("Interrupted.")
        sys.exit(130)
    except Exception as error:
        if sentence := machine_fault(error):
            logger.error(f"Error: {sentence}")
            sys.exit(1)
        logger.error(f"Error: {type(error).__name__}: {error} (traceback in {path})")
        handlers[0].handle(
            logger.makeRecord(logger.name, logging.ERROR, path, 0, "", (), sys.exc_info())
        )
        sys.exit(1)


class Progress:
    """Tells, every few seconds, how much of a task is done, how fast it goes and what is left."""

    def __init__(self, task: str, total: int, unit: str, interval_seconds: float = 5.0):
        """`total` is counted in `unit`, a plural noun ("recordings")."""
        self.task, self.total, self.unit = task, total, unit
        self.interval = interval_seconds
        self.done = 0
        self.start = self.last = time.monotonic()

    def advance(self, count: int = 1, detail: str = "") -> None:
        """Count `count` more units as done; `detail` is added to the line, if one is due."""
        self.done += count
        now = time.monotonic()
        if now - self.last < self.interval:
            return
        self.last = now
        rate = self.done / (now - self.start)
        parts = [
            f"{self.done:,} of {self.total:,} {self.unit} ({self.done / self.total:.0%})",
            f"{rate:,.3g} a second" if rate < 100 else f"{rate:,.0f} a second",
            f"{duration((self.total - self.done) / rate)} left",
        ]
        logger.info(f"{self.task}: {', '.join(parts)}{'; ' + detail if detail else ''}")


def duration(seconds: float) -> str:
    """`seconds` in words: 42 s, 3 min 20 s, 2 h 5 min."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"

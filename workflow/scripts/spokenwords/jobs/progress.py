"""Progress lines of a job: the share done, the rate and the time left."""

import logging
import time

from spokenwords.wording import duration

logger = logging.getLogger("spokenwords")

BYTES_PER_MB = 1_000_000


class Progress:
    """Logs every few seconds how much of a task is done, its rate, and the time left."""

    def __init__(self, task: str, total: int, unit: str, interval_seconds: float = 5.0):
        """Start a task of `total` units; `unit` is a plural noun such as "recordings"."""
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
            f"{rate:,.3g} per second" if rate < 100 else f"{rate:,.0f} per second",
            f"{duration((self.total - self.done) / rate)} left",
        ]
        logger.info(f"{self.task}: {', '.join(parts)}{'; ' + detail if detail else ''}")


def megabytes_progress(task: str, total_bytes: int) -> Progress:
    """Return the progress of a task that handles `total_bytes`, counted in MB."""
    return Progress(task, max(1, -(-total_bytes // BYTES_PER_MB)), "MB")


def advance_to(progress: Progress, position_bytes: int) -> None:
    """Advance a progress in MB to `position_bytes` since the start of the task."""
    megabytes = position_bytes // BYTES_PER_MB - progress.done
    if megabytes > 0:
        progress.advance(megabytes)

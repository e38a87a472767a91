"""A job's log file, and errors that end a job with a message."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from spokenwords.errors import UserError
from spokenwords.jobs.machine_errors import machine_error

logger = logging.getLogger("spokenwords")


@contextmanager
def job_log(path: str) -> Iterator[None]:
    """Run a job with its messages in the log file `path` and on the terminal.

    Anything else that the process writes to standard error (warnings, messages of compiled
    libraries) goes to the log only. A `UserError` or `machine_error` is reported as a sentence.
    Any other exception is reported with its type, and its traceback is in the log. All of them end
    the process with exit status 1.
    """
    terminal = os.fdopen(os.dup(2), "w", errors="backslashreplace")
    try:
        with open(path, "w") as file:  # noqa: PTH123
            os.dup2(file.fileno(), 2)
    except OSError as error:
        sys.exit(f"Error: {machine_error(error) or error}")
    handlers: list[logging.Handler] = [
        logging.StreamHandler(sys.stderr),
        logging.StreamHandler(terminal),
    ]
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
        if sentence := machine_error(error):
            logger.error(f"Error: {sentence}")
            sys.exit(1)
        logger.error(f"Error: {type(error).__name__}: {error} (traceback in {path})")
        handlers[0].handle(
            logger.makeRecord(logger.name, logging.ERROR, path, 0, "", (), sys.exc_info())
        )
        sys.exit(1)

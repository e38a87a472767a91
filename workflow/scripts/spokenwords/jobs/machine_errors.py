"""Errors caused by the machine: a full disk, missing permissions, too little memory."""

import errno
import os
import re

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
TOO_MANY_OPEN = (errno.EMFILE, errno.ENFILE)
# Start of the message for too little memory; a job that ends with it may be retried with more.
OUT_OF_MEMORY = "There is not enough memory"


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error was caused by too little memory, also of a GPU."""
    # By its text: PyTorch has its own exceptions, and may not be imported.
    text = re.search("out of memory|can('t|not) allocate memory", str(error), re.IGNORECASE)
    return isinstance(error, MemoryError) or bool(
        isinstance(error, RuntimeError | OSError) and text
    )


def machine_error(error: BaseException | None) -> str | None:
    """Return the message for an error caused by the machine; None for other errors.

    Such errors are a full disk, missing permissions, too little memory and too many open files.
    The causes of the exception are checked too: PyTorch reports a failed write as another error.
    """
    if error is None:
        return None
    number, file = getattr(error, "errno", None), getattr(error, "filename", None)
    # A Snakemake started by the workflow reports errors of the system as text.
    if found := re.search(r"\[Errno (\d+)", str(error)):
        number = int(found[1])
    if number in FULL:
        return (
            f"The disk is full{f': {file}' if file else ''} ({os.strerror(number)}). Free some "
            "space or choose another disk (config keys pathvars.results, dataset.folder), then run "
            "the workflow again; finished files are kept."
        )
    if number in FORBIDDEN and file:
        return (
            f"{file} is not readable or not writable ({os.strerror(number)}). Change its "
            "permissions or choose another folder (config keys pathvars.results, dataset.folder), "
            "then run the workflow again."
        )
    if number in TOO_MANY_OPEN:
        return (
            f"Too many files are open ({os.strerror(number)}). Raise the limit with "
            "`ulimit -n 8192` or run fewer jobs at a time (--jobs), then run the workflow again."
        )
    if "CUDA out of memory" in str(error):
        # Not OUT_OF_MEMORY: retrying with more of the machine's memory does not help.
        return (
            "The GPU does not have enough memory. Stop other programs on it, use a larger one, or "
            "lower batch_size (config key of training or of the run), then run the workflow again; "
            "finished files are kept."
        )
    if is_out_of_memory(error):
        asked = re.search(r"(?:tried|unable) to allocate ([\d.]+ \w+)", str(error), re.IGNORECASE)
        wanted = f" ({asked[1]} requested)" if asked else ""
        return (
            f"{OUT_OF_MEMORY}{wanted}. Stop other programs, use a machine with more, or lower "
            "memory_budget or batch_size (config keys of training or of the run), then run the "
            "workflow again; finished files are kept."
        )
    return machine_error(error.__cause__ or error.__context__)

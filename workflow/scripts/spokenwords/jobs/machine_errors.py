"""Errors that come from the machine: a full disk, missing rights, too little memory."""

import errno
import os
import re

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
TOO_MANY_OPEN = (errno.EMFILE, errno.ENFILE)
# How the sentence for too little memory begins; a job that ends with it may be tried with more.
OUT_OF_MEMORY = "There is not enough memory"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error comes of too little memory, a GPU's included."""
    # PyTorch has errors of its own, which it cannot be asked about where it is not imported.
    text = re.search("out of memory|can('t|not) allocate memory", str(error), re.IGNORECASE)
    return isinstance(error, MemoryError) or bool(
        isinstance(error, RuntimeError | OSError) and text
    )


def machine_error(error: BaseException | None) -> str | None:
    """The sentence for an error that comes of the machine; None for others.

    That is a full disk, missing rights, too little memory, too many open files. What led to the
    error is looked at too: PyTorch reports a write that failed as something else.
    """
    if error is None:
        return None
    number, file = getattr(error, "errno", None), getattr(error, "filename", None)
    # zarrs, and a Snakemake of ours, report errors of the operating system as text.
    if found := re.search(r"(?:\(os error |\[Errno )(\d+)", str(error)):
        number = int(found[1])
    if number in FULL:
        return (
            f"No room to write{f' {file}' if file else ''} ({os.strerror(number)}): free some "
            "space, or choose another disk (config keys pathvars.results, dataset.folder), and run "
            "the workflow again; what is finished is kept."
        )
    if number in FORBIDDEN and file:
        return (
            f"{file} is not readable or not writable ({os.strerror(number)}): change its rights, "
            "or choose another folder (config keys pathvars.results, dataset.folder), and run the "
            "workflow again."
        )
    if number in TOO_MANY_OPEN:
        return (
            f"Too many files are open ({os.strerror(number)}): raise the limit with "
            "`ulimit -n 8192`, or run fewer jobs at a time (--jobs), and run the workflow again."
        )
    if "CUDA out of memory" in str(error):
        # More of the machine's memory, with which a job is tried again, does not help.
        return (
            "The GPU has not enough memory: end other programs on it, take one with more, or lower "
            "batch_size (config key of training or of the run), and run the workflow again; what "
            "is finished is kept."
        )
    if is_out_of_memory(error):
        asked = re.search(r"(?:tried|unable) to allocate ([\d.]+ \w+)", str(error), re.IGNORECASE)
        wanted = f" ({asked[1]} were asked for)" if asked else ""
        return (
            f"{OUT_OF_MEMORY}{wanted}: end other programs, take a machine with more, or "
            "lower memory_budget or batch_size (config keys of training or of the run), and run "
            "the workflow again; what is finished is kept."
        )
    return machine_error(error.__cause__ or error.__context__)

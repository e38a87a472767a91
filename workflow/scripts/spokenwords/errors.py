"""What is told to the user in a sentence, without a traceback."""

import errno
import os
import re

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


class UserError(Exception):
    """A fault that the user can mend.

    Its message is a sentence that says what is wrong, where (file or config key) and what to do.
    It is shown without a traceback.
    """


def machine_fault(error: BaseException | None) -> str | None:
    """The sentence for an error that comes of a full disk or of missing rights; None for others.

    What led to the error is looked at too: PyTorch reports a write that failed as something else.
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
            f"{file} may not be read or written ({os.strerror(number)}): change its "
            "rights, or choose another folder (config keys pathvars.results, dataset.folder), and "
            "run the workflow again."
        )
    return machine_fault(error.__cause__ or error.__context__)

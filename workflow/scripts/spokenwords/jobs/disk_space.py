"""Write permission and free disk space, checked before a long job."""

import os
import shutil
from pathlib import Path

from spokenwords.errors import UserError
from spokenwords.jobs.progress import BYTES_PER_MB


def require_space(path: Path, bytes_needed: float, purpose: str) -> None:
    """Check that `bytes_needed` are free on the disk of `path`, which exists.

    Raises UserError if not; its message includes the `purpose` ("unpacking …").
    """
    free = shutil.disk_usage(path).free
    if free < bytes_needed:
        raise UserError(
            f"The disk of {path.parent} is too full: {purpose} needs "
            f"{bytes_needed / BYTES_PER_MB:,.1f} MB, but only {free / BYTES_PER_MB:,.1f} MB are "
            "free. Free some space there or choose a folder on another disk."
        )


def require_writable(folder: Path, key: str) -> None:
    """Raise `UserError` if `folder` is not writable; `key` is its config key.

    If the folder does not exist yet, the nearest existing one above it is checked.
    """
    nearest = next(path for path in (folder, *folder.parents) if os.path.exists(path))  # noqa: PTH110
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UserError(
            f"The folder {nearest} is not writable (config key {key}). Change its permissions or "
            "choose another folder."
        )

"""Files and folders while they are made: next to their place, and each process has its own."""

import glob
import os
import platform
import shutil
import zlib
from contextlib import suppress
from pathlib import Path

import psutil


def beside(path: Path) -> Path:
    """Where this process makes what is renamed to `path` when it is complete; nothing is there.

    What processes of this machine left there that have ended, such as killed ones, is removed; what
    others are making stays.
    """
    # A name on another machine that shares the folder may have the same process number in it.
    machine = f"{zlib.crc32(platform.node().encode()):08x}"
    own = path.with_name(f".{path.name}.{machine}-{os.getpid()}.partial")
    for found in path.parent.glob(f".{glob.escape(path.name)}.{machine}-*.partial"):
        process = found.stem.rpartition("-")[2]
        if found == own or not (process.isdigit() and _lives(int(process))):
            remove(found)
    return own


def remove(path: Path) -> None:
    """Remove a file or a folder, as far as it is there and can be removed."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _lives(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

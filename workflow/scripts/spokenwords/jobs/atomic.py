"""Unfinished files and folders: each process makes its own next to the place they are for."""

import glob
import hashlib
import os
import platform
import shutil
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

STALE = 7 * 24 * 3600  # s
# Bytes of a name, to which some thirty are added; file systems have room for 255.
LONGEST = 200


def beside(path: Path) -> Path:
    """Return the place for what this process will rename to `path` when complete; nothing is there.

    Leftovers of ended processes are removed: of this machine those of processes that do not run, of
    others, such as containers, those that have not changed for `STALE`.
    """
    # A name on another machine that shares the folder may have the same process number in it.
    machine = f"{zlib.crc32(platform.node().encode()):08x}"
    name = path.name
    if len(os.fsencode(name)) > LONGEST:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    own = path.with_name(f".{name}.{machine}-{os.getpid()}.partial")
    for found in path.parent.glob(f".{glob.escape(name)}.{'[0-9a-f]' * 8}-*.partial"):
        host, _, process = found.stem.rpartition(".")[2].partition("-")
        if found == own or (_stale(found) if host != machine else not _lives(process)):
            remove(found)
    return own


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the place `beside` `path` for a folder that replaces it, or is removed on errors."""
    partial = beside(path)
    try:
        yield partial
    except BaseException:
        remove(partial)
        raise
    if path.exists():
        shutil.rmtree(path)
    partial.rename(path)


def remove(path: Path) -> None:
    """Remove a file or a folder, as far as it is there and can be removed."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _stale(path: Path) -> bool:
    with suppress(OSError):
        return time.time() - path.stat().st_mtime > STALE
    return False


def _lives(process: str) -> bool:
    try:
        return psutil.Process(int(process)).status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ValueError):
        return False

"""Files and folders that are complete or absent: written under another name, then renamed."""

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
# Bytes of a name, to which some thirty are added; file systems allow 255.
LONGEST = 200


def beside(path: Path) -> Path:
    """Return the path where this process writes what will become `path`; nothing exists there.

    Leftovers of ended processes are removed. For those of other machines or containers, a process
    counts as ended if its file or folder has not changed for `STALE`.
    """
    # A process on another machine that shares the folder may have the same number.
    machine = f"{zlib.crc32(platform.node().encode()):08x}"
    hidden = _hidden(path)
    own = path.with_name(f"{hidden}.{machine}-{os.getpid()}.partial")
    for found in path.parent.glob(f"{glob.escape(hidden)}.{'[0-9a-f]' * 8}-*.partial"):
        host, _, process = found.stem.rpartition(".")[2].partition("-")
        if found == own or (_stale(found) if host != machine else not _lives(process)):
            remove(found)
    return own


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Yield a path for a new file, which replaces `path` if the block raises no exception."""
    partial = beside(path)
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        remove(partial)
        raise


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yield a path for a new folder, which replaces `folder` if the block raises no exception.

    An existing `folder` stays unchanged until then. If it is a link to another folder, that one is
    replaced.
    """
    folder = folder.resolve()
    partial, former = beside(folder), folder.with_name(f"{_hidden(folder)}.former")
    if former.exists() and not folder.exists():  # A process ended between the two renames below.
        former.rename(folder)
    remove(former)
    try:
        yield partial
        if folder.exists():
            folder.rename(former)
        partial.rename(folder)
    except BaseException:
        if former.exists() and not folder.exists():
            former.rename(folder)
        remove(partial)
        raise
    remove(former)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it exists and can be removed."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _hidden(path: Path) -> str:
    """Return the name of a hidden file next to `path`, short enough for a suffix."""
    name = path.name
    if len(os.fsencode(name)) > LONGEST:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return f".{name}"


def _stale(path: Path) -> bool:
    with suppress(OSError):
        return time.time() - path.stat().st_mtime > STALE
    return False


def _lives(process: str) -> bool:
    try:
        return psutil.Process(int(process)).status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ValueError):
        return False

"""What files hold: content hashes, and digests of groups of files, remembered from call to call.

Snakemake asks at each call, of each recording: a million of them are listed, looked at and found
unchanged in a few seconds.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from spokenwords.jobs import atomic
from spokenwords.jobs.machine_errors import TOO_MANY_OPEN

UNREADABLE = "unreadable"
# Groups that are read at a time, at the most: more of them a disk is not faster with.
READERS = 8


def hash_of(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal digits; `UNREADABLE` where it cannot be read.

    Raises `OSError` where too many files are open.
    """
    try:
        # Reading a pipe or a device would never end.
        if not path.is_file():
            return UNREADABLE
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        if error.errno in TOO_MANY_OPEN:
            raise
        return UNREADABLE


def digests(groups: dict[str, tuple[Path, list[str]]], cache: Path) -> dict[str, str]:
    """SHA-256 over the (name, content hash) pairs of each group: names of files, from a folder on.

    The files of a group are read only where the size, times or inode of one of them differ from
    what they were when `cache` (a JSON file, kept up by this function) was written: they cannot all
    stay the same when its content changes, since no program sets the time of change (ctime).
    """
    known = _known(cache)
    states = {group: state(*files) for group, files in groups.items()}
    found = {group: known.get(group, ["", ""]) for group in groups}
    changed = [group for group in groups if found[group][0] != states[group]]
    # A thread a group: with one a file, they would mostly wait for each other.
    with ThreadPoolExecutor(min(READERS, os.cpu_count() or 1)) as threads:
        hashes = threads.map(lambda group: _hashes(*groups[group]), changed)
        for group, contents in zip(changed, hashes, strict=True):
            pairs = zip(groups[group][1], contents, strict=True)
            digest = digest_of_lines(f"{name}\0{content}" for name, content in pairs)
            found[group] = ["" if _failed(*groups[group], contents) else states[group], digest]
    readable = {group: entry for group, entry in found.items() if entry[0]}
    if readable != known:
        write_cache(cache, json.dumps(readable))
    return {group: digest for group, (_, digest) in found.items()}


def state(folder: Path, names: list[str]) -> str:
    """A digest of what tells one state of the files, from `folder` on, from another, unread."""
    try:
        # By way of the opened folder: joining a million paths takes as long as looking.
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # Its files may be looked at where it may not be read.
        paths = (os.path.join(folder, name) for name in names)  # noqa: PTH118
        identities = [_identity(path) for path in paths]
    else:
        try:
            identities = [_identity(name, opened) for name in names]
        finally:
            os.close(opened)
    return digest_of_lines(
        f"{name}\0{identity}" for name, identity in zip(names, identities, strict=True)
    )


def _identity(path: str, folder: int | None = None) -> str:
    """`path` begins at the opened `folder`, if there is one."""
    try:
        found = os.stat(path, dir_fd=folder)
    except OSError:  # a link to nowhere, for one
        return ""
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"


def _failed(folder: Path, names: list[str], contents: list[str]) -> bool:
    """Whether a file that is there could not be read, which is to be tried again next time."""
    return any(
        found == UNREADABLE and os.path.isfile(folder / name)  # noqa: PTH113 (Path's may raise)
        for name, found in zip(names, contents, strict=True)
    )


def _hashes(folder: Path, names: list[str]) -> list[str]:
    return [hash_of(folder / name) for name in names]


def digest_of(text: str) -> str:
    """Return the SHA-256 of a text, as hexadecimal digits."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def digest_of_lines(lines: Iterable[str]) -> str:
    """Return the SHA-256 of lines of text, as hexadecimal digits."""
    return digest_of("\n".join([*lines, ""]))


def _known(cache: Path) -> dict[str, list[str]]:
    """The cache's entries, [state, digest] by group; none where it is damaged."""
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
        return {group: [state, digest] for group, (state, digest) in known.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def remember(found: dict[str, str], path: Path) -> str:
    """Write digests by group to a JSON file; return the file's own, by which `remembered` knows it.

    Where the place cannot be written, `remembered` will not find them.
    """
    text = json.dumps(found)
    digest = digest_of(text)
    if remembered(digest, path) is None:
        write_cache(path, text)
    return digest


def remembered(digest: str, path: Path) -> dict[str, str] | None:
    """What `remember` wrote when it returned `digest`; None where the file is no longer that."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    return json.loads(text) if digest_of(text) == digest else None


def write_cache(path: Path, text: str) -> None:
    """Write a cache file; if `path` is not writable, go on without the cache."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic.written(path) as partial:
            partial.write_text(text, encoding="utf-8")

"""Content hashes of files, and digests of groups of files that are cached between invocations.

Each invocation checks every recording: a million unchanged files take a few seconds.
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
# Groups read at the same time; a disk is not faster with more.
READERS = 8


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as hexadecimal digits. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_if_readable(path: Path) -> str:
    """Return the `hash_of` a recording, or `UNREADABLE`.

    Raises `OSError` if too many files are open.
    """
    try:
        # Reading a pipe or a device would never end.
        return hash_of(path) if path.is_file() else UNREADABLE
    except OSError as error:
        if error.errno in TOO_MANY_OPEN:
            raise
        return UNREADABLE


def digests(groups: dict[str, tuple[Path, list[str]]], cache: Path) -> dict[str, str]:
    """Return the SHA-256 over the (name, content hash) pairs of each group.

    A group is a folder and names of files in it. `cache` is a JSON file that this function updates.
    A group is read again only if the size, times or inode of one of its files has changed since.
    Any change of content changes at least one of them, since no program can set the ctime.
    """
    known = _known(cache)
    states = {group: state(*files) for group, files in groups.items()}
    found = {group: known.get(group, ["", ""]) for group in groups}
    changed = [group for group in groups if found[group][0] != states[group]]
    # One thread per group: with one per file, they would mostly wait for each other.
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
    """Return a digest of the sizes, times and inodes of files in `folder`, without reading them."""
    try:
        # Relative to the opened folder: joining a million paths takes as long as the stat calls.
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # A folder that is not readable may still be searchable.
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
    """Return size, times and inode of a file; `path` is relative to an opened `folder`, if any."""
    try:
        found = os.stat(path, dir_fd=folder)
    except OSError:  # such as a broken link
        return ""
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"


def _failed(folder: Path, names: list[str], contents: list[str]) -> bool:
    """Return whether an existing file could not be read; the next call tries it again."""
    return any(
        found == UNREADABLE and os.path.isfile(folder / name)  # noqa: PTH113 (Path's may raise)
        for name, found in zip(names, contents, strict=True)
    )


def _hashes(folder: Path, names: list[str]) -> list[str]:
    return [hash_if_readable(folder / name) for name in names]


def digest_of(text: str) -> str:
    """Return the SHA-256 of a text, as hexadecimal digits."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def digest_of_lines(lines: Iterable[str]) -> str:
    """Return the SHA-256 of lines of text, as hexadecimal digits."""
    return digest_of("\n".join([*lines, ""]))


def _known(cache: Path) -> dict[str, list[str]]:
    """Return the cache's entries, [state, digest] by group; none if it is missing or damaged."""
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
        return {group: [state, digest] for group, (state, digest) in known.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def remember(found: dict[str, str], path: Path) -> str:
    """Write digests by group to a JSON file; return the file's own digest, for `remembered`.

    If `path` is not writable, `remembered` will return None.
    """
    text = json.dumps(found)
    digest = digest_of(text)
    if remembered(digest, path) is None:
        write_cache(path, text)
    return digest


def remembered(digest: str, path: Path) -> dict[str, str] | None:
    """Return what `remember` wrote when it returned `digest`, or None if the file has changed."""
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

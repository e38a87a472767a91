"""Fingerprints of scripts, from digests of modules that are cached between invocations.

Parsing all modules takes half a second, which each invocation and each job would spend.
"""

import hashlib
import json
from functools import cache
from pathlib import Path

from spokenwords.jobs import fingerprint, hashing

# The hash of a module's bytes, a digest of its meaning, and the names that it may import.
Entry = tuple[str, str, list[str]]


class Fingerprints:
    """Fingerprints of the scripts in a folder; only modules with new bytes are parsed.

    `path` is a JSON file with the modules of the last invocation.
    """

    def __init__(self, folder: Path, path: Path) -> None:
        self._folder, self._path = folder, path
        self._known, self._found = _known(path), dict[str, Entry]()
        # Other code of fingerprints may find other digests.
        self._method = Path(fingerprint.__file__).read_bytes()
        # Scripts share most modules.
        self._read_once = cache(self._read)

    def of_script(self, name: str) -> str:
        """Return `fingerprint.of_script` of the script of this name, and raise what that raises."""
        return fingerprint.of_script(self._folder / name, self._read_once)

    def remember(self) -> None:
        """Write the cache if a module has come, changed or gone; if it is not writable, go on."""
        if self._found != self._known:
            hashing.write_cache(self._path, json.dumps(self._found))

    def _read(self, path: Path, root: Path) -> tuple[str, list[Path]]:
        """Return what `fingerprint.of_module` does."""
        name, source = path.relative_to(root).as_posix(), path.read_bytes()
        content = hashlib.sha256(self._method + source).hexdigest()
        entry = self._known.get(name)
        if entry is None or entry[0] != content:
            entry = (content, *fingerprint.meaning(source, path, root))
        self._found[name] = entry
        return entry[1], fingerprint.local_files(entry[2], root)


def _known(path: Path) -> dict[str, Entry]:
    """Return the cache's entries by the module's path; none if it is missing or damaged."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8")).items()
        return {name: (content, digest, names) for name, (content, digest, names) in entries}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}

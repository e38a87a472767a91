"""The folder of recordings: its words, its speakers, its lists, and a digest of what it holds.

The layout is that of Speech Commands: `<word>/<speaker>_nohash_<take>.wav`, optionally with
`validation_list.txt` and `testing_list.txt`. Folders whose names start with `_` or `.` (such as
`_background_noise_`) are no words.
"""

import hashlib
import os
from pathlib import Path

from spokenwords import content
from spokenwords.errors import UserError

SUFFIXES = (".wav", ".flac", ".ogg", ".opus")
KINDS = "WAV, FLAC, Ogg or Opus"  # what they are, for messages
LISTS = {"valid": "validation_list.txt", "test": "testing_list.txt"}
NOISE = "_background_noise_"  # as Speech Commands names its folder of long recordings
SILENCE = "_silence_"  # what stands for the word where a recording is a cut of noise
# What every path of a word's results would trip over.
FORBIDDEN_IN_WORDS = set("{}<>\\\n\r\t")


def words(folder: Path, wanted: list[str] | str = "all", fewest: int = 1) -> dict[str, list[str]]:
    """The words of which `folder` has recordings, sorted, and their files.

    These are the `wanted` ones or, of `all`, those with `fewest` recordings or more.

    Raises `UserError` when the folder, a wanted word or every recording is missing, and when a name
    cannot be worked with.
    """
    if not folder.is_dir():
        raise UserError(
            f"There is no folder {folder} (config key dataset.folder): name the folder that holds "
            "one folder of recordings a word."
        )
    with os.scandir(folder) as entries:
        folders = sorted(
            entry.name for entry in entries if entry.name[0] not in "_." and entry.is_dir()
        )
    files = {word: recordings(folder / word) for word in folders}
    present = [word for word in folders if files[word]]
    if wanted != "all":
        if missing := sorted(set(wanted) - set(present)):
            raise UserError(
                f"No recordings of {', '.join(missing)} in {folder} (config key dataset.words); "
                f"it has: {', '.join(present) or 'no word at all'}."
            )
        present = sorted(wanted)
    elif scarce := [word for word in present if len(files[word]) < fewest]:
        if len(scarce) == len(present):
            raise UserError(
                f"None of {len(present)} words in {folder} has {fewest} recordings or more (config "
                "key dataset.min_recordings): lower it, or add recordings."
            )
        present = sorted(set(present) - set(scarce))
    if not present:
        raise UserError(
            f"The folder {folder} (config key dataset.folder) has no folder of {KINDS} files: put "
            "the recordings of each word into a folder named after it."
        )
    for word in present:
        if forbidden := FORBIDDEN_IN_WORDS.intersection(word):
            raise UserError(
                f"The word folder {word!r} in {folder} has a character that paths of results "
                f"cannot have ({' '.join(map(repr, sorted(forbidden)))}): rename it."
            )
    return {word: files[word] for word in present}


def recordings(word_folder: Path) -> list[str]:
    """The names of the recordings in a word's folder, sorted.

    Raises `UserError` when a name is no text, which tables could not hold.
    """
    names = sorted(filter(_is_recording, os.listdir(word_folder)))  # noqa: PTH208
    for name in names:
        file = f"{word_folder.name}/{name}"
        try:
            file.encode()
        except UnicodeEncodeError:
            raise UserError(f"The name of recording {file!a} is not in UTF-8: rename it.") from None
    return names


def _is_recording(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and name[0] != "."


def speaker(file: str) -> str:
    """Who speaks in `file` (`<word>/<name>`).

    Speech Commands names files `<speaker>_nohash_<take>.wav`. Any other name tells nothing of its
    speaker: such a file counts as its own, named by its whole path.
    """
    identity, separator, _ = Path(file).name.partition("_nohash_")
    return identity if separator and identity else file


def official_lists(folder: Path) -> dict[str, set[str]]:
    """The files (`<word>/<name>`) that the data set's own lists name, keyed valid and test.

    Raises `UserError` when a list is missing or not in UTF-8.
    """
    lists = {name: folder / file for name, file in LISTS.items()}
    if missing := [path.name for path in lists.values() if not path.is_file()]:
        raise UserError(
            f"A split of method `official` needs {' and '.join(missing)} in {folder}: add the "
            "lists, name a table that has sets (config key dataset.metadata), or choose method "
            "`random` or `speaker` (config key splits)."
        )
    files = {}
    for name, path in lists.items():
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise UserError(f"The list {path} is not in UTF-8: convert it.") from None
        files[name] = {line.strip() for line in text.split("\n")} - {""}
    return files


def digest_of_lists(folder: Path) -> str:
    """SHA-256 over the data set's own lists. Raises `UserError` as they do."""
    lists = official_lists(folder)
    text = "\0".join("\n".join(sorted(files)) for files in lists.values())
    return hashlib.sha256(text.encode()).hexdigest()


def scan(folder: Path, wanted: list[str] | str, fewest: int, cache: Path) -> dict[str, str]:
    """A digest of each word's recordings, their names and contents, by way of `content.digests`.

    Raises `UserError` as `words` does.
    """
    found = words(folder, wanted, fewest)
    return content.digests({word: (folder / word, names) for word, names in found.items()}, cache)


def noise(folder: Path) -> dict[str, str]:
    """The recordings of noise in a data set's folder, each with its content hash; maybe none."""
    place = folder / NOISE
    if not place.is_dir():
        return {}
    return {name: content.hash_of(place / name) for name in recordings(place)}

"""The folder of recordings: its words, speakers and noise, and digests of its content.

The layout is that of Speech Commands: `<word>/<speaker>_nohash_<take>.wav`, optionally with
`validation_list.txt` and `testing_list.txt`. Folders whose names start with `_` or `.` (such as
`_background_noise_`) are not words.
"""

import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from spokenwords.errors import UserError
from spokenwords.jobs import hashing
from spokenwords.names import NOISE
from spokenwords.recordings import doubts
from spokenwords.recordings.layout import NAMES_OF_SETS, Layout, alike, letters
from spokenwords.recordings.spelling import SUFFIXES
from spokenwords.wording import counted

logger = logging.getLogger("spokenwords")

# Files of operating systems, besides hidden ones.
LITTER = ("thumbs.db", "desktop.ini")
# Characters that are not allowed in paths of results.
FORBIDDEN_IN_WORDS = set("{}<>\\\n\r\t")
# Names that Windows, macOS and Linux give to copies of folders, in several languages.
_COPY = "(?:copy|kopie|copie|copia|cópia)"
COPIES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(.+?)(?: ?- ?| |_| \(){_COPY}(?: ?\(?\d+\)?)?\)?",
        r"(.+?) ?\(\d+\)",
        rf"{_COPY} (?:of|von|de|di) (.+)",
    )
]


def warn_of(sentences: list[str]) -> None:
    """Log each of these sentences as a warning."""
    for sentence in sentences:
        logger.warning(f"Warning: {sentence}")


def words(
    folder: Path,
    wanted: list[str] | str,
    fewest: int,
    warn: Callable[[list[str]], None] = warn_of,
) -> dict[str, list[str]]:
    """Return the words in `folder`, sorted, and the names of their recordings.

    These are the `wanted` words or, for `all`, those with at least `fewest` recordings. `warn` is
    called with the sentences of `doubts.of_layout`.

    Raises `UserError` if the folder, a wanted word or all recordings are missing, if a name has
    characters that are not allowed, and if folders are certainly not words.
    """
    if not folder.is_dir():
        raise UserError(
            f"The folder {folder} does not exist (config key dataset.folder). Name a folder that "
            "contains one folder of recordings per word."
        )
    found = _look(folder)
    files = found.words
    present = [word for word in files if files[word]]
    if wanted != "all":
        found = found.only(wanted)
        if missing := sorted(set(wanted) - set(present)):
            raise UserError(
                f"{folder} has no recordings of {', '.join(missing)} (config key dataset.words). "
                f"It has: {', '.join(present) or 'no words'}."
                + " ".join(["", *doubts.of_layout(found, []), *doubts.similar(missing, present)])
            )
        present = sorted(wanted)
    elif scarce := [word for word in present if len(files[word]) < fewest]:
        if len(scarce) == len(present):
            raise UserError(
                f"All {len(present)} words in {folder} have fewer than {fewest} recordings (config "
                "key dataset.min_recordings). Lower this number, or add recordings."
            )
        present = sorted(set(present) - set(scarce))
    meant = present if wanted == "all" else []
    if not present:
        raise UserError(
            f"The folder {folder} (config key dataset.folder) contains no folder of {doubts.KINDS} "
            "files. Put the recordings of each word into a folder named after it."
            + " ".join(["", *doubts.of_layout(found, meant)])
        )
    _refuse(folder, meant)
    for word in present:
        if forbidden := FORBIDDEN_IN_WORDS.intersection(word):
            raise UserError(
                f"The word folder {word!r} in {folder} has a character that is not allowed in "
                f"paths of results ({' '.join(map(repr, sorted(forbidden)))}). Rename it."
            )
    warn(doubts.of_layout(found, meant))
    return {word: files[word] for word in present}


def _refuse(folder: Path, words: list[str]) -> None:
    """Raise a `UserError` if two of these words are certainly one, or if all of them are sets."""
    ways_out = "or list all words in config key dataset.words to use these folders."
    if words and NAMES_OF_SETS.keys() >= {word.lower() for word in words}:
        raise UserError(
            f"The folders {', '.join(words)} in {folder} have the names of sets, not words: "
            f"{doubts.merge(folder)}, {ways_out}"
        )
    for word in words:
        for pattern in COPIES:
            if (copy := pattern.fullmatch(word)) and copy[1] in words:
                raise UserError(
                    f"The folder {word!r} in {folder} looks like a copy of {copy[1]!r}, but would "
                    f"be a separate word: remove it or merge the two, {ways_out}"
                )
    for twins in alike(words, letters):
        raise UserError(
            f"The folders {' and '.join(map(ascii, twins))} in {folder} differ only in spaces or "
            f"in how letters are encoded: merge them, {ways_out}"
        )


def _look(folder: Path) -> Layout:
    """Return where the recordings of a data folder are, without hidden files and folders."""
    with os.scandir(folder) as found:
        entries = sorted((entry.name, entry.is_dir()) for entry in found if entry.name[0] != ".")
    folders = [name for name, is_folder in entries if is_folder]
    files: dict[str, list[str]] = {}
    deeper: dict[str, list[str]] = {}
    for name in (name for name in folders if name[0] != "_"):
        names = os.listdir(folder / name)  # noqa: PTH208
        files[name] = _recordings(name, names)
        if len(names) > len(files[name]):
            deeper |= _below(folder, name)
    aside = [name for name in folders if name[0] == "_" and name != NOISE]
    return Layout(
        folder,
        files,
        deeper,
        stray=[name for name, is_folder in entries if not is_folder and is_recording(name)],
        aside=[name for name in aside if any(map(is_recording, _files(folder / name)))],
    )


def _files(folder: Path) -> list[str]:
    """Return the names of files in a folder; none if it is not readable."""
    return next((files for _, _, files in os.walk(folder)), [])


def _below(folder: Path, word: str) -> dict[str, list[str]]:
    """Return the recordings in all folders below a word's, by path relative to the data folder."""
    found = {}
    for path, folders, names in os.walk(folder / word):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        if path != str(folder / word) and (files := sorted(filter(is_recording, names))):
            found[Path(path).relative_to(folder).as_posix()] = files
    return found


def recordings(word_folder: Path) -> list[str]:
    """Return the names of the recordings in a word's folder, sorted.

    Raises `UserError` if a name is not valid text, since tables could not contain it.
    """
    return _recordings(word_folder.name, os.listdir(word_folder))  # noqa: PTH208


def _recordings(word: str, names: list[str]) -> list[str]:
    names = sorted(filter(is_recording, names))
    for name in names:
        file = f"{word}/{name}"
        try:
            file.encode()
        except UnicodeEncodeError:
            raise UserError(f"The name of recording {file!a} is not in UTF-8. Rename it.") from None
    return names


def is_recording(name: str) -> bool:
    """Return whether a file with this name counts as a recording."""
    return name.lower().endswith(SUFFIXES) and name[0] != "."


def report_skipped(names: Iterable[str]) -> None:
    """Log how many of these files are not recordings, and their suffixes.

    Hidden files and files of operating systems do not count.
    """
    kinds = Counter(
        Path(name).suffix.lower()
        for name in names
        if not is_recording(name) and name[0] != "." and name.lower() not in LITTER
    )
    if count := kinds.total():
        named = sorted(kind or "without a suffix" for kind in kinds)
        logger.info(f"Skipped {counted(count, 'file')} of other types ({', '.join(named)}).")


def files_of_words(folder: Path) -> Iterator[str]:
    """Yield the names of all files in the word folders of `folder`, of any type."""
    for path, folders, names in os.walk(folder, followlinks=True):
        if Path(path) == folder:
            folders[:] = [name for name in folders if name[0] not in "_."]
        else:
            folders.clear()
            yield from names


def speaker(file: str) -> str:
    """Return the speaker of `file` (`<word>/<name>`), by its name.

    Speech Commands names files `<speaker>_nohash_<take>.wav`. A file with any other name counts as
    a speaker of its own, named by its whole path.
    """
    identity, separator, _ = Path(file).name.partition("_nohash_")
    return identity if separator and identity else file


def scan(folder: Path, wanted: list[str] | str, fewest: int, cache: Path) -> dict[str, str]:
    """Return a digest of each word's recordings, names and contents (see `hashing.digests`).

    Raises `UserError` as `words` does.
    """
    found = words(folder, wanted, fewest)
    return hashing.digests({word: (folder / word, names) for word, names in found.items()}, cache)


def noise(folder: Path) -> dict[str, str]:
    """Return the noise recordings of a data set, each with its content hash, if there are any."""
    noises = folder / NOISE
    if not noises.is_dir():
        return {}
    return {name: hashing.hash_if_readable(noises / name) for name in recordings(noises)}

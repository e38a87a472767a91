"""The folder of recordings: its words, its speakers, its lists, and a digest of what it holds.

The layout is that of Speech Commands: `<word>/<speaker>_nohash_<take>.wav`, optionally with
`validation_list.txt` and `testing_list.txt`. Folders whose names start with `_` or `.` (such as
`_background_noise_`) are no words.
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

logger = logging.getLogger("spokenwords")

# What operating systems leave in folders, besides hidden files.
LITTER = ("thumbs.db", "desktop.ini")
# Characters that no path of a word's results can have.
FORBIDDEN_IN_WORDS = set("{}<>\\\n\r\t")
# As Windows, macOS and Linux name a folder's copies, in the languages of many who speak.
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
    """The words of which `folder` has recordings, sorted, and their files.

    These are the `wanted` ones or, for `all`, those with at least `fewest` recordings. `warn` is
    called with the sentences of `doubts.of_layout`.

    Raises `UserError` when the folder, a wanted word or every recording is missing, when a name
    cannot be worked with, and when folders are certainly no words.
    """
    if not folder.is_dir():
        raise UserError(
            f"There is no folder {folder} (config key dataset.folder): name the folder that holds "
            "one folder of recordings a word."
        )
    found = _look(folder)
    files = found.words
    present = [word for word in files if files[word]]
    if wanted != "all":
        found = found.only(wanted)
        if missing := sorted(set(wanted) - set(present)):
            raise UserError(
                f"No recordings of {', '.join(missing)} in {folder} (config key dataset.words); "
                f"it has: {', '.join(present) or 'no word at all'}."
                + " ".join(["", *doubts.of_layout(found, []), *doubts.similar(missing, present)])
            )
        present = sorted(wanted)
    elif scarce := [word for word in present if len(files[word]) < fewest]:
        if len(scarce) == len(present):
            raise UserError(
                f"None of {len(present)} words in {folder} has {fewest} recordings or more (config "
                "key dataset.min_recordings): lower it, or add recordings."
            )
        present = sorted(set(present) - set(scarce))
    meant = present if wanted == "all" else []
    if not present:
        raise UserError(
            f"The folder {folder} (config key dataset.folder) has no folder of {doubts.KINDS} "
            "files: put the recordings of each word into a folder named after it."
            + " ".join(["", *doubts.of_layout(found, meant)])
        )
    _refuse(folder, meant)
    for word in present:
        if forbidden := FORBIDDEN_IN_WORDS.intersection(word):
            raise UserError(
                f"The word folder {word!r} in {folder} has a character that paths of results "
                f"cannot have ({' '.join(map(repr, sorted(forbidden)))}): rename it."
            )
    warn(doubts.of_layout(found, meant))
    return {word: files[word] for word in present}


def _refuse(folder: Path, words: list[str]) -> None:
    """Raise a `UserError` where two of these words are certainly one, or all of them are sets."""
    ways_out = "or list all words in config key dataset.words if these are meant."
    if words and NAMES_OF_SETS.keys() >= {word.lower() for word in words}:
        raise UserError(
            f"The folders {', '.join(words)} in {folder} are named as sets are, not words: "
            f"{doubts.merge(folder)}, {ways_out}"
        )
    for word in words:
        for pattern in COPIES:
            if (copy := pattern.fullmatch(word)) and copy[1] in words:
                raise UserError(
                    f"The folder {word!r} in {folder} looks like a copy of {copy[1]!r} and would "
                    f"be a word of its own: remove it or merge the two, {ways_out}"
                )
    for twins in alike(words, letters):
        raise UserError(
            f"The folders {' and '.join(map(ascii, twins))} in {folder} differ only in spaces or "
            f"in how letters are encoded: merge them, {ways_out}"
        )


def _look(folder: Path) -> Layout:
    """Where in a data folder recordings lie; hidden files and folders are passed over."""
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
    """The names of files in a folder; none where it may not be searched."""
    return next((files for _, _, files in os.walk(folder)), [])


def _below(folder: Path, word: str) -> dict[str, list[str]]:
    """The recordings in all folders below a word's, by path from the data folder on."""
    found = {}
    for place, folders, names in os.walk(folder / word):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        if place != str(folder / word) and (files := sorted(filter(is_recording, names))):
            found[Path(place).relative_to(folder).as_posix()] = files
    return found


def recordings(word_folder: Path) -> list[str]:
    """The names of the recordings in a word's folder, sorted.

    Raises `UserError` when a name is no text, which tables could not hold.
    """
    return _recordings(word_folder.name, os.listdir(word_folder))  # noqa: PTH208


def _recordings(word: str, names: list[str]) -> list[str]:
    names = sorted(filter(is_recording, names))
    for name in names:
        file = f"{word}/{name}"
        try:
            file.encode()
        except UnicodeEncodeError:
            raise UserError(f"The name of recording {file!a} is not in UTF-8: rename it.") from None
    return names


def is_recording(name: str) -> bool:
    """Whether a file of this name counts as a recording."""
    return name.lower().endswith(SUFFIXES) and name[0] != "."


def report_skipped(names: Iterable[str]) -> None:
    """Log how many files of these names are no recordings, and their suffixes.

    Hidden files and litter of operating systems do not count.
    """
    kinds = Counter(
        Path(name).suffix.lower()
        for name in names
        if not is_recording(name) and name[0] != "." and name.lower() not in LITTER
    )
    if count := kinds.total():
        several = "files of other kinds were" if count > 1 else "file of another kind was"
        named = sorted(kind or "without a suffix" for kind in kinds)
        logger.info(f"{count:,} {several} skipped ({', '.join(named)}).")


def files_of_words(folder: Path) -> Iterator[str]:
    """The names of all files in the word folders of `folder`, whatever they are."""
    for place, folders, names in os.walk(folder, followlinks=True):
        if Path(place) == folder:
            folders[:] = [name for name in folders if name[0] not in "_."]
        else:
            folders.clear()
            yield from names


def speaker(file: str) -> str:
    """Who speaks in `file` (`<word>/<name>`).

    Speech Commands names files `<speaker>_nohash_<take>.wav`. Any other name tells nothing of its
    speaker: such a file counts as its own, named by its whole path.
    """
    identity, separator, _ = Path(file).name.partition("_nohash_")
    return identity if separator and identity else file


def scan(folder: Path, wanted: list[str] | str, fewest: int, cache: Path) -> dict[str, str]:
    """A digest of each word's recordings, their names and contents, by way of `hashing.digests`.

    Raises `UserError` as `words` does.
    """
    found = words(folder, wanted, fewest)
    return hashing.digests({word: (folder / word, names) for word, names in found.items()}, cache)


def noise(folder: Path) -> dict[str, str]:
    """The recordings of noise in a data set's folder, each with its content hash; maybe none."""
    place = folder / NOISE
    if not place.is_dir():
        return {}
    return {name: hashing.hash_of(place / name) for name in recordings(place)}

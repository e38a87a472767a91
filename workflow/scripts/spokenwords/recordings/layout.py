"""Messages about folders of a data set that, by name or place, are probably not words.

The run stops where classes would certainly be wrong: all folders are named like sets (`train`,
`test`), a folder is a copy of another one next to it (`cat (1)`), names look alike, or there are no
words. Everything else causes a warning. Words listed in config key dataset.words are not doubted.
"""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from spokenwords.errors import UserError
from spokenwords.names import NOISE
from spokenwords.wording import some

# What sets are called, in data sets' folders and tables, in lower case.
NAMES_OF_SETS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("dev", "valid", "validation", "val"), "valid"),
    **dict.fromkeys(("test", "testing"), "test"),
}
NOISES = re.compile(r"(background)?[^a-z]*noises?", re.IGNORECASE)
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


@dataclass(frozen=True)
class Layout:
    """The recordings in a data folder, by where they lie.

    - words: in each folder that may be a word's, maybe none
    - deeper: in each folder below those, by its path from the data folder on
    - stray: in the data folder itself
    - aside: folders with recordings whose names start with `_`, but for that of noise
    """

    folder: Path
    words: dict[str, list[str]]
    deeper: dict[str, list[str]] = field(default_factory=dict)
    stray: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)

    def only(self, words: Collection[str]) -> "Layout":
        """What concerns these words."""
        wanted = set(words)
        return Layout(
            self.folder,
            {word: files for word, files in self.words.items() if word in wanted},
            {place: files for place, files in self.deeper.items() if _top(place) in wanted},
        )


def refuse(folder: Path, words: list[str]) -> None:
    """Raise a `UserError` where two of these words are certainly one, or all of them are sets."""
    ways_out = "or list all words in config key dataset.words if these are meant."
    if words and NAMES_OF_SETS.keys() >= {word.lower() for word in words}:
        raise UserError(
            f"The folders {', '.join(words)} in {folder} are named as sets are, not words: "
            f"{_merge(folder)}, {ways_out}"
        )
    for word in words:
        for pattern in COPIES:
            if (copy := pattern.fullmatch(word)) and copy[1] in words:
                raise UserError(
                    f"The folder {word!r} in {folder} looks like a copy of {copy[1]!r} and would "
                    f"be a word of its own: remove it or merge the two, {ways_out}"
                )
    for twins in _alike(words, _letters):
        raise UserError(
            f"The folders {' and '.join(map(ascii, twins))} in {folder} differ only in spaces or "
            f"in how letters are encoded: merge them, {ways_out}"
        )


def similar(missing: Iterable[str], present: Iterable[str]) -> list[str]:
    """Of which missing words there are others that differ only in case, encoding or spaces."""
    there = {_letters(word).casefold(): word for word in present}
    return [
        f"{word!a} is missing, and {there[letters]!a} is there: write it so, or rename the folder."
        for word in missing
        if (letters := _letters(word).casefold()) in there
    ]


def doubts(layout: Layout, words: list[str]) -> list[str]:
    """What of a folder may be meant otherwise than as `words`, a sentence or two each."""
    folder, tops = layout.folder, set(map(_top, layout.deeper))
    empty = [word for word, files in layout.words.items() if not files and word not in tops]
    noises = list(filter(NOISES.fullmatch, words))
    sets = [word for word in words if word.lower() in NAMES_OF_SETS]
    cases = [" and ".join(twins) for twins in _alike(words, str.casefold)]
    found = [
        (layout.stray, f"Recordings in {folder} itself", f"Move each to {folder}/<word>/"),
        (empty, "Folders without recordings", "Add some, or remove the folders"),
        (
            layout.aside,
            "Folders left out since their names start with _",
            f"Rename those of words, and name that of background noise {NOISE}",
        ),
        (noises, "Words that may be background noise", f"If they are, name them {NOISE}"),
        (sets, "Words that may be sets", f"If they are, {_merge(folder)}"),
        (cases, "Words that differ only in case", "Merge those that are one"),
    ]
    sentences = _deeper(layout) + [
        f"{what}: {some(names, 5)}. {advice}." for names, what, advice in found if names
    ]
    # Names may have bytes that are no text.
    return [os.fsencode(text).decode(errors="backslashreplace") for text in sentences]


def _deeper(layout: Layout) -> list[str]:
    """Of recordings below the folders of words; `<a>/<b>/<name>` may be of the word a or b."""
    if not (places := list(layout.deeper)):
        return []
    folder, count = layout.folder, sum(map(len, layout.deeper.values()))
    above = os.path.commonpath(places)
    if len(places) > 1 and above and not any(layout.words.values()):
        return [f"All recordings lie in {folder / above}: name that in config key dataset.folder."]
    sets = sorted({top for top in map(_top, places) if top.lower() in NAMES_OF_SETS})
    place = next((place for place in places if _top(place) in sets), places[0])
    files = layout.deeper[place]
    top, *between, last = PurePath(place).parts
    has = "some recordings, and" if layout.words.get(top) else "no recordings, but"
    sentences = (
        f"The folder {top} has {has} its folder {'/'.join([*between, last])} has {len(files):,}: "
        f"{place}/{files[0]}{', for one' if len(files) > 1 else ''}. What lies deeper than "
        f"{folder}/<word>/<recording> is left out, {count:,} in all."
    )
    if sets:
        return [
            f"{sentences} If these are sets ({', '.join(sets)}), {_merge(folder)}, or name one of "
            "them in config key dataset.folder."
        ]
    as_top = f"{top}/{'_'.join([*between, last])}_nohash_{files[0]}"
    as_last = f"{last}/{'_'.join([top, *between])}_nohash_{files[0]}"
    return [
        f"{sentences} If {top} is the word, name this one {as_top}; if {last} is, {as_last}: what "
        "stands before _nohash_ is the speaker."
    ]


def _merge(folder: Path) -> str:
    return (
        f"put all recordings of a word into one folder {folder}/<word>/ and list those of the "
        "validation and test set in validation_list.txt and testing_list.txt beside these (split "
        "of method `official`)"
    )


def _alike(words: list[str], key: Callable[[str], str]) -> list[list[str]]:
    """Those words that have a key in common."""
    groups = defaultdict(list)
    for word in words:
        groups[key(word)].append(word)
    return [group for group in groups.values() if len(group) > 1]


def _letters(word: str) -> str:
    """What one sees of a word."""
    return unicodedata.normalize("NFC", word.strip())


def _top(place: str) -> str:
    return place.partition("/")[0]

"""Where in a data folder recordings lie, and which names of folders are alike."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

# What sets are called, in data sets' folders and tables, in lower case.
NAMES_OF_SETS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("dev", "valid", "validation", "val"), "valid"),
    **dict.fromkeys(("test", "testing"), "test"),
}


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
            {place: files for place, files in self.deeper.items() if top_of(place) in wanted},
        )


def alike(words: list[str], key: Callable[[str], str]) -> list[list[str]]:
    """Those words that have a key in common."""
    groups = defaultdict(list)
    for word in words:
        groups[key(word)].append(word)
    return [group for group in groups.values() if len(group) > 1]


def letters(word: str) -> str:
    """What one sees of a word."""
    return unicodedata.normalize("NFC", word.strip())


def top_of(place: str) -> str:
    return place.partition("/")[0]

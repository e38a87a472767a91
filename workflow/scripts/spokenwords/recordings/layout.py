"""Where the recordings of a data folder are, and which names of folders are alike."""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from spokenwords.recordings.spelling import composed, word_of

# Names of sets in folders and tables of data sets, in lower case.
NAMES_OF_SETS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("dev", "valid", "validation", "val"), "valid"),
    **dict.fromkeys(("test", "testing"), "test"),
}


@dataclass(frozen=True)
class Layout:
    """The recordings in a data folder, by location.

    - words: recordings in each folder that may be a word; may be empty
    - deeper: recordings in each folder below these, by path relative to the data folder
    - stray: recordings in the data folder itself
    - aside: folders with recordings whose names start with `_`, except that of noise
    """

    folder: Path
    words: dict[str, list[str]]
    deeper: dict[str, list[str]] = field(default_factory=dict)
    stray: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)

    def only(self, words: Collection[str]) -> "Layout":
        """Return only the recordings of these words."""
        wanted = set(words)
        return Layout(
            self.folder,
            {word: files for word, files in self.words.items() if word in wanted},
            {path: files for path, files in self.deeper.items() if word_of(path) in wanted},
        )


def alike(words: list[str], key: Callable[[str], str]) -> list[list[str]]:
    """Return groups of words with the same key."""
    groups = defaultdict(list)
    for word in words:
        groups[key(word)].append(word)
    return [group for group in groups.values() if len(group) > 1]


def letters(word: str) -> str:
    """Return the visible letters of a word, whatever their encoding."""
    return composed(word.strip())

"""Sentences on folders and names that are probably not what they should be, for messages.

No result depends on them, so that nothing runs again after an edit of a sentence.
"""

import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path, PurePath

from spokenwords.names import NOISE
from spokenwords.recordings.layout import NAMES_OF_SETS, Layout, alike, letters, top_of
from spokenwords.recordings.spelling import composed, key, word
from spokenwords.wording import some

KINDS = "WAV, FLAC, Ogg, MP3, M4A, WebM or other sound"
NOISES = re.compile(r"(background)?[^a-z]*noises?", re.IGNORECASE)


def similar(missing: Iterable[str], present: Iterable[str]) -> list[str]:
    """Of which missing words there are others that differ only in case, encoding or spaces."""
    there = {letters(word).casefold(): word for word in present}
    return [
        f"{word!a} is missing, and {there[seen]!a} is there: write it so, or rename the folder."
        for word in missing
        if (seen := letters(word).casefold()) in there
    ]


def of_layout(layout: Layout, words: list[str]) -> list[str]:
    """What of a folder may be meant otherwise than as `words`, a sentence or two each."""
    folder, tops = layout.folder, set(map(top_of, layout.deeper))
    empty = [word for word, files in layout.words.items() if not files and word not in tops]
    noises = list(filter(NOISES.fullmatch, words))
    sets = [word for word in words if word.lower() in NAMES_OF_SETS]
    cases = [" and ".join(twins) for twins in alike(words, str.casefold)]
    found = [
        (layout.stray, f"Recordings in {folder} itself", f"Move each to {folder}/<word>/"),
        (empty, "Folders without recordings", "Add some, or remove the folders"),
        (
            layout.aside,
            "Folders left out since their names start with _",
            f"Rename those of words, and name that of background noise {NOISE}",
        ),
        (noises, "Words that may be background noise", f"If they are, name them {NOISE}"),
        (sets, "Words that may be sets", f"If they are, {merge(folder)}"),
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
    sets = sorted({top for top in map(top_of, places) if top.lower() in NAMES_OF_SETS})
    place = next((place for place in places if top_of(place) in sets), places[0])
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
            f"{sentences} If these are sets ({', '.join(sets)}), {merge(folder)}, or name one of "
            "them in config key dataset.folder."
        ]
    as_top = f"{top}/{'_'.join([*between, last])}_nohash_{files[0]}"
    as_last = f"{last}/{'_'.join([top, *between])}_nohash_{files[0]}"
    return [
        f"{sentences} If {top} is the word, name this one {as_top}; if {last} is, {as_last}: what "
        "stands before _nohash_ is the speaker."
    ]


def merge(folder: Path) -> str:
    return (
        f"put all recordings of a word into one folder {folder}/<word>/ and list those of the "
        "validation and test set in validation_list.txt and testing_list.txt beside these (split "
        "of method `official`)"
    )


def both_sides(listed: Iterable[str], files: Collection[str]) -> str:
    """A name that matches no file and a file that no name matches, in words; maybe empty.

    The file is of the name's word, if there is one.
    """
    name = min(listed, default=None)
    said = name and word(key(name)).casefold()
    same = [file for file in files if word(composed(file)).casefold() == said]
    file = min(same or files, default=None)
    sides = [name and f"it names {name!r}", file and f"there is {file!r}"]
    return f" ({', and '.join(filter(None, sides))})" if any(sides) else ""

"""Sentences for messages about folders and names that are probably wrong.

No result depends on them, so nothing runs again after an edit.
"""

import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path, PurePath

from spokenwords.names import NOISE
from spokenwords.recordings.layout import NAMES_OF_SETS, Layout, alike, letters
from spokenwords.recordings.spelling import composed, key, word_of
from spokenwords.wording import some

KINDS = "WAV, FLAC, Ogg, MP3, M4A, WebM or other sound"
NOISES = re.compile(r"(background)?[^a-z]*noises?", re.IGNORECASE)


def similar(missing: Iterable[str], present: Iterable[str]) -> list[str]:
    """Return hints on missing words that differ from others only in case, encoding or spaces."""
    there = {letters(word).casefold(): word for word in present}
    return [
        f"{word!a} is missing, but there is {there[seen]!a}: use this spelling or rename it."
        for word in missing
        if (seen := letters(word).casefold()) in there
    ]


def of_layout(layout: Layout, words: list[str]) -> list[str]:
    """Return warnings, of one or two sentences each, about a folder from which `words` are used."""
    folder, tops = layout.folder, set(map(word_of, layout.deeper))
    empty = [word for word, files in layout.words.items() if not files and word not in tops]
    noises = list(filter(NOISES.fullmatch, words))
    sets = [word for word in words if word.lower() in NAMES_OF_SETS]
    cases = [" and ".join(twins) for twins in alike(words, str.casefold)]
    found = [
        (layout.stray, f"Recordings in {folder} itself", f"Move each to {folder}/<word>/"),
        (empty, "Folders without recordings", "Add some, or remove the folders"),
        (
            layout.aside,
            "Folders skipped because their names start with _",
            f"Rename those of words; the folder of background noise must be named {NOISE}",
        ),
        (noises, "Words that may be background noise", f"If they are, name them {NOISE}"),
        (sets, "Words that may be sets", f"If they are, {merge(folder)}"),
        (cases, "Words that differ only in case", "Merge those that are the same word"),
    ]
    sentences = _deeper(layout) + [
        f"{what}: {some(names, 5)}. {advice}." for names, what, advice in found if names
    ]
    # Names may contain bytes that are not valid text.
    return [os.fsencode(text).decode(errors="backslashreplace") for text in sentences]


def _deeper(layout: Layout) -> list[str]:
    """Return warnings about recordings in subfolders: `<a>/<b>/<name>` may be the word a or b."""
    if not (paths := list(layout.deeper)):
        return []
    folder, count = layout.folder, sum(map(len, layout.deeper.values()))
    above = os.path.commonpath(paths)
    if len(paths) > 1 and above and not any(layout.words.values()):
        return [f"All recordings are in {folder / above}: name it in config key dataset.folder."]
    sets = sorted({top for top in map(word_of, paths) if top.lower() in NAMES_OF_SETS})
    path = next((path for path in paths if word_of(path) in sets), paths[0])
    files = layout.deeper[path]
    top, *between, last = PurePath(path).parts
    has = "some recordings, and" if layout.words.get(top) else "no recordings, but"
    sentences = (
        f"The folder {top} has {has} its folder {'/'.join([*between, last])} has {len(files):,} "
        f"({'for example ' if len(files) > 1 else ''}{path}/{files[0]}). Recordings in subfolders "
        f"of {folder}/<word> are skipped, {count:,} in all."
    )
    if sets:
        return [
            f"{sentences} If these are sets ({', '.join(sets)}), {merge(folder)}, or name one of "
            "them in config key dataset.folder."
        ]
    as_top = f"{top}/{'_'.join([*between, last])}_nohash_{files[0]}"
    as_last = f"{last}/{'_'.join([top, *between])}_nohash_{files[0]}"
    return [
        f"{sentences} If {top} is the word, rename this recording to {as_top}. If {last} is the "
        f"word, rename it to {as_last}. The part before _nohash_ is the speaker."
    ]


def merge(folder: Path) -> str:
    """Return advice on folders of sets."""
    return (
        f"put all recordings of a word into one folder {folder}/<word>/ and list those of the "
        "validation and test sets in validation_list.txt and testing_list.txt next to these "
        "folders (split method `official`)"
    )


def both_sides(listed: Iterable[str], files: Collection[str]) -> str:
    """Return examples in brackets: an unmatched name of a list and an unmatched file, if any.

    The file is of the name's word if possible.
    """
    name = min(listed, default=None)
    of_name = name and word_of(key(name)).casefold()
    same = [file for file in files if word_of(composed(file)).casefold() == of_name]
    file = min(same or files, default=None)
    sides = [name and f"it lists {name!r}", file and f"the folder has {file!r}"]
    return f" (for example, {' and '.join(filter(None, sides))})" if any(sides) else ""

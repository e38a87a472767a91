"""Numbers of recordings and speakers, in words."""

from collections.abc import Iterable, Mapping

import pandas as pd

from spokenwords.recordings.tables import speakers_known
from spokenwords.wording import counted, some

MOST_NAMED = 10  # words in a message, each in a line


def described(table: pd.DataFrame) -> str:
    """Return how many recordings of how many speakers a table has, in words."""
    known = table.loc[speakers_known(table), "speaker"]
    unknown, speakers = len(table) - len(known), known.nunique()
    if table.empty:
        return "no recordings"
    text = counted(len(table), "recording")
    if not len(known):
        return f"{text} of unknown speakers"
    text += f" of {counted(speakers, 'speaker')}"
    return f"{text}, {unknown:,} of unknown speakers" if unknown else text


def whereabouts(manifests: Mapping[str, pd.DataFrame], words: Iterable[str]) -> str:
    """Return one line for each of the first words: its recordings, their sets and speakers."""
    lines, words = [], list(words)
    for word in words[:MOST_NAMED]:
        of_word = {name: table[table["word"] == word] for name, table in manifests.items()}
        parts = [described(pd.concat(of_word.values()))]
        for name, table in of_word.items():
            if len(table):
                people = sorted(set(table.loc[speakers_known(table), "speaker"]))
                by = f" by {some(people)}" if people else ""
                parts.append(f"{name} has {len(table):,}{by}")
        lines.append(f"\n  {word}: {'; '.join(parts)}")
    return "".join(lines)

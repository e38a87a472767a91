"""What a run's classifier tells apart: words and, where it is to, classes that stand for no word.

Of a data set's words a run may take some, train others as the one class `unknown`, and leave the
rest out; these it can then be tested on for false alarms. Cuts of noise may be a class `silence`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spokenwords import dataset, manifest
from spokenwords.answers import SILENCE, UNKNOWN
from spokenwords.errors import UserError

SETTINGS = ("words", "unknown", "silence")  # of a run, that `choose` takes


@dataclass(frozen=True)
class Classes:
    """`names` in the order of a classifier's scores; those of `no_words` stand for no word.

    `number` gives the place among `names` of each of the data set's `words` that the run takes, and
    of cuts of noise where it does.
    """

    names: list[str]
    no_words: list[str]
    number: dict[str, int]
    words: list[str]

    def manifest(self, path: Path, cuts: Iterable[str] = ()) -> pd.DataFrame:
        """Recordings of the manifest at `path` that have a class.

        `cuts` names the table of `silence.write`, if there is one: its cuts of the same set are
        added. Their store is the one after those of the words.
        """
        added = [manifest.read_cuts(Path(table), path.stem, len(self.words)) for table in cuts]
        table = pd.concat([manifest.read(path), *added])
        return table[table["word"].isin(self.number)].reset_index(drop=True)

    def strangers(self, path: Path) -> pd.DataFrame:
        """Recordings of the manifest at `path` whose words have no class."""
        table = manifest.read(path)
        return table[~table["word"].isin(self.number)].reset_index(drop=True)

    def renamed(self, table: pd.DataFrame) -> pd.DataFrame:
        """The manifest with the name of its class for each recording's word."""
        number = table["word"].map(self.number)
        return table.assign(word=np.array(self.names, dtype=object)[number.to_numpy(np.int64)])


def choose(words: Iterable[str], run: Mapping[str, Any]) -> Classes:
    """The classes of a run of the config, given all words of its data set.

    `run` has the settings `words` (those to tell apart, or `all` that are not unknown), `unknown`
    (a list) and `silence` (whether it is a class). Raises `UserError` when they name a word that
    there is not, or when a word has the name of a class.
    """
    words, unknown = list(words), run["unknown"]
    named = [] if run["words"] == "all" else run["words"]
    if missing := sorted({*named, *unknown} - set(words)):
        raise UserError(
            f"There are no recordings of {', '.join(missing)}, which a run's `words` or `unknown` "
            f"name (config keys); there are those of {', '.join(words)}."
        )
    chosen = named or [word for word in words if word not in unknown]
    no_words = [UNKNOWN] * bool(unknown) + [SILENCE] * bool(run["silence"])
    if clash := set(no_words).intersection(chosen):
        raise UserError(
            f"The word {clash.pop()!r} has the name of a class that stands for no word: rename its "
            "folder, or leave it out (config key `words` of the run)."
        )
    if len(chosen) < 2:
        raise UserError(
            f"A run's `unknown` (config key) leaves {len(chosen)} words; telling words apart takes "
            "at least two."
        )
    names = [*sorted(chosen), *no_words]
    number = {name: i for i, name in enumerate(names)}
    number |= dict.fromkeys(unknown, number.get(UNKNOWN, -1))
    if run["silence"]:
        number[dataset.SILENCE] = number[SILENCE]
    taken = {*chosen, *unknown, *([dataset.SILENCE] if run["silence"] else [])}
    return Classes(names, no_words, {word: number[word] for word in taken}, words)

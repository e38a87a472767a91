"""What a run's classifier tells apart: words and, where it is to, classes that stand for no word.

Of a data set's words a run may take some, train others as the one class `unknown`, and leave the
rest out; with these it can then be tested for false alarms. Segments of noise may be a class
`silence`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spokenwords.errors import UserError
from spokenwords.names import NOISE, SILENCE, SILENCE_SEGMENTS, UNKNOWN

SETTINGS = ("words", "unknown", "silence")  # of a run, that `choose` takes


@dataclass(frozen=True)
class Classes:
    """`names` in the order of a classifier's scores; those of `non_words` stand for no word.

    `number` gives the place among `names` of each of the data set's `words` that the run takes, and
    of segments of noise where it does.
    """

    names: list[str]
    non_words: list[str]
    number: dict[str, int]
    words: list[str]


def of_stores(metadata: Iterable[str], run: Mapping[str, Any]) -> Classes:
    """As `choose`, given the zarr.json files of the stores, one a word that bears its name."""
    return choose([Path(path).parent.stem for path in metadata], run)


def choose(words: Iterable[str], run: Mapping[str, Any]) -> Classes:
    """The classes of a run of the config, given all words of its data set.

    `run` has the settings `words` (those to tell apart, or `all` that are not unknown), `unknown`
    (a list) and `silence` (whether it is a class), and maybe its name, `run`. Raises `UserError`
    when they name a word that there is not, when a word has the name of a class, or when they leave
    no word, or one without another class.
    """
    words, unknown = list(words), run["unknown"]
    named = [] if run["words"] == "all" else run["words"]
    key = f"runs.{run['run']}" if "run" in run else "a run"
    if missing := sorted({*named, *unknown} - set(words)):
        raise UserError(
            f"{', '.join(missing)}, which `words` or `unknown` of {key} name (config keys), are "
            f"none of the data set's words, which are {', '.join(words)}."
        )
    chosen = sorted(named or set(words).difference(unknown))
    non_words = [UNKNOWN] * bool(unknown) + [SILENCE] * bool(run["silence"])
    if clash := {UNKNOWN, *non_words}.intersection(chosen):
        raise UserError(
            f"The word {clash.pop()!r} has the name of an answer that stands for no word: rename "
            f"its folder, or leave it out, or take it as unknown (config keys `words` and "
            f"`unknown` of {key})."
        )
    names = [*chosen, *non_words]
    if not chosen or len(names) < 2:
        raise UserError(
            f"{key} has {'one class, ' + names[0] if chosen else 'no word to classify'}; it needs "
            "a word and another class. Add words (config keys `words` of the run and "
            "dataset.words), take some but not all as the class `unknown` (`unknown: [<word>, …]`),"
            f" or have noise from {NOISE} as a class (`silence: on`; under `training`, of "
            "all runs)."
        )
    number = {word: place for place, word in enumerate(chosen)}
    number |= {word: names.index(UNKNOWN) for word in unknown}
    if run["silence"]:
        number[SILENCE_SEGMENTS] = names.index(SILENCE)
    return Classes(names, non_words, number, words)

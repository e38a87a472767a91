"""The classes of a run: words, and optional non-word classes.

A run may classify some words of a data set, train others as one class `unknown`, and leave the rest
out, to measure false alarms. Segments of noise may be a class `silence`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spokenwords.errors import UserError
from spokenwords.names import NEGATIVES, NOISE, SILENCE, SILENCE_SEGMENTS, UNKNOWN


@dataclass(frozen=True)
class Classes:
    """Classes `names`, in the order of a classifier's scores; `non_words` are the non-word classes.

    `words` are all words of the data set. `number` gives the index among `names` of each word that
    the run uses, and of segments of noise and of negatives if it uses them.
    """

    names: list[str]
    non_words: list[str]
    number: dict[str, int]
    words: list[str]


def of_stores(metadata: Iterable[str], run: Mapping[str, Any]) -> Classes:
    """Return the classes as `choose` does, given the zarr.json files of the words' stores."""
    return choose([Path(path).parent.stem for path in metadata], run)


def choose(words: Iterable[str], run: Mapping[str, Any]) -> Classes:
    """Return the classes of a run of the config, given all words of its data set.

    `run` has the settings `words` (a list, or `all` that are not under `unknown`), `unknown` (a
    list), `silence` (whether it is a class), `negatives` (their share, which makes `unknown` a
    class), and optionally its name, `run`. Raises `UserError` if
    the data set lacks one of these words, if a word has the name of a non-word class, or if there
    are fewer than two classes or no words.
    """
    words, unknown = list(words), run["unknown"]
    named = [] if run["words"] == "all" else run["words"]
    key = f"runs.{run['run']}" if "run" in run else "a run"
    if missing := sorted({*named, *unknown} - set(words)):
        raise UserError(
            f"`words` or `unknown` of {key} (config keys) list {', '.join(missing)}, but the data "
            f"set does not have them. Its words are {', '.join(words)}."
        )
    chosen = sorted(named or set(words).difference(unknown))
    non_words = []
    if unknown or run["negatives"]:
        non_words.append(UNKNOWN)
    if run["silence"]:
        non_words.append(SILENCE)
    if clash := {UNKNOWN, *non_words}.intersection(chosen):
        raise UserError(
            f"The word {clash.pop()!r} has the name of a non-word class. Rename its folder, leave "
            "the word out, or list it under `unknown` (config keys `words` and `unknown` of "
            f"{key})."
        )
    names = [*chosen, *non_words]
    if not chosen or len(names) < 2:
        raise UserError(
            f"{key} has {'only the class ' + names[0] if chosen else 'no word to classify'}; it "
            "needs a word and another class. Add words (config keys `words` of the run and "
            "dataset.words), train some words as the class `unknown` (`unknown: [<word>, …]`), or "
            f"noise from {NOISE} as a class (`silence: on`; under `training`, for all runs)."
        )
    number = {word: index for index, word in enumerate(chosen)}
    number |= {word: names.index(UNKNOWN) for word in unknown}
    if run["silence"]:
        number[SILENCE_SEGMENTS] = names.index(SILENCE)
    if run["negatives"]:
        number[NEGATIVES] = names.index(UNKNOWN)
    return Classes(names, non_words, number, words)

"""Limits of test figures: untested words, few recordings, missing speakers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spokenwords.recordings import manifest
from spokenwords.wording import some

# Test recordings per class: the mean of all classes for the accuracy, which is over all recordings,
# and the number of each class for its precision and recall.
FEWEST = 5
# With this number of test recordings, each by a different speaker, the 95 % interval of an accuracy
# of 90 % is narrower than 10 percentage points (E. B. Wilson, Probable inference, the law of
# succession, and statistical inference, 1927). The interval extends farther down than up.
ENOUGH = 141
LACKING = {
    "train": "a run that needs them will stop",
    "valid": "the selected epoch and the threshold do not depend on them",
    "test": "test figures do not include them",
}


def of_test(words: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return sentences on the limits of a test.

    `words` are those of `evaluation.metrics`: each class with its number of test `recordings`.
    """
    counts = {word: figures["recordings"] for word, figures in words.items()}
    tested = {word: count for word, count in counts.items() if count}
    sentences = []
    if len(tested) < len(counts):
        untested = some(word for word in counts if word not in tested)
        sentences.append(f"No test recordings of {untested}: {LACKING['test']}.")
    total = sum(tested.values())
    few = {word: count for word, count in tested.items() if count < FEWEST}
    if total < FEWEST * len(tested):
        sentences.append(
            f"With fewer than {FEWEST} test recordings per class ({total:,} in all), the figures "
            "mean little. The 95 % interval of an accuracy of 90 % is at most 10 percentage points "
            f"wide with {max(ENOUGH, FEWEST * len(tested)):,} or more, each by a different speaker."
        )
    elif few:
        scarce = some(f"{word} ({count})" for word, count in few.items())
        sentences.append(
            f"Fewer than {FEWEST} test recordings of {scarce}: the figures of these classes mean "
            "little."
        )
    return sentences


def advice(file: str) -> str:
    """Return how to name speakers; `file` is a recording that may begin with one, or empty."""
    text = (
        "To name speakers, rename files to <speaker>_nohash_<take>.wav, or provide a table (config "
        "key dataset.metadata)."
    )
    if file and (parts := manifest.parted(file)):
        speaker, rest = parts
        new = Path(file).with_name(f"{speaker}_nohash_{rest}{Path(file).suffix}").as_posix()
        text += (
            f" If {speaker} is the speaker of {file}, rename it to {new}, and the others likewise; "
            f"or write a table with the first line LINK,SPEAKER and lines such as {file},{speaker}."
        )
    return text

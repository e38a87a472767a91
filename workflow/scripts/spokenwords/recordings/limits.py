"""What figures do not tell: words that were not tested, few recordings, unknown speakers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spokenwords.recordings import manifest
from spokenwords.wording import some

# Of a class in the test set. The mean of all classes counts for the accuracy, which is over all
# recordings, and each class's own for its precision and recall.
FEWEST = 5
# The fewest test recordings, each by another speaker, with which the 95 % interval of an accuracy
# of 90 % is narrower than 10 percentage points (E. B. Wilson, Probable inference, the law of
# succession, and statistical inference, 1927). It reaches farther down than up.
ENOUGH = 141
LACKING = {
    "train": "a run that needs them will stop",
    "valid": "the selected epoch and the threshold do not depend on them",
    "test": "test figures do not include them",
}


def of_test(words: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Sentences on what a test says little or nothing of.

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
            f"With fewer than {FEWEST} test recordings a class the figures mean little. With "
            f"{max(ENOUGH, FEWEST * len(tested)):,} or more, instead of {total:,}, each by another "
            "speaker, the 95 % interval of an accuracy of 90 % is at most 10 percentage points "
            "wide."
        )
    elif few:
        scarce = some(f"{word} ({count})" for word, count in few.items())
        sentences.append(
            f"Fewer than {FEWEST} test recordings of {scarce}: figures of single classes mean "
            "little there."
        )
    return sentences


def advice(file: str) -> str:
    """How to say who speaks; `file` is a recording whose name may say it, or empty."""
    text = (
        "To tell who speaks, name files <speaker>_nohash_<take>.wav, or give a table (config key "
        "dataset.metadata)."
    )
    if file and (parts := manifest.parted(file)):
        speaker, rest = parts
        new = Path(file).with_name(f"{speaker}_nohash_{rest}{Path(file).suffix}").as_posix()
        text += (
            f" Is {speaker} the speaker of {file}? Then rename it to {new}, and the others "
            "likewise; or have a table whose first line is LINK,SPEAKER and that has the line "
            f"{file},{speaker}."
        )
    return text

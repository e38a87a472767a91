"""Where a model's recordings come from: what is known of them, and what has to be stated."""

from collections.abc import Sequence
from dataclasses import dataclass

from spokenwords import published


@dataclass(frozen=True)
class Origin:
    """A data set in plain sentences: its `name`, `licence`, who `speakers` are, and `ethics`.

    `language` is its code, and `hub` its name on Hugging Face's hub, where they are known.
    """

    name: str
    licence: str
    speakers: str
    ethics: str
    language: str | None = None
    hub: str | None = None


SPEECH_COMMANDS = Origin(
    name="Speech Commands v0.01 (P. Warden, Speech Commands: a dataset for limited-vocabulary "
    "speech recognition, 2018, arXiv:1804.03209)",
    licence="CC BY 4.0, to be attributed to P. Warden (Google).",
    speakers="Volunteers said single English words to microphones of their own, in whatever "
    "surroundings they were. Their age, gender and origin were not noted, so it is not known how "
    "well the model does for any of these groups.",
    ethics="Volunteers recorded themselves for a public data set; their names were not kept.",
    language="en",
    hub="google/speech_commands",
)
SYNTHETIC = Origin(
    name="single words synthesised by eSpeak NG",
    licence="nobody was recorded; the program that speaks, eSpeak NG, is under GPL-3.0-or-later.",
    speakers="Synthetic voices with several English accents speak: the model has never heard a "
    "person, and its figures say nothing about people.",
    ethics="Nobody's voice was recorded.",
    language="en",
)


def of(source: str, folder: str, checksum: str | None, licences: Sequence[str]) -> Origin:
    """The origin of recordings of this source, `archive`, `folder` or `synthetic`.

    `folder` is its name, `checksum` the SHA-256 of the archive if it is known, and `licences` are
    the names of files in the folder that tell the licence.
    """
    if source == "synthetic":
        return SYNTHETIC
    if source == "archive" and checksum == published.ARCHIVE:
        return SPEECH_COMMANDS
    name = f"the folder {folder}"
    if source == "archive":
        name = f"an archive, SHA-256 {checksum or 'not noted'}"
    if licences:
        licence = f"see {', '.join(licences)} in the folder of recordings."
    else:
        licence = (
            "not told in the folder of recordings; state it here before the model is passed on."
        )
    return Origin(
        name,
        licence,
        speakers="Who speaks, in which language, with which microphones and surroundings is not "
        "told by the files: state it here. For others than these, expect more errors.",
        ethics="Whether those who were recorded agreed to it is not told by the files: state it "
        "here.",
    )

"""The data of a model card: where recordings come from, and which the model is trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from spokenwords.evaluation import published
from spokenwords.export.markdown import escaped, table
from spokenwords.recordings import limits, manifest
from spokenwords.recordings.tables import speakers_known

METHODS = {
    "random": "at random",
    "speaker": "by speaker, at random: no known speaker is in two sets",
    "official": "as the data set itself has it",
}
PURPOSES = {"train": "training", "valid": "validation", "test": "test"}


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


def origin(source: str, folder: str, checksum: str | None, licences: Sequence[str]) -> Origin:
    """The origin of recordings of this source, `archive`, `folder` or `synthetic`.

    `folder` is the name of theirs, `checksum` the SHA-256 of the archive if they come from one, and
    `licences` are the names of files in the folder that tell the licence.
    """
    if source == "synthetic":
        return SYNTHETIC
    if source == "archive" and checksum == published.ARCHIVE:
        return SPEECH_COMMANDS
    name = f"the folder {folder}"
    if source == "archive":
        name = f"an archive, SHA-256 {checksum}"
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


def tested(sets: Mapping[str, pd.DataFrame]) -> str:
    """Whose recordings the model was tested on, and which classes sets lack."""
    spoken = {name: _recordings(table) for name, table in sets.items()}
    test = spoken["test"]
    known = {name: table[speakers_known(table)] for name, table in spoken.items()}
    text = f"{len(test):,} recordings of the same data set that were kept back. "
    if unknown := sum(map(len, spoken.values())) - sum(map(len, known.values())):
        text += (
            f"Of {unknown:,} recordings in all sets, {len(test) - len(known['test']):,} of them in "
            "the test set, it is not told who speaks, so it is not known whether the same people "
            "are heard in training; where they are, figures are better than for new voices. "
        )
    if len(known["test"]):
        speakers = set(known["test"]["speaker"])
        shared = len(speakers.intersection(known["train"]["speaker"]))
        if shared:
            text += (
                f"{shared:,} of its {len(speakers):,} known speakers are heard in training too: "
                "for voices that the model has never heard, expect more errors than these."
            )
        elif unknown:
            text += f"None of its {len(speakers):,} known speakers is known from training."
        else:
            text += (
                f"None of its {len(speakers):,} speakers is heard in training: sets are disjoint "
                "in speakers, and figures are those for voices that the model has never heard."
            )
    lacking = {name: classes for name, classes in manifest.lacking(spoken).items() if classes}
    return text.strip() + "".join(
        f"\n\nThe {PURPOSES[name]} set has no recording of "
        f"{', '.join(map(escaped, classes))}: {limits.LACKING[name]}."
        for name, classes in lacking.items()
    )


def trained(settings: Mapping[str, Any], origin: Origin, sets: Mapping[str, pd.DataFrame]) -> str:
    """What the model was trained on, and how recordings were divided."""
    columns, rows = ["set", "recordings", "known speakers", "segments of noise"], []
    for name, purpose in PURPOSES.items():
        spoken = _recordings(sets[name])
        noise = len(sets[name]) - len(spoken)
        known = spoken.loc[speakers_known(spoken), "speaker"]
        rows.append((purpose, *(f"{n:,}" for n in (len(spoken), known.nunique(), noise))))
    if all(row[-1] == "0" for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    epoch = "which epoch is kept, and " if settings["patience"] else ""
    return (
        f"Data set: {escaped(origin.name)}. Its licence: {escaped(origin.licence)}\n\n"
        f"Recordings were divided {METHODS[settings['split']['method']]}. Weights are learnt from "
        f"the training set; the validation set says {epoch}where the threshold lies.\n\n"
        + table(columns, rows)
    )


def _recordings(manifest: pd.DataFrame) -> pd.DataFrame:
    """Those of a manifest that are no segments of noise, which nobody speaks."""
    return manifest[manifest["speaker"] != ""]

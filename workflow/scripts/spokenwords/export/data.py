"""The data of a model card: the origin of the recordings, and the sets of the split."""

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
    "speaker": "by speaker, at random: sets are speaker-disjoint as far as speakers are known",
    "official": "with the data set's own lists",
}
PURPOSES = {"train": "training", "valid": "validation", "test": "test"}


@dataclass(frozen=True)
class Origin:
    """A data set in plain sentences: `name`, `licence`, who the `speakers` are, and `ethics`.

    `language` is its code, and `hub` its name on Hugging Face's hub, if known.
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
    speakers="Volunteers spoke single English words into their own microphones, in various "
    "surroundings. Age, gender and origin were not recorded, so the accuracy for such groups is "
    "unknown.",
    ethics="Volunteers recorded themselves for a public data set; their names were not stored.",
    language="en",
    hub="google/speech_commands",
)
SYNTHETIC = Origin(
    name="single words synthesised by eSpeak NG",
    licence="no person was recorded; the synthesiser, eSpeak NG, is under GPL-3.0-or-later.",
    speakers="All voices are synthetic, with several English accents. The model was neither "
    "trained nor tested on human speech.",
    ethics="Nobody's voice was recorded.",
    language="en",
)


def origin(source: str, folder: str, checksum: str | None, licences: Sequence[str]) -> Origin:
    """Return the origin of recordings of a source, `archive`, `folder` or `synthetic`.

    `folder` is the name of their folder, `checksum` the SHA-256 of the archive if there is one, and
    `licences` are the names of files in the folder with a licence.
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
            "not found in the folder of recordings; add it here before the model is published."
        )
    return Origin(
        name,
        licence,
        speakers="The files do not contain information about speakers, language, microphones and "
        "surroundings: add it here. With others, expect more errors.",
        ethics="The files do not show whether the speakers agreed to be recorded: add it here.",
    )


def tested(sets: Mapping[str, pd.DataFrame]) -> str:
    """The test recordings, whether their speakers are new, and classes that sets lack."""
    spoken = {name: _recordings(table) for name, table in sets.items()}
    test = spoken["test"]
    known = {name: table[speakers_known(table)] for name, table in spoken.items()}
    text = f"{len(test):,} recordings of the same data set, not used for training. "
    if unknown := sum(map(len, spoken.values())) - sum(map(len, known.values())):
        text += (
            f"{unknown:,} recordings in all sets, {len(test) - len(known['test']):,} of them in "
            "the test set, have unknown speakers, so that test speakers may be in the training "
            "set, too. If they are, the figures are better than for new voices. "
        )
    if len(known["test"]):
        speakers = set(known["test"]["speaker"])
        shared = len(speakers.intersection(known["train"]["speaker"]))
        if shared:
            text += (
                f"{shared:,} of its {len(speakers):,} known speakers are also in the training set: "
                "for new voices, expect more errors."
            )
        elif unknown:
            text += (
                f"None of its {len(speakers):,} known speakers is a known speaker of the training "
                "set."
            )
        else:
            text += (
                f"None of its {len(speakers):,} speakers is in the training set: the sets are "
                "speaker-disjoint, and the figures are for new voices."
            )
    lacking = {name: classes for name, classes in manifest.lacking(spoken).items() if classes}
    return text.strip() + "".join(
        f"\n\nThe {PURPOSES[name]} set has no recording of "
        f"{', '.join(map(escaped, classes))}: {limits.LACKING[name]}."
        for name, classes in lacking.items()
    )


def trained(settings: Mapping[str, Any], origin: Origin, sets: Mapping[str, pd.DataFrame]) -> str:
    """The training data, and how recordings were divided into sets."""
    columns, rows = ["set", "recordings", "known speakers", "segments of noise"], []
    for name, purpose in PURPOSES.items():
        spoken = _recordings(sets[name])
        noise = len(sets[name]) - len(spoken)
        known = spoken.loc[speakers_known(spoken), "speaker"]
        rows.append((purpose, *(f"{n:,}" for n in (len(spoken), known.nunique(), noise))))
    if all(row[-1] == "0" for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    epoch = "the selected epoch and " if settings["patience"] else ""
    negatives = ""
    if settings["negatives"]:
        negatives = (
            f"\n\nIn training, {settings['negatives']:.0%} of the recordings were negatives of the "
            "class `unknown`: other sound without any of the words, and words that are cut in half."
        )
    return (
        f"Data set: {escaped(origin.name)}. Its licence: {escaped(origin.licence)}\n\n"
        f"Recordings were divided {METHODS[settings['split']['method']]}. The training set "
        f"determines the weights, the validation set {epoch}the threshold.\n\n"
        + table(columns, rows)
        + negatives
    )


def _recordings(manifest: pd.DataFrame) -> pd.DataFrame:
    """The recordings of a manifest without segments of noise, which have no speaker."""
    return manifest[manifest["speaker"] != ""]

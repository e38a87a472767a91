"""What each recording is: the inventory of a word, and the check over all words."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from spokenwords import audio, dataset
from spokenwords.errors import UserError

USABLE = "usable"
# Oddities are told, never rejected. Below this peak a 16-bit recording is digital silence, give or
# take the last bit; at this peak it has reached full scale.
SILENT_PEAK = 2 / 32768
FULL_SCALE = 32767 / 32768


def of_word(folder: Path, word: str) -> pd.DataFrame:
    """The inventory of one word: a row a recording, sorted by file name; it never fails.

    Columns: file (`<word>/<name>`), status (`usable`, or `unreadable: <why>`), speaker, samples
    (a channel, at the file's own rate), sample_rate (Hz), channels, peak and rms (of all channels,
    full scale is 1), sha256 (of the file's bytes).
    """
    rows = []
    for name in dataset.recordings(folder / word):
        path = folder / word / name
        file = f"{word}/{name}"
        row = {
            "file": file,
            "status": USABLE,
            "speaker": dataset.speaker(file),
            "samples": 0,
            "sample_rate": 0,
            "channels": 0,
            "peak": 0.0,
            "rms": 0.0,
            "sha256": dataset.content_hash(path),
        }
        try:
            samples, row["sample_rate"] = audio.decode(path)
        except audio.UnreadableRecordingError as reason:
            row["status"] = f"unreadable: {reason}"
        else:
            row["samples"], row["channels"] = samples.shape
            row["peak"] = float(np.abs(samples).max())
            row["rms"] = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
        rows.append(row)
    return pd.DataFrame(rows).round({"peak": 6, "rms": 6})


def read(path: Path) -> pd.DataFrame:
    """An inventory as `of_word` made it, from its CSV file."""
    # Names such as `NA` or `001` are text, not missing or a number.
    return pd.read_csv(path, dtype={"file": str, "speaker": str}, keep_default_na=False)


def digest(path: Path) -> str:
    """SHA-256 of an inventory file: the identity of the recordings a store was made from."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def usable(inventory: pd.DataFrame) -> pd.DataFrame:
    """The usable rows, numbered as the rows of the word's store are."""
    return inventory[inventory["status"] == USABLE].reset_index(drop=True)


def check(
    inventories: dict[str, pd.DataFrame], sample_rate: int, seconds: float
) -> dict[str, pd.DataFrame]:
    """What stands out over all words: tables named summary, duplicates, oddities, rejected.

    - summary: a row a word: recordings, usable, speakers, hours of usable sound, median_rms
    - duplicates: a row a file whose bytes occur more than once, also across words; `group` numbers
      the files that are alike
    - oddities: file and oddity (silent, clipped, short: under half the model's `seconds`, long: over
      them, rate: resampled to `sample_rate`, channels: mixed down)
    - rejected: file and reason
    """
    everything = pd.concat(
        [table.assign(word=word) for word, table in inventories.items()], ignore_index=True
    )
    good = everything[everything["status"] == USABLE]
    length = good["samples"] / good["sample_rate"]
    summary = pd.DataFrame(
        {
            "recordings": everything.groupby("word").size(),
            "usable": good.groupby("word").size(),
            "speakers": good.groupby("word")["speaker"].nunique(),
            "hours": length.groupby(good["word"]).sum().div(3600).round(4),
            "median_rms": good.groupby("word")["rms"].median().round(6),
        }
    ).fillna({"usable": 0, "speakers": 0, "hours": 0.0})
    summary = summary.astype({"usable": int, "speakers": int}).reset_index()

    repeated = good[good.duplicated("sha256", keep=False)].sort_values(["sha256", "file"])
    duplicates = pd.DataFrame(
        {
            "group": repeated.groupby("sha256", sort=False).ngroup() + 1,
            "file": repeated["file"],
            "sha256": repeated["sha256"],
        }
    )
    tests = {
        "silent": good["peak"] <= SILENT_PEAK,
        "clipped": good["peak"] >= FULL_SCALE,
        "short": length < seconds / 2,
        "long": length > seconds,
        "rate": good["sample_rate"] != sample_rate,
        "channels": good["channels"] > 1,
    }
    oddities = pd.concat(
        [
            pd.DataFrame({"file": good.loc[odd, "file"], "oddity": name})
            for name, odd in tests.items()
        ]
    ).sort_values(["oddity", "file"])
    bad = everything[everything["status"] != USABLE]
    rejected = pd.DataFrame(
        {"file": bad["file"], "reason": bad["status"].str.removeprefix("unreadable: ")}
    )
    return {
        "summary": summary,
        "duplicates": duplicates,
        "oddities": oddities,
        "rejected": rejected,
    }


def refuse_unreadable(rejected: pd.DataFrame) -> None:
    """Raise a `UserError` that lists every unreadable file, if there are any."""
    if len(rejected):
        listed = "".join(f"\n  {row.file}: {row.reason}" for row in rejected.itertuples())
        raise UserError(
            f"{len(rejected)} recordings cannot be read:{listed}\n"
            "Mend or remove them, or leave them out with `on_unreadable: skip` (config key "
            "dataset.on_unreadable)."
        )

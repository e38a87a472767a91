"""Checks of all recordings together: a summary, duplicates, oddities and unreadable files."""

import logging
from pathlib import Path

import pandas as pd

from spokenwords.errors import UserError
from spokenwords.recordings.inventory_file import DECIMALS, USABLE
from spokenwords.recordings.tables import read_table, speakers_known
from spokenwords.wording import counted

logger = logging.getLogger("spokenwords")

# A 16-bit recording with a peak up to this is digital silence, apart from the last bit. Rounded as
# peaks are.
SILENT_PEAK = round(2 / 32768, DECIMALS)
# With a larger share of the energy outside the window, the word may be cut.
MOST_LEFT_OUT = 0.1


def read(path: Path) -> pd.DataFrame:
    """Read an inventory (columns: see `inventory.of_word`) from its CSV file."""
    text = ["file", "status", "speaker", "sha256", "samples_sha256"]
    return read_table(path, text).astype({"opposite_phase": bool})


def usable(inventory: pd.DataFrame) -> pd.DataFrame:
    """Return the usable recordings, numbered as the rows of the word's store."""
    return inventory[inventory["status"] == USABLE].reset_index(drop=True)


def recording(inventory: pd.DataFrame, wanted: str) -> str:
    """Return the file `wanted`, or the first usable one if it is `auto`.

    Raises `UserError` if there is no such usable recording.
    """
    files = usable(inventory)["file"]
    if wanted == "auto" and len(files):
        return files[0]
    if wanted not in set(files):
        raise UserError(
            f"There is no usable recording {wanted!r} (config key explore.recording). Name one as "
            "<word>/<file>, or use `auto` for the first one."
        )
    return wanted


def check(
    inventories: dict[str, pd.DataFrame], sample_rate: int, seconds: float
) -> dict[str, pd.DataFrame]:
    """Return tables about all words, named summary, duplicates, oddities and rejected.

    - summary: one row per word: recordings, usable, speaker_known (usable recordings with a named
      speaker), speakers (distinct ones), hours of usable sound, median_rms
    - duplicates: one row per file whose samples occur more than once, also in different words;
      `group` numbers the sets of identical recordings
    - oddities: file and oddity: silent (the part for the network), clipped, short (less than half
      the model's `seconds`), long (more than these), cut (more than a tenth of the energy is left
      out), rate (resampled to `sample_rate`), channels (mixed down), opposed (the channels cancel)
    - rejected: file and reason
    """
    everything = pd.concat(
        [table.assign(word=word) for word, table in inventories.items()], ignore_index=True
    )
    good = everything[everything["status"] == USABLE]
    length = good["samples"] / good["sample_rate"]
    by_known = good[speakers_known(good)].groupby("word")["speaker"]
    summary = pd.DataFrame(
        {
            "recordings": everything.groupby("word").size(),
            "usable": good.groupby("word").size(),
            "speaker_known": by_known.size(),
            "speakers": by_known.nunique(),
            "hours": length.groupby(good["word"]).sum().div(3600).round(4),
            "median_rms": good.groupby("word")["rms"].median().round(6),
        }
    )
    counts = ["usable", "speaker_known", "speakers"]
    summary = summary.fillna(dict.fromkeys([*counts, "hours"], 0))
    summary = summary.astype(dict.fromkeys(counts, int)).reset_index()

    repeated = good[good.duplicated("samples_sha256", keep=False)]
    repeated = repeated.sort_values(["samples_sha256", "file"])
    duplicates = pd.DataFrame(
        {
            "group": repeated.groupby("samples_sha256", sort=False).ngroup() + 1,
            "file": repeated["file"],
            "samples_sha256": repeated["samples_sha256"],
        }
    )
    tests = {
        "silent": good["peak"] <= SILENT_PEAK,
        "clipped": good["clipped_samples"] > 0,
        "short": length < seconds / 2,
        "long": length > seconds,
        "cut": good["energy_left_out"] > MOST_LEFT_OUT,
        "rate": good["sample_rate"] != sample_rate,
        "channels": good["channels"] > 1,
        "opposed": good["opposite_phase"],
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


def report(tables: dict[str, pd.DataFrame]) -> None:
    """Log a summary of the tables of `check`."""
    summary, odd = tables["summary"], tables["oddities"]["oddity"].value_counts()
    logger.info(
        f"{summary['recordings'].sum():,} recordings of {len(summary)} words, "
        f"{summary['usable'].sum():,} usable, {summary['hours'].sum():.2f} h; "
        f"{len(tables['duplicates']):,} identical to another one; oddities: "
        f"{', '.join(f'{count:,} {name}' for name, count in odd.items()) or 'none'}"
    )


def refuse(tables: dict[str, pd.DataFrame], skip_unreadable: bool) -> None:
    """Raise a `UserError` if recordings must be corrected first.

    This is the case if some are unreadable and not to be skipped (all are listed), if a word has no
    usable recording, or if most recordings of a word are silent.
    """
    rejected, summary = tables["rejected"], tables["summary"]
    if len(rejected) and not skip_unreadable:
        listed = "".join(f"\n  {row.file}: {row.reason}" for row in rejected.itertuples())
        raise UserError(
            f"{counted(len(rejected), 'recording')} cannot be read:{listed}\n"
            "Repair or remove them, or skip them with `on_unreadable: skip` (config key "
            "dataset.on_unreadable)."
        )
    if len(empty := summary.loc[summary["usable"] == 0, "word"]):
        raise UserError(
            f"These words have no readable recordings: {', '.join(empty)}. Add some, or list only "
            "the other words in config key dataset.words."
        )
    odd = tables["oddities"]
    silent = odd.loc[odd["oddity"] == "silent", "file"]
    of_word = silent.groupby(silent.str.split("/").str[0]).agg(["size", "first"])
    usable = summary.set_index("word")["usable"]
    if len(mostly := of_word[of_word["size"] > usable.reindex(of_word.index) / 2]):
        listed = "".join(
            f"\n  {row.Index}: {row.size:,} of {usable[row.Index]:,}, for example {row.first}"
            for row in mostly.itertuples()
        )
        raise UserError(
            f"Most recordings of these words are silent in the part used for training:{listed}\n"
            "Replace them, or list only the other words in config key dataset.words. Config key "
            "audio.window selects the part of longer recordings."
        )

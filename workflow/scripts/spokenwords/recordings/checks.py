"""Inventories as tables, and all recordings taken together: what stands out, what is refused."""

import logging
from pathlib import Path

import pandas as pd

from spokenwords.errors import UserError
from spokenwords.recordings.inventory_file import DECIMALS, USABLE
from spokenwords.recordings.tables import read_table, speakers_known
from spokenwords.wording import counted

logger = logging.getLogger("spokenwords")

# Up to this peak a 16-bit recording is digital silence, give or take the last bit. Rounded as the
# peaks are.
SILENT_PEAK = round(2 / 32768, DECIMALS)
# More energy than this outside the window, and a word may have been cut.
MOST_LEFT_OUT = 0.1


def read(path: Path) -> pd.DataFrame:
    """An inventory (see `inventory.of_word` for its columns) from its CSV file."""
    text = ["file", "status", "speaker", "sha256", "samples_sha256"]
    return read_table(path, text).astype({"opposite_phase": bool})


def usable(inventory: pd.DataFrame) -> pd.DataFrame:
    """The usable rows, numbered as the rows of the word's store are."""
    return inventory[inventory["status"] == USABLE].reset_index(drop=True)


def recording(inventory: pd.DataFrame, wanted: str) -> str:
    """The file that `wanted` names, or for `auto` the first usable one.

    Raises `UserError` when there is no such usable recording.
    """
    files = usable(inventory)["file"]
    if wanted == "auto" and len(files):
        return files[0]
    if wanted not in set(files):
        raise UserError(
            f"There is no usable recording {wanted!r} (config key explore.recording): name one as "
            "<word>/<file>, or take the first with `auto`."
        )
    return wanted


def check(
    inventories: dict[str, pd.DataFrame], sample_rate: int, seconds: float
) -> dict[str, pd.DataFrame]:
    """What stands out over all words: tables named summary, duplicates, oddities, rejected.

    - summary: a row a word: recordings, usable, speaker_known (usable recordings whose speaker is
      known), speakers (those known), hours of usable sound, median_rms
    - duplicates: a row a file whose samples occur more than once, also across words; `group`
      numbers the files that are alike
    - oddities: file and oddity (silent: what the network gets is, clipped, short: under half the
      model's `seconds`, long: over them, cut: of whose energy more than a tenth is left out, rate:
      resampled to `sample_rate`, channels: mixed down, opposed: the channels cancel)
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
    """Say in the log what `check` found."""
    summary, odd = tables["summary"], tables["oddities"]["oddity"].value_counts()
    logger.info(
        f"{summary['recordings'].sum():,} recordings of {len(summary)} words, "
        f"{summary['usable'].sum():,} usable, {summary['hours'].sum():.2f} h; "
        f"{len(tables['duplicates']):,} with the same samples as another; oddities: "
        f"{', '.join(f'{count:,} {name}' for name, count in odd.items()) or 'none'}"
    )


def refuse(tables: dict[str, pd.DataFrame], skip_unreadable: bool) -> None:
    """Raise a `UserError` where the recordings cannot be worked with.

    That is when some are unreadable and not to be skipped (all are listed), or when a word has none
    that is usable, or most of its recordings are silent.
    """
    rejected, summary = tables["rejected"], tables["summary"]
    if len(rejected) and not skip_unreadable:
        listed = "".join(f"\n  {row.file}: {row.reason}" for row in rejected.itertuples())
        raise UserError(
            f"{counted(len(rejected), 'recording')} cannot be read:{listed}\n"
            "Mend or remove them, or leave them out with `on_unreadable: skip` (config key "
            "dataset.on_unreadable)."
        )
    if len(empty := summary.loc[summary["usable"] == 0, "word"]):
        raise UserError(
            f"No recording can be read of: {', '.join(empty)}. Add some, or list the other words "
            "in config key dataset.words."
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
            f"Most recordings of these words are silent in the part that is trained on:{listed}\n"
            "Replace them, or list the other words in config key dataset.words. Config key "
            "audio.window says which part of longer recordings is taken."
        )

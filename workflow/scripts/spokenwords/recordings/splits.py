"""Dividing recordings into training, validation and test sets."""

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spokenwords.errors import UserError
from spokenwords.names import SETS
from spokenwords.recordings import limits, manifest
from spokenwords.recordings.described import described, whereabouts
from spokenwords.recordings.manifest import COLUMNS
from spokenwords.recordings.tables import read_table, speakers_known
from spokenwords.wording import some

logger = logging.getLogger("spokenwords")


def divide(
    recordings: pd.DataFrame,
    method: str,
    train: float,
    valid: float,
    seed: int,
    lists: dict[str, set[str]] | None = None,
) -> dict[str, pd.DataFrame]:
    """Divide `recordings` (columns `manifest.COLUMNS` and samples_sha256) into manifests by `SETS`.

    Methods: `random` divides recordings, `speaker` divides speakers (sets are speaker-disjoint),
    `official` follows `lists` (see `lists.official_lists`). `train` and `valid` are shares of all
    recordings; the test set gets the rest. Identical recordings are always in the same set. With
    official lists, this is the test set if one of them is listed there, or else the validation set.

    The result depends on the seed and the recordings, not on their order. Raises `UserError` if a
    set would be empty.
    """
    recordings = recordings.sort_values("file", ignore_index=True)
    if method == "official":
        chosen = _by_lists(recordings, lists or {})
    else:
        keys = ["samples_sha256", "speaker"] if method == "speaker" else ["samples_sha256"]
        shares = {"train": train, "valid": valid, "test": 1 - train - valid}
        chosen = _by_shares(recordings["file"], _groups(recordings, keys), shares, seed)
    manifests = {name: recordings.loc[chosen == name, COLUMNS] for name in SETS}
    if empty := [name for name, part in manifests.items() if part.empty]:
        ways = {"official": "list some in the lists or the table (config key dataset.metadata)"}
        raise UserError(
            f"The split of method `{method}` leaves no recordings for: {', '.join(empty)}. There "
            f"are {described(recordings)}. Add recordings, "
            f"{ways.get(method, 'change its shares')}, or choose another method (config key "
            "splits)."
        )
    return manifests


def summarise(manifests: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return a table with one row per set.

    Columns: set, recordings, share, words, missing_words (present in another set, separated by
    `/`), speaker_known (recordings with a named speaker), speakers (distinct ones),
    speakers_in_training (how many of them are also in the training set), prefixed_file (a recording
    whose name seems to begin with its speaker, see `manifest.prefixed`; or empty).
    """
    total = sum(len(part) for part in manifests.values())
    missing = manifest.lacking(manifests)
    known = {name: part[speakers_known(part)] for name, part in manifests.items()}
    trained = set(known["train"]["speaker"])
    prefixed = manifest.prefixed(pd.concat(manifests.values()))
    return pd.DataFrame(
        {
            "set": name,
            "recordings": len(part),
            "share": round(len(part) / total, 4),
            "words": part["word"].nunique(),
            "missing_words": "/".join(missing[name]),
            "speaker_known": len(known[name]),
            "speakers": known[name]["speaker"].nunique(),
            "speakers_in_training": len(trained.intersection(known[name]["speaker"])),
            "prefixed_file": prefixed,
        }
        for name, part in manifests.items()
    )


def read_summary(path: Path) -> pd.DataFrame:
    """Read a table of `summarise` from its CSV file."""
    return read_table(path, ["missing_words", "prefixed_file"])


def report(
    split: str, method: str, manifests: Mapping[str, pd.DataFrame], summary: pd.DataFrame
) -> None:
    """Log the summary; warn about words missing in a set, and about missing speakers."""
    shown = summary.drop(columns=["missing_words", "prefixed_file"])
    logger.info(f"Split {split}:\n{shown.to_string(index=False)}")
    for name, words in manifest.lacking(manifests).items():
        if words:
            logger.warning(
                f"Warning: The set {name} of split {split} lacks {some(words)}: "
                f"{limits.LACKING[name]}.{whereabouts(manifests, words)}\nAdd recordings "
                "(of other speakers if the split is by speaker), or change its shares, seed or "
                f"lists (config key splits.{split})."
            )
    count, known = summary["recordings"].sum(), summary["speaker_known"].sum()
    if method == "speaker" and known < count:
        logger.warning(
            f"Warning: The speakers of {count - known:,} of {count:,} recordings are unknown. "
            f"Split {split} treats each of these recordings as a speaker of its own. "
            f"{limits.advice(summary['prefixed_file'][0])}"
        )


def _groups(recordings: pd.DataFrame, keys: list[str]) -> np.ndarray:
    """Return the number of each recording's group; groups are connected by equal values of keys."""
    count = len(recordings)
    group = np.arange(count)
    for key in keys:
        codes, _ = pd.factorize(recordings[key])
        links = coo_array((np.ones(count), (group, codes + count)), shape=(2 * count, 2 * count))
        _, component = connected_components(links, directed=False)
        group = component[group]
    return group


def _by_shares(
    files: pd.Series, groups: np.ndarray, shares: dict[str, float], seed: int
) -> np.ndarray:
    """Return each file's set: groups, ordered by hash, go to the set that is filled least."""
    # The first file of each group; files are sorted.
    leaders = dict(zip(reversed(groups.tolist()), reversed(files.tolist()), strict=True))
    sizes = np.bincount(groups).tolist()
    order = sorted(
        leaders,
        key=lambda group: hashlib.sha256(f"{seed}\0{leaders[group]}".encode()).digest(),
    )
    filled = dict.fromkeys(shares, 0)
    set_of = {}
    for group in order:
        # The set filled least in relation to its share; of equally filled sets the larger one.
        name = min(shares, key=lambda name: (filled[name] / shares[name], -shares[name]))
        set_of[group] = name
        filled[name] += sizes[group]
    return np.array([set_of[group] for group in groups])


def _by_lists(recordings: pd.DataFrame, lists: dict[str, set[str]]) -> np.ndarray:
    """Return each file's set by the lists, and that of identical recordings."""
    chosen = np.full(len(recordings), "train")
    for name in ("valid", "test"):
        listed = recordings["file"].isin(lists[name])
        content = recordings["samples_sha256"]
        chosen[content.isin(content[listed])] = name
    return chosen

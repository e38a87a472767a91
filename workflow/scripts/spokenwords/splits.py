"""Dividing recordings into a training, a validation and a test set."""

import hashlib

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spokenwords.errors import UserError
from spokenwords.manifest import COLUMNS

SETS = ("train", "valid", "test")


def divide(
    recordings: pd.DataFrame,
    method: str,
    train: float = 0.6,
    valid: float = 0.2,
    seed: int = 0,
    lists: dict[str, set[str]] | None = None,
) -> dict[str, pd.DataFrame]:
    """Divide `recordings` (columns `manifest.COLUMNS` and samples_sha256) into manifests by `SETS`.

    Methods: `random` divides recordings, `speaker` divides speakers (none is in two sets),
    `official` follows `lists` (see `lists.official_lists`). `train` and `valid` are the sets'
    shares of all recordings, the test set has the rest. Recordings with the same samples always
    land in the same set: on official lists in the test set if one of them is listed there, else in
    the validation set if one is listed there.

    The outcome depends on the seed and on the recordings, not on their order. Raises `UserError`
    when a set would be empty.
    """
    recordings = recordings.sort_values("file", ignore_index=True)
    if method == "official":
        chosen = _by_lists(recordings, lists)
    else:
        keys = ["samples_sha256", "speaker"] if method == "speaker" else ["samples_sha256"]
        shares = {"train": train, "valid": valid, "test": 1 - train - valid}
        chosen = _by_shares(recordings["file"], _groups(recordings, keys), shares, seed)
    manifests = {name: recordings.loc[chosen == name, COLUMNS] for name in SETS}
    if empty := [name for name, manifest in manifests.items() if manifest.empty]:
        raise UserError(
            f"The split of method `{method}` leaves no recording for: {', '.join(empty)}; there "
            f"are {len(recordings)} recordings of {recordings['speaker'].nunique()} speakers. Add "
            "recordings, change its shares, or choose another method (config key splits)."
        )
    return manifests


def summarise(manifests: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A row a set: recordings, their share, words, speakers, and speakers heard in training too."""
    total = sum(len(manifest) for manifest in manifests.values())
    heard = set(manifests["train"]["speaker"])
    return pd.DataFrame(
        {
            "set": name,
            "recordings": len(manifest),
            "share": round(len(manifest) / total, 4),
            "words": manifest["word"].nunique(),
            "speakers": manifest["speaker"].nunique(),
            "speakers_in_training": len(heard.intersection(manifest["speaker"])),
        }
        for name, manifest in manifests.items()
    )


def _groups(recordings: pd.DataFrame, keys: list[str]) -> np.ndarray:
    """Number the groups of recordings that share a value of a key, directly or by way of others."""
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
    """The set of each file: groups in an order drawn by hash, each to the set that lacks most."""
    # Of each group the first of its files, which are sorted.
    leaders = dict(zip(reversed(groups.tolist()), reversed(files.tolist()), strict=True))
    sizes = np.bincount(groups).tolist()
    order = sorted(
        leaders,
        key=lambda group: hashlib.sha256(f"{seed}\0{leaders[group]}".encode()).digest(),
    )
    filled = dict.fromkeys(shares, 0)
    set_of = {}
    for group in order:
        # The set that is filled least, measured by its share; the larger set where they are even.
        name = min(shares, key=lambda name: (filled[name] / shares[name], -shares[name]))
        set_of[group] = name
        filled[name] += sizes[group]
    return np.array([set_of[group] for group in groups])


def _by_lists(recordings: pd.DataFrame, lists: dict[str, set[str]]) -> np.ndarray:
    chosen = np.full(len(recordings), "train")
    for name in ("valid", "test"):
        listed = recordings["file"].isin(lists[name])
        content = recordings["samples_sha256"]
        chosen[content.isin(content[listed])] = name
    return chosen

"""The accuracy of the published experiment, to compare runs on the same data with."""

from collections.abc import Mapping
from typing import Any

# All of Speech Commands v0.01; a random 60 % of the recordings were used for training.
ARCHIVE = "743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d"
# Settings of `augmentation` that switch a kind of variation on.
VARIATIONS = (
    "time_stretch",
    "frequency_warp",
    "gain_db",
    "shift_seconds",
    "noise_share",
    "mixup",
    "polarity",
    "time_masks",
    "frequency_masks",
)
# Test accuracy by representation. Complex: S. Keydana, "Audio classification with torch", Posit AI
# Weblog; others: S. Keydana, "Deep Learning and Scientific Computing with R torch", CRC Press.
ACCURACY = {"complex": 0.9324, "power": 0.8898, "mel": 0.8555}


def accuracy(
    dataset: Mapping[str, Any], split: Mapping[str, Any], run: Mapping[str, Any]
) -> float | None:
    """Return the published test accuracy for a run with these settings of the config, or None.

    The run must have the archive and all words of the published experiment, its way and shares of
    splitting, its network and one of its representations, and no training method it did not use.
    """
    same_data = (
        dataset["source"] == "archive"
        and dataset["archive"].get("sha256") == ARCHIVE
        and dataset["words"] == "all"
        and dataset["min_recordings"] == 1
    )
    same_split = (split["method"], split.get("train"), split.get("valid")) == ("random", 0.6, 0.2)
    plain = not (
        run["words"] != "all"
        or run["unknown"]
        or run["silence"]
        or run["negatives"]
        or run["balanced"]
        or any(run["augmentation"][kind] for kind in VARIATIONS)
        or run["label_smoothing"]
        or run["weight_averaging"]
        or run["test_shift_seconds"]
    )
    if not (same_data and same_split and plain and run["model"] == "published"):
        return None
    return ACCURACY.get(run["representation"])

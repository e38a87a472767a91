"""What the published experiment reached, to be set beside a run on the same data."""

from collections.abc import Mapping
from typing import Any

# Speech Commands v0.01, all of it; 60 % of the recordings, drawn at random, to train on.
ARCHIVE = "743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d"
# Settings of `augmentation` that vary recordings where they are not 0.
VARIATIONS = (
    *("time_stretch", "frequency_warp"),
    *("gain_db", "shift_seconds", "noise_share", "mixup", "polarity"),
    *("time_masks", "frequency_masks"),
)
# Test accuracy by representation. Complex: S. Keydana, "Audio classification with torch", Posit AI
# Weblog; others: S. Keydana, "Deep Learning and Scientific Computing with R torch", CRC Press.
ACCURACY = {"complex": 0.9324, "power": 0.8898, "mel": 0.8555}


def accuracy(
    dataset: Mapping[str, Any], split: Mapping[str, Any], run: Mapping[str, Any]
) -> float | None:
    """The published test accuracy of a run with these settings of the config; None without one.

    Of `dataset`, the archive and its words count; of `split`, method and shares; of `run`, network,
    representation, and that nothing was added which the experiment did not have.
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
        or any(run["augmentation"][kind] for kind in VARIATIONS)
        or run["label_smoothing"]
        or run["weight_averaging"]
        or run["test_shift_seconds"]
    )
    if not (same_data and same_split and plain and run["model"] == "published"):
        return None
    return ACCURACY.get(run["representation"])

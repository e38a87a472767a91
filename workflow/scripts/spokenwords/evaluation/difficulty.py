"""Which recordings are hard: error rates over the properties of recordings.

The properties are estimates (see `acoustics.of_samples`), and the network sees more than them. A
property that correlates with errors need not cause them.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spokenwords.errors import UserError
from spokenwords.evaluation import intervals
from spokenwords.wording import counted

NOT_MEASURED = "not measured"

MOST_GROUPS, SMALLEST_GROUP = 8, 25


@dataclass(frozen=True)
class Property:
    """How a property is named in reports, and how it enters the model.

    Values of `scale`: linear; log and count, which enter as log2 (of a count plus 1); flag (true or
    false); any, a count that enters as a flag (whether it is above 0).
    """

    name: str
    title: str
    unit: str
    scale: str
    decimals: int = 0


PROPERTIES = [
    Property("level_dbfs", "loudness", "dBFS", "linear", 1),
    Property("snr_db", "signal-to-noise ratio", "dB", "linear", 1),
    Property("voiced_seconds", "voiced duration", "s", "linear", 2),
    Property("onset_seconds", "onset", "s", "linear", 2),
    Property("centroid_hz", "spectral centroid", "Hz", "log"),
    Property("bandwidth_hz", "bandwidth", "Hz", "log"),
    Property("recordings_of_speaker_in_training", "speaker's recordings in training", "", "count"),
    Property("clipped_samples", "clipping", "samples at full scale", "any"),
    Property("cut_at_start", "cut off at the start", "", "flag"),
    Property("cut_at_end", "cut off at the end", "", "flag"),
]


def join(predictions: pd.DataFrame, properties: pd.DataFrame) -> pd.DataFrame:
    """One row per prediction: speaker, whether it is `wrong`, and each property as a number.

    Raises `UserError` if the properties of a recording are missing.
    """
    measured = properties.set_index("file")
    if missing := sorted(set(predictions["file"]) - set(measured.index)):
        raise UserError(
            f"Measured properties are missing for {counted(len(missing), 'recording')} with "
            f"predictions, such as {missing[0]}: measure the test set of the run's evaluation."
        )
    measured = measured.loc[predictions["file"], [item.name for item in PROPERTIES]]
    return measured.astype(float).assign(
        speaker=predictions["speaker"].to_numpy(),
        wrong=(predictions["target"] != predictions["prediction"]).to_numpy(float),
    )


def rates(recordings: pd.DataFrame) -> pd.DataFrame:
    """Error rates in groups of recordings with similar values; one row per property and group.

    `recordings` is the table of `join`. Each property has up to 8 groups of about equal size, with
    at least 25 recordings as far as equal values allow; a flag has one group per value. Columns:
    property, group (in words), low, median and high of its values, recordings, errors, error_rate,
    interval_low and interval_high (`intervals.of_share`). Recordings without a value form the group
    `NOT_MEASURED`.
    """
    rows, several = [], recordings["speaker"].nunique() > 1
    for item in PROPERTIES:
        values, wrong = recordings[item.name], recordings["wrong"]
        flag, known = item.scale == "flag", values.dropna()
        edges = [(value, value) for value in np.unique(known)] if flag else _edges(known)
        groups = [(values >= low) & (values <= high) for low, high in edges]
        if values.isna().any():
            groups.append(values.isna())
        for group in groups:
            members, errors = values[group], wrong[group]
            low, high = members.min(), members.max()
            bounds = intervals.of_share(errors, recordings.loc[group, "speaker"], several)
            rows.append(
                {
                    "property": item.name,
                    "group": _group_name(item, low, high),
                    "low": low,
                    "median": members.median(),
                    "high": high,
                    "recordings": len(members),
                    "errors": int(errors.sum()),
                    "error_rate": errors.mean(),
                    "interval_low": bounds[0],
                    "interval_high": bounds[1],
                }
            )
    return pd.DataFrame(rows)


def _edges(values: pd.Series) -> list[tuple[float, float]]:
    """The lowest and highest value of each group; equal values are in the same group."""
    distinct, counts = np.unique(values, return_counts=True)
    groups: list[tuple[float, float]] = []
    first, size, left = 0, 0, len(values)
    for last, count in enumerate(counts):
        size += count
        if size >= max(SMALLEST_GROUP, left / (MOST_GROUPS - len(groups))):
            groups.append((distinct[first], distinct[last]))
            first, size, left = last + 1, 0, left - size
    if size:
        # A small rest joins the group before it, unless that is a single value, such as no clipped
        # samples: this stays a group of its own.
        if groups and size < SMALLEST_GROUP and groups[-1][0] < groups[-1][1]:
            first = int(np.searchsorted(distinct, groups.pop()[0]))
        groups.append((distinct[first], distinct[-1]))
    return groups


def _group_name(item: Property, low: float, high: float) -> str:
    if np.isnan(low):
        return NOT_MEASURED
    if item.scale == "flag":
        return "yes" if low else "no"
    ends = [f"{value:,.{item.decimals}f}".replace("-", "−") for value in (low, high)]
    return " to ".join(dict.fromkeys(ends))

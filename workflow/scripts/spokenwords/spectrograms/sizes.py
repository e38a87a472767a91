"""The sizes of the spectrogram stores of one `features` entry."""

import math
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from spokenwords.spectrograms.read import Store

FLOAT32 = 4  # bytes


def sizes(stores: list["Store"]) -> pd.DataFrame:
    """Return a table with one row per word, and `(all)` of them at the end.

    Columns: word, recordings, frequencies, frames (of a spectrogram), megabytes (of the store on
    disk), kilobytes_a_recording, raw_megabytes (of the same values as float32, uncompressed).
    """
    rows = [
        {
            "word": store.word,
            "recordings": store.array.shape[0],
            "frequencies": store.array.shape[2],
            "frames": store.array.shape[3],
            "megabytes": sum(f.stat().st_size for f in store.path.rglob("*") if f.is_file()) / 1e6,
            "raw_megabytes": FLOAT32 * math.prod(store.array.shape) / 1e6,
        }
        for store in stores
    ]
    table = pd.DataFrame(rows)
    everything = table.iloc[0].to_dict() | {"word": "(all)"}
    for name in ("recordings", "megabytes", "raw_megabytes"):
        everything[name] = table[name].sum()
    table = pd.concat([table, pd.DataFrame([everything])], ignore_index=True)
    table.insert(5, "kilobytes_a_recording", 1000 * table["megabytes"] / table["recordings"])
    return table.round(3)

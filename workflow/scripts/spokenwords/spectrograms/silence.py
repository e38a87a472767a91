"""Silence: segments of noise recordings, as examples without a word.

Each noise recording is divided in time. The first part is for training, both as silence and as
noise that is added to words; the second part is for validation, the last for tests. Segments do not
cross the borders.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spokenwords.errors import UserError
from spokenwords.jobs.hashing import digest_of
from spokenwords.names import NOISE, NOISE_PARTS
from spokenwords.spectrograms import noise
from spokenwords.spectrograms.stft import STFT
from spokenwords.spectrograms.write import write_waveforms

STEP_SECONDS = 0.25  # between the starts of segments, at least
MOST = 2000  # segments for training
# Segments are attenuated by these in turn, dB: most rooms are quieter than recorded noise.
ATTENUATIONS_DB = (0, 10, 20, 30, 40)


def segments(samples: Mapping[str, int], sample_rate: int, length: int) -> pd.DataFrame:
    """Return segments of noise recordings, given their lengths in `samples` at `sample_rate` (Hz).

    One row per segment of `length` samples: file, set (train or valid), start (samples),
    attenuation_db.
    """
    rows = []
    first, end = NOISE_PARTS["train"]
    step = max(STEP_SECONDS * sample_rate, (end - first) * sum(samples.values()) / MOST)
    for file, total in samples.items():
        for name in ("train", "valid"):
            first, end = (round(share * total) for share in NOISE_PARTS[name])
            starts = range(first, end - length + 1, round(step))
            rows += [(file, name, start) for start in starts]
    table = pd.DataFrame(rows, columns=["file", "set", "start"])
    return table.assign(attenuation_db=np.resize(ATTENUATIONS_DB, len(table)))


def write(
    path: Path,
    table_path: Path,
    folder: Path,
    files: Mapping[str, str],
    transform: STFT,
    length: int,
    **storage: Any,
) -> None:
    """Write the spectrograms of segments of noise to a store at `path`.

    `files` are the recordings in `folder`, each with the hash of its content. The table at
    `table_path` describes the store's rows: file (`<recording>@<start, s>`), set, row. `length` is
    that of a segment in samples; `storage` are other arguments of `write_waveforms`. Raises
    `UserError` as `noise.load` does, and if all recordings are too short.
    """
    rate = transform.sample_rate
    waveforms = noise.load(folder, list(files), rate, length)
    table = segments({file: len(samples) for file, samples in waveforms.items()}, rate, length)
    if lacking := [name for name in ("train", "valid") if name not in set(table["set"])]:
        raise UserError(
            f"The recordings of noise in {folder} are too short for segments of silence "
            f"({' and '.join(lacking)}). Add longer ones, or turn `silence` off (config key of "
            "training or of the run)."
        )
    names = [f"{NOISE}/{row.file}@{row.start / rate:.2f}s" for row in table.itertuples()]
    rows = dict(zip(names, table.itertuples(), strict=True))

    def segment(name: str) -> np.ndarray:
        row = rows[name]
        samples = waveforms[row.file][row.start : row.start + length]
        return samples * np.float32(10 ** (-row.attenuation_db / 20))

    described = table.to_csv(index=False) + json.dumps(dict(files))
    digest = digest_of(described)
    storage |= {"inventory_digest": digest, "window": None}
    write_waveforms(path, names, segment, transform, length, **storage)
    table.assign(file=names, row=range(len(table))).to_csv(table_path, index=False)

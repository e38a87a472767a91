"""Silence: cuts of recordings of noise, as recordings in which no word is said.

A long recording of noise is divided in time: its beginning is trained on, both as silence and as
noise that is added to words; a piece after it is for validation, and its end is kept to be tested
on. No cut reaches over a border.
"""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from spokenwords import noise, store
from spokenwords.dataset import NOISE
from spokenwords.errors import UserError
from spokenwords.stft import STFT

# From one cut to the next, s.
STEP_SECONDS = 0.25
# Cuts are attenuated by these in turn, dB: rooms are mostly quieter than the noise that is worth a
# recording. The last one makes digital silence, with which short recordings are padded.
ATTENUATIONS_DB = (0, 10, 20, 30, 40, np.inf)


def cuts(samples: dict[str, int], sample_rate: int, length: int) -> pd.DataFrame:
    """Where to cut recordings of noise, given their lengths in samples at `sample_rate` (Hz).

    A row a cut of `length` samples: file, set (train or valid), start (samples), attenuation_db.
    """
    rows = []
    step = round(STEP_SECONDS * sample_rate)
    for file, total in samples.items():
        for name in ("train", "valid"):
            first, end = (round(share * total) for share in noise.PARTS[name])
            rows += [(file, name, start) for start in range(first, end - length + 1, step)]
    table = pd.DataFrame(rows, columns=["file", "set", "start"])
    return table.assign(attenuation_db=np.resize(ATTENUATIONS_DB, len(table)))


def write(
    path: Path,
    table_path: Path,
    folder: Path,
    files: list[str],
    transform: STFT,
    length: int,
    **storage,
) -> None:
    """Write the spectrograms of cuts of the recordings `files` (in `folder`) to a store at `path`.

    The table at `table_path` says what its rows are: file (`<recording>@<start, s>`), set, row.
    `length` is that of a cut in samples, `storage` what else `store.write_waveforms` takes. Raises
    `UserError` as `noise.load` does, and when recordings are too short to be cut.
    """
    rate = transform.sample_rate
    waveforms = noise.load(folder, files, rate, length)
    table = cuts({file: len(samples) for file, samples in waveforms.items()}, rate, length)
    if lacking := [name for name in ("train", "valid") if name not in set(table["set"])]:
        raise UserError(
            f"The recordings of noise in {folder} are too short to cut silence from, for "
            f"{' and '.join(lacking)}: add longer ones, or turn `silence` off (config key of "
            "training or of the run)."
        )
    names = [f"{NOISE}/{row.file}@{row.start / rate:.2f}s" for row in table.itertuples()]
    rows = dict(zip(names, table.itertuples(), strict=True))

    def cut(name: str) -> np.ndarray:
        row = rows[name]
        samples = waveforms[row.file][row.start : row.start + length]
        return samples * np.float32(10 ** (-row.attenuation_db / 20))

    digest = hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()
    store.write_waveforms(path, names, cut, transform, length, inventory_digest=digest, **storage)
    table.assign(file=names, row=range(len(table))).to_csv(table_path, index=False)

"""Writing spectrogram stores: one Zarr v3 group per word, complete or absent.

A store contains the array `spectrogram` [utterance, channel, frequency, time] in float16, and the
coordinates `channel` (`CHANNELS`), `frequency` (Hz) and `time` (s). A chunk contains whole
utterances. The attributes are the names of the recordings, row
by row, and everything that the values depend on.
"""

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.errors import ZarrUserWarning

from spokenwords.errors import UserError
from spokenwords.jobs.atomic import replacing
from spokenwords.jobs.progress import Progress
from spokenwords.recordings import audio
from spokenwords.spectrograms import chunks
from spokenwords.spectrograms.rounding import to_float16
from spokenwords.spectrograms.stft import STFT

CHANNELS = ("real", "imaginary")
DIMENSIONS = ("utterance", "channel", "frequency", "time")
# Utterances transformed together; they fit in a processor's cache.
UTTERANCES_AT_ONCE = 4


def write_recordings(
    path: Path,
    folder: Path,
    files: list[str],
    transform: STFT,
    length: int,
    window: str,
    **storage: Any,
) -> None:
    """Write the complex spectrograms of the recordings `files` (in `folder`) to a store at `path`.

    Recordings are resampled to the transform's rate, and padded or cut to `length` samples by
    `window` (see `audio.excerpt`). `storage` are other arguments of `write_waveforms`. Raises
    `UserError` as that does, and if a recording is no longer readable.
    """

    def load(file: str) -> np.ndarray:
        with audio.usable_before(file):
            return audio.load(folder / file, transform.sample_rate, length, window)

    write_waveforms(path, files, load, transform, length, window=window, **storage)


def write_waveforms(
    path: Path,
    files: list[str],
    load: Callable[[str], np.ndarray],
    transform: STFT,
    length: int,
    rounding: int | None,
    chunk_length: int,
    inventory_digest: str,
    compression: str,
    window: str | None,
    threads: int = 1,
) -> None:
    """Write complex spectrograms to a new store at `path`.

    `load` returns the waveform of each file, float32 [length]. With `rounding` k, values are
    rounded to multiples of 2^-k before they become float16. `compression` is one of
    `chunks.COMPRESSORS`. `window` is how waveforms were cut out of longer recordings, if they were.
    An existing store stays until the new one is complete. Memory: one chunk per thread. Raises
    `UserError` if a recording is too loud for float16.
    """
    frequency, time = transform.frequency(), transform.time(length)
    dimensions = dict(
        zip(DIMENSIONS, (len(files), len(CHANNELS), len(frequency), len(time)), strict=True)
    )
    compressor = chunks.COMPRESSORS[compression]
    progress = Progress(f"Spectrograms {path.stem}", len(files), "recordings")
    with replacing(path) as partial:
        group = zarr.create_group(partial)
        group.attrs.update(
            {
                "files": files,
                "stft": asdict(transform),
                "samples": length,
                "audio_window": window,
                "rounding_step": None if rounding is None else 2.0**-rounding,
                "units": "full scale of the recording is 1",
                "inventory_sha256": inventory_digest,
                "versions": {name: version(name) for name in ("numpy", "scipy", "zarr")},
            }
        )
        for name, values, unit in (("frequency", frequency, "Hz"), ("time", time, "s")):
            group.create_array(
                name,
                data=values,
                dimension_names=[name],
                attributes={"units": unit},
                fill_value=np.nan,
            )
        # The only type of text in the specification of Zarr v3.
        channels = np.array(CHANNELS, np.dtypes.StringDType())
        group.create_array("channel", data=channels, dimension_names=["channel"])
        with chunks.writing(
            group, "spectrogram", dimensions, "utterance", chunk_length, compressor
        ) as array:

            def write_chunk(number: int) -> int:
                rows = files[array.entries(number)]
                values = np.empty((len(rows), *array.shape[1:]), np.float16)
                for i in range(0, len(rows), UTTERANCES_AT_ONCE):
                    some = rows[i : i + UTTERANCES_AT_ONCE]
                    exact = transform.complex_spectrogram(np.stack([load(file) for file in some]))
                    _require_in_range(exact, some)
                    values[i : i + len(some)] = to_float16(exact, rounding)
                array.write(number, values, compressor)
                return len(rows)

            with ThreadPoolExecutor(threads) as pool:
                for count in pool.map(write_chunk, range(len(array))):
                    progress.advance(count)
        with warnings.catch_warnings():
            # Not yet in the specification; xarray uses it, other readers ignore it.
            warnings.simplefilter("ignore", ZarrUserWarning)
            zarr.consolidate_metadata(partial)


def _require_in_range(values: np.ndarray, files: list[str]) -> None:
    limit = np.finfo(np.float16).max
    if values.max() > limit or values.min() < -limit:
        loud = np.abs(values).max(axis=(1, 2, 3)) > limit
        raise UserError(
            "These recordings are too loud for a spectrogram store: "
            f"{', '.join(np.array(files)[loud])}. Scale them down (full scale is 1) or remove them."
        )

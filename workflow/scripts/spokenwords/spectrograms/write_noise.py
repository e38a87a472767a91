"""Writing stores of noise: one Zarr v3 group, an array per recording.

The arrays `0`, `1`, … [channel, frequency, time] hold float16 values as those of spectrogram stores
do (see write.py), in chunks of `FRAMES_A_CHUNK` frames. The attributes name the recordings, in the
order of the arrays, and all that the values depend on.
"""

from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec

from spokenwords.jobs.atomic import replacing
from spokenwords.jobs.hashing import hash_of
from spokenwords.recordings import decoding
from spokenwords.spectrograms import noise
from spokenwords.spectrograms.codecs import COMPRESSORS, PIPELINE
from spokenwords.spectrograms.rounding import to_float16
from spokenwords.spectrograms.stft import STFT

DIMENSIONS = ("channel", "frequency", "time")
# Also what is transformed at a time: an hour of noise would not fit in memory as a whole.
FRAMES_A_CHUNK = 256


def write_noise_store(
    path: Path,
    folder: Path,
    files: list[str],
    transform: STFT,
    length: int,
    rounding: int | None,
) -> None:
    """Write the complex spectrograms of the noise recordings `files` (in `folder`) to `path`.

    They keep their length; channels are averaged, the rate is brought to the transform's. `length`
    is that of the recordings which noise is added to, in samples at that rate: the part that is
    trained on must have room for as much.
    With `rounding` k, values are rounded to multiples of 2^-k before they become float16. An older
    store at `path` is there until the new one is complete. Raises `UserError` that names all
    recordings which are unreadable, too short or too loud for float16, or when there are none.
    """
    noise.require_any(files, folder)
    least = noise.least_length(length + transform.hop_length)
    hashes, faults = [], []
    with replacing(path) as partial:
        group = zarr.create_group(partial)
        for number, file in enumerate(files):
            try:
                waveform = noise.load_one(folder / file, transform.sample_rate, least)
                _write_one(group, str(number), waveform, transform, rounding)
            except decoding.UnreadableRecordingError as reason:
                faults.append(f"{file} ({reason})")
            else:
                hashes.append(hash_of(folder / file))
        noise.refuse(faults, folder)
        group.attrs.update(
            {
                "files": files,
                "channels": ["real", "imaginary"],
                "stft": asdict(transform),
                "rounding_step": None if rounding is None else 2.0**-rounding,
                "units": "full scale of the recording is 1",
                "sha256": hashes,
                "versions": {name: version(name) for name in ("numpy", "scipy", "zarr", "zarrs")},
            }
        )


def _write_one(
    group: zarr.Group, name: str, waveform: np.ndarray, transform: STFT, rounding: int | None
) -> None:
    shape = (2, len(transform.frequency()), len(transform.time(len(waveform))))
    with zarr.config.set(PIPELINE):
        array = group.create_array(
            name,
            shape=shape,
            chunks=(*shape[:2], FRAMES_A_CHUNK),
            dtype="float16",
            compressors=[COMPRESSORS["zstd"], Crc32cCodec()],
            fill_value=np.nan,
            dimension_names=DIMENSIONS,
        )
    for first, values in _pieces(waveform, transform):
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise noise.UnusableNoiseError("too loud for a spectrogram store: scale it down")
        array[..., first : first + values.shape[-1]] = to_float16(values, rounding)


def _pieces(waveform: np.ndarray, transform: STFT) -> Iterator[tuple[int, np.ndarray]]:
    """The spectrogram of [samples], a chunk [2, frequency, frames] at a time, each with its start.

    A chunk is transformed together with as many frames around it as reach over its ends, so that
    only the recording's own ends are reflected.
    """
    frames, hop = len(transform.time(len(waveform))), transform.hop_length
    around = transform.n_fft // 2 // hop + 1
    for first in range(0, frames, FRAMES_A_CHUNK):
        start, end = max(0, first - around), first + FRAMES_A_CHUNK + around
        values = transform.complex_spectrogram(waveform[start * hop : end * hop])
        yield first, values[..., first - start :][..., : min(FRAMES_A_CHUNK, frames - first)]

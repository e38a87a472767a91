"""Writing noise stores: one Zarr v3 group, one array per recording.

The arrays `0`, `1`, … [channel, frequency, time] contain float16 values as in spectrogram stores
(see write.py), in chunks of `FRAMES_PER_CHUNK` frames. The attributes are the names of the
recordings, in the order of the arrays, and everything that the values depend on.
"""

from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import zarr

from spokenwords.jobs.atomic import replacing
from spokenwords.jobs.hashing import hash_of
from spokenwords.recordings import decoding
from spokenwords.spectrograms import chunks, noise
from spokenwords.spectrograms.rounding import to_float16
from spokenwords.spectrograms.stft import STFT

DIMENSIONS = ("channel", "frequency", "time")
# Also the number of frames transformed at a time: an hour of noise would not fit in memory.
FRAMES_PER_CHUNK = 256


def write_noise_store(
    path: Path,
    folder: Path,
    files: list[str],
    transform: STFT,
    length: int,
    rounding: int | None,
) -> None:
    """Write the complex spectrograms of the noise recordings `files` (in `folder`) to `path`.

    They keep their length; channels are mixed down and resampled to the transform's rate. `length`
    is that of the recordings to which noise is added, in samples at that rate: the training part of
    the noise must be at least as long. With `rounding` k, values are rounded to multiples of 2^-k
    before they become float16. An existing store stays until the new one is complete. Raises
    `UserError` if there are no recordings. Another one names all that are unreadable, too short, or
    too loud for float16.
    """
    noise.require_any(files, folder)
    least = noise.least_length(length + transform.hop_length)
    hashes, unusable = [], []
    with replacing(path) as partial:
        group = zarr.create_group(partial)
        for number, file in enumerate(files):
            try:
                waveform = noise.load_one(folder / file, transform.sample_rate, least)
                _write_one(group, str(number), waveform, transform, rounding)
            except decoding.UnreadableRecordingError as reason:
                unusable.append(f"{file} ({reason})")
            else:
                hashes.append(hash_of(folder / file))
        noise.refuse(unusable, folder)
        group.attrs.update(
            {
                "files": files,
                "channels": ["real", "imaginary"],
                "stft": asdict(transform),
                "rounding_step": None if rounding is None else 2.0**-rounding,
                "units": "full scale of the recording is 1",
                "sha256": hashes,
                "versions": {name: version(name) for name in ("numpy", "scipy", "zarr")},
            }
        )


def _write_one(
    group: zarr.Group, name: str, waveform: np.ndarray, transform: STFT, rounding: int | None
) -> None:
    frames = len(transform.time(len(waveform)))
    dimensions = dict(zip(DIMENSIONS, (2, len(transform.frequency()), frames), strict=True))
    compressor = chunks.COMPRESSORS["zstd"]
    with chunks.writing(group, name, dimensions, "time", FRAMES_PER_CHUNK, compressor) as array:
        for number, values in enumerate(_pieces(waveform, transform)):
            if np.abs(values).max() > np.finfo(np.float16).max:
                raise noise.UnusableNoiseError("too loud for a spectrogram store: scale it down")
            array.write(number, to_float16(values, rounding), compressor)


def _pieces(waveform: np.ndarray, transform: STFT) -> Iterator[np.ndarray]:
    """Yield the chunks [2, frequency, frames] of the spectrogram of [samples].

    A chunk is transformed with the neighbouring frames that overlap it, so that only the ends of
    the recording are reflected.
    """
    frames, hop = len(transform.time(len(waveform))), transform.hop_length
    around = transform.n_fft // 2 // hop + 1
    for first in range(0, frames, FRAMES_PER_CHUNK):
        start, end = max(0, first - around), first + FRAMES_PER_CHUNK + around
        values = transform.complex_spectrogram(waveform[start * hop : end * hop])
        yield values[..., first - start :][..., : min(FRAMES_PER_CHUNK, frames - first)]

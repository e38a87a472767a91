"""Stores of long recordings of noise: one Zarr v3 group, an array a recording.

The arrays `0`, `1`, … [channel, frequency, time] hold float16 values as those of spectrogram stores
do (see store.py), in chunks of `FRAMES_A_CHUNK` frames. The attributes name the recordings, in the
order of the arrays, and all that the values depend on.
"""

import hashlib
import math
import shlex
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec

from spokenwords import audio, decoding, store, unfinished
from spokenwords.errors import UserError
from spokenwords.rounding import to_float16
from spokenwords.stft import STFT
from spokenwords.store import COMPRESSORS, PIPELINE

DIMENSIONS = ("channel", "frequency", "time")
# From where to where, as shares of its length, a recording is trained, validated and tested on.
PARTS = {"train": (0.0, 0.5), "valid": (0.5, 0.6), "test": (0.6, 1.0)}
# Also what is transformed at a time: an hour of noise would not fit in memory as a whole.
FRAMES_A_CHUNK = 256


def write(
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
    _require(files, folder)
    least = _least(length + transform.hop_length)
    hashes, faults = [], []
    with unfinished.replacing(path) as partial:
        group = zarr.create_group(partial)
        for number, file in enumerate(files):
            try:
                waveform = _load(folder / file, transform.sample_rate, least)
                _write_one(group, str(number), waveform, transform, rounding)
            except decoding.UnreadableRecordingError as reason:
                faults.append(f"{file} ({reason})")
            else:
                hashes.append(hashlib.sha256((folder / file).read_bytes()).hexdigest())
        _refuse(faults, folder)
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


def read(path: Path, transform: STFT) -> list[np.ndarray]:
    """The spectrograms of a store, float16 [2, frequency, time] each, in the order of its files.

    Raises `UserError` when it is missing or damaged, or was not made by `transform`.
    """
    try:
        attributes = store.read_attributes(path)
        arrays = [store.open_array(path / str(i)) for i in range(len(attributes["files"]))]
        values = [store.read_array(array, slice(None)) for array in arrays]
    except store.DamagedError as damage:
        raise _unusable(path, f"is damaged ({damage})") from None
    if any(np.isnan(one[0, 0]).any() for one in values):
        raise _unusable(path, "is damaged (a chunk is missing)")
    if STFT(**attributes["stft"]) != transform:
        raise _unusable(path, "was made with other settings than the recordings' spectrograms")
    return values


def training_part(values: np.ndarray) -> np.ndarray:
    """The frames of a recording [2, frequency, time] that are for training."""
    first, end = (round(share * values.shape[-1]) for share in PARTS["train"])
    return values[..., first:end]


def load(folder: Path, files: list[str], sample_rate: int, length: int) -> dict[str, np.ndarray]:
    """The waveforms of recordings of noise, float32 [samples] at `sample_rate` (Hz), by file.

    Raises `UserError` that names all which are unreadable or whose part for training is shorter
    than `length` samples, or when there are none.
    """
    _require(files, folder)
    waveforms, faults = {}, []
    for file in files:
        try:
            waveforms[file] = _load(folder / file, sample_rate, _least(length))
        except decoding.UnreadableRecordingError as reason:
            faults.append(f"{file} ({reason})")
    _refuse(faults, folder)
    return waveforms


def _least(length: int) -> int:
    """How many samples a recording must have whose part for training is to have `length`."""
    first, end = PARTS["train"]
    return math.ceil(length / (end - first))


def _require(files: list[str], folder: Path) -> None:
    if not files:
        raise UserError(
            f"There is no noise in {folder}: put recordings of noise there, or go without (config "
            "keys augmentation.noise_share and silence of training or of the run)."
        )


def _refuse(faults: list[str], folder: Path) -> None:
    if faults:
        raise UserError(
            f"Of the recordings of noise in {folder}, these cannot be used: {', '.join(faults)}. "
            "Replace or remove them."
        )


def _load(path: Path, sample_rate: int, length: int) -> np.ndarray:
    """The whole recording, float32 [samples]. Too short a one is unreadable too."""
    waveform = audio.mono(path, sample_rate)
    if len(waveform) < length:
        seconds = (len(waveform) / sample_rate, length / sample_rate)
        raise decoding.UnreadableRecordingError(
            "{:.4g} s long, at least {:.4g} s are needed".format(*seconds)
        )
    return waveform


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
            raise decoding.UnreadableRecordingError(
                "too loud for a spectrogram store: scale it down"
            )
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


def _unusable(path: Path, fault: str) -> UserError:
    return UserError(
        f"The store of noise {path} {fault}: delete it with `rm -r {shlex.quote(str(path))}` and "
        "run the workflow again, which rebuilds it."
    )

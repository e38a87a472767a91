"""Spectrogram stores: one Zarr v3 group a word, written whole, read chunk by chunk.

A store holds the array `spectrogram` [utterance, channel, frequency, time] in float16 and the
coordinate arrays `channel` (`CHANNELS`), `frequency` (Hz) and `time` (s). A chunk is a number of
whole utterances and ends with a checksum (CRC-32C). The attributes name the recordings, row by row,
and all that the values depend on.
"""

import json
import math
import os
import re
import shlex
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numcodecs.checksum32 import CRC32C
from zarr.codecs import BloscCodec, Crc32cCodec
from zarr.errors import ZarrUserWarning

from spokenwords import audio, unfinished
from spokenwords.errors import UserError
from spokenwords.progress import Progress
from spokenwords.rounding import to_float16
from spokenwords.stft import STFT

CHANNELS = ("real", "imaginary")
DIMENSIONS = ("utterance", "channel", "frequency", "time")
# Chosen by benchmarks/codecs.py, see benchmarks/README.md: zstd is smaller, lz4 is read faster.
COMPRESSORS = {
    "zstd": BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle", blocksize=512 * 1024),
    "lz4": BloscCodec(cname="lz4", clevel=9, shuffle="bitshuffle"),
}
# Threads of its own, outside Python: no worker processes, which it would not survive.
PIPELINE = {"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}
# What zarrs reports, as a RuntimeError like all else, of a chunk whose bytes are not those written.
DAMAGE = re.compile("checksum|crc32c|blosc|decoded chunk")
# Utterances transformed together: few enough for a processor's cache.
UTTERANCES_AT_ONCE = 4


def write(
    path: Path,
    folder: Path,
    files: list[str],
    transform: STFT,
    length: int,
    window: str = "loudest",
    **storage: Any,
) -> None:
    """Write the complex spectrograms of the recordings `files` (in `folder`) to a store at `path`.

    Recordings are brought to `length` samples at the transform's rate, longer ones cut to their
    `window` (see `audio.excerpt`); `storage` is what else `write_waveforms` takes. Raises
    `UserError` as that does, and for a recording that can no longer be read.
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
    compression: str = "zstd",
    threads: int = 1,
    window: str | None = None,
) -> None:
    """Write complex spectrograms to a new store at `path`; `load` gives the waveform of each file.

    Waveforms are float32 [length]. With `rounding` k, values are rounded to multiples of 2^-k
    before they become float16; `compression` is one of `COMPRESSORS`; `window` says how waveforms
    were cut out of longer recordings, if they were. An older store at `path` is
    there until the new one is complete. Memory: a chunk a thread. Raises `UserError` for a
    recording that exceeds what float16 holds.
    """
    frequency, time = transform.frequency(), transform.time(length)
    with unfinished.replacing(path) as partial:
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
                "versions": {name: version(name) for name in ("numpy", "scipy", "zarr", "zarrs")},
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
        # The one type of text that Zarr v3 has a specification of.
        channels = np.array(CHANNELS, np.dtypes.StringDType())
        group.create_array("channel", data=channels, dimension_names=["channel"])
        with zarr.config.set(PIPELINE):
            array = group.create_array(
                "spectrogram",
                shape=(len(files), 2, len(frequency), len(time)),
                chunks=(chunk_length, 2, len(frequency), len(time)),
                # A chunk is a file; with slashes it would be three folders besides.
                chunk_key_encoding={"name": "default", "separator": "."},
                dtype="float16",
                # With a checksum, since Blosc decodes many a flipped bit into wrong numbers.
                compressors=[COMPRESSORS[compression], Crc32cCodec()],
                # A lost chunk then shows when it is read, instead of passing for silence.
                fill_value=np.nan,
                dimension_names=DIMENSIONS,
            )
        with warnings.catch_warnings():
            # The specification lacks it still; xarray asks for it, other readers pass over it.
            warnings.simplefilter("ignore", ZarrUserWarning)
            zarr.consolidate_metadata(partial)
        progress = Progress(f"Spectrograms {path.stem}", len(files), "recordings")

        def write_chunk(first: int) -> int:
            rows = files[first : first + chunk_length]
            chunk = np.empty((len(rows), *array.shape[1:]), np.float16)
            for i in range(0, len(rows), UTTERANCES_AT_ONCE):
                some = rows[i : i + UTTERANCES_AT_ONCE]
                waveforms = np.stack([load(file) for file in some])
                values = transform.complex_spectrogram(waveforms)
                _require_in_range(values, some)
                chunk[i : i + len(some)] = to_float16(values, rounding)
            array[first : first + len(rows)] = chunk
            return len(rows)

        with ThreadPoolExecutor(threads) as pool:
            for count in pool.map(write_chunk, range(0, len(files), chunk_length)):
                progress.advance(count)


class DamagedError(Exception):
    """What proves that a store, or an array of one, is damaged or missing; in a few words."""


def read_attributes(path: Path, *keys: str) -> dict[str, Any]:
    """The attributes of the group at `path`: files, stft and `keys`. Raises `DamagedError`."""
    attributes = _metadata(path, "attributes")["attributes"]
    if lacking := {"files", "stft", *keys} - set(attributes):
        raise DamagedError(f"its attributes lack {min(lacking)!r}")
    if set(attributes["stft"]) != {field.name for field in fields(STFT)}:
        raise DamagedError("its attribute 'stft' is not that of a transform")
    return attributes


def open_array(path: Path) -> zarr.Array:
    """The array at `path`, for `read_array`. Raises `DamagedError`."""
    _metadata(path, "shape", "data_type", "chunk_grid", "chunk_key_encoding", "codecs")
    try:
        with zarr.config.set(PIPELINE):
            return zarr.open_array(path, mode="r")
    except (ValueError, KeyError) as error:  # Zarr's own are kinds of ValueError.
        raise DamagedError(f"{path.name}/zarr.json does not describe an array: {error}") from None


def _metadata(path: Path, *keys: str) -> dict[str, Any]:
    """The document that describes the group or array at `path`, with these keys at least."""
    name = f"{path.name}/zarr.json"
    try:
        document = json.loads((path / "zarr.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise DamagedError(f"{name} is missing") from None
    except ValueError as error:
        raise DamagedError(f"{name} is no JSON: {error}") from None
    if not isinstance(document, dict) or not set(keys) <= set(document):
        raise DamagedError(f"{name} does not describe it")
    return document


def read_array(array: zarr.Array, part: slice) -> np.ndarray:
    """A part, along the first axis, of an array from `open_array`.

    Raises `DamagedError` where a chunk is; `OSError` where it cannot be read for another reason.
    """
    try:
        values = array[part]
        if len(values) and part.indices(array.shape[0])[1] == array.shape[0]:
            _check_last(array)
        return values
    except RuntimeError as error:
        if DAMAGE.search(str(error)):
            raise DamagedError(f"a chunk cannot be decoded: {error}") from None
        place = str(array.store.root)
        if found := re.search(r"\(os error (\d+)\)", str(error)):
            raise OSError(int(found[1]), os.strerror(int(found[1])), place) from error
        error.add_note(f"This came of reading {place}.")
        raise


def _check_last(array: zarr.Array) -> None:
    """Verify the checksum of the array's last chunk, which zarrs does of whole chunks only.

    It is whole where the array's lengths are multiples of the chunk's. Raises `RuntimeError`.
    """
    key = array.metadata.encode_chunk_key(tuple(count - 1 for count in array.cdata_shape))
    with suppress(FileNotFoundError):  # Then its values are none.
        CRC32C(location="end").decode(Path(array.store.root, key).read_bytes())


@dataclass(frozen=True)
class Store:
    """An opened store: the values' array [utterance, 2, frequency, time] and what describes it.

    `threads` is how many may read it.
    """

    path: Path
    word: str
    array: zarr.Array
    files: list[str]
    transform: STFT
    samples: int
    threads: int

    @property
    def recording_bytes(self) -> int:
        """What the values of one recording take in memory."""
        return self.array.dtype.itemsize * math.prod(self.array.shape[1:])

    def read(self, rows: slice) -> np.ndarray:
        """Values of the rows, float16 [rows, 2, frequency, time].

        Raises `UserError` when a chunk is lost or damaged.
        """
        try:
            values = read_array(self.array, rows)
        except DamagedError as damage:
            raise _damaged(self.path, str(damage)) from None
        if np.isnan(values[:, 0, 0, 0]).any():
            raise _damaged(self.path, "a chunk is missing")
        return values


def open_store(path: Path, threads: int = 1) -> Store:
    """Open the store at `path` for reading, by so many threads.

    Raises `UserError` when it is missing or damaged.
    """
    try:
        attributes = read_attributes(path, "samples")
        # By default, Zarr and zarrs take one thread per core.
        with zarr.config.set({"threading.max_workers": threads}):
            array = open_array(path / "spectrogram")
    except DamagedError as damage:
        raise _damaged(path, str(damage)) from None
    files, transform = attributes["files"], STFT(**attributes["stft"])
    if array.shape[0] != len(files):
        raise _damaged(path, f"it names {len(files)} recordings and holds {array.shape[0]}")
    word, samples = path.name.removesuffix(".zarr"), attributes["samples"]
    return Store(path, word, array, files, transform, samples, threads)


def _damaged(path: Path, fault: str) -> UserError:
    return UserError(
        f"The spectrogram store {path} is damaged ({fault}): delete it with "
        f"`rm -r {shlex.quote(str(path))}` and run the workflow again, which rebuilds it."
    )


def _require_in_range(values: np.ndarray, files: list[str]) -> None:
    limit = np.finfo(np.float16).max
    if values.max() > limit or values.min() < -limit:
        beyond = np.abs(values).max(axis=(1, 2, 3)) > limit
        raise UserError(
            f"Too loud for a spectrogram store: {', '.join(np.array(files)[beyond])}. Full "
            "scale is 1: scale these recordings down, or remove them."
        )

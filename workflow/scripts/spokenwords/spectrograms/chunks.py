"""Arrays of float16 that are divided along one axis into chunks, one file each.

zarr-python writes their metadata, and every reader of Zarr v3 can read them. Their chunks are
encoded and decoded here, by Blosc and with a checksum (CRC-32C) at the end: a thread does all the
work on a chunk, in memory that it uses again for the next.
"""

import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import google_crc32c
import numpy as np
from numcodecs import blosc

if TYPE_CHECKING:  # Importing zarr takes a quarter of a second, and readers do not need it.
    import zarr
    from zarr.storage import LocalStore

# Chosen by benchmarks/codecs.py, see benchmarks/README.md: zstd is smaller, lz4 is read faster.
COMPRESSORS = {
    "zstd": blosc.Blosc("zstd", 1, blosc.BITSHUFFLE, 512 * 1024),
    "lz4": blosc.Blosc("lz4", 9, blosc.BITSHUFFLE),
}
SHUFFLES = ("noshuffle", "shuffle", "bitshuffle")  # the names of Blosc's numbers
CODECS = ["bytes", "blosc", "crc32c"]
CHECKSUMS = "chunk_crc32c"  # an attribute of each array
VALUE_BYTES = 2
CHECKSUM_BYTES = 4
# Without threads of its own, Blosc lets the threads of the job work at the same time.
blosc.use_threads = False


class DamagedError(Exception):
    """A damaged or missing store or array; its message is a short reason."""


class _Memory(threading.local):
    """Memory of one thread, for a chunk."""

    encoded = decoded = np.empty(0, np.uint8)


_memory = _Memory()


@dataclass(frozen=True)
class ChunkedArray:
    """An array in the folder `path`, with `length` entries of `axis` in each chunk.

    `checksums` are those of the chunks, in order. They are an attribute of the array, so that a
    chunk in the place of another one is detected.
    """

    path: Path
    shape: tuple[int, ...]
    axis: int
    length: int
    checksums: list[int]

    def __len__(self) -> int:
        """The number of chunks."""
        return -(-self.shape[self.axis] // self.length)

    def entries(self, number: int) -> slice:
        """Return the entries of a chunk along the axis."""
        first = number * self.length
        return slice(first, min(first + self.length, self.shape[self.axis]))

    def read(self, number: int) -> np.ndarray:
        """Return the values of a chunk. They are valid until this thread reads another chunk.

        Raises `DamagedError` if the chunk is lost or damaged, or if another one is in its place,
        and `OSError` if it is not readable for another reason.
        """
        file, size = self._file(number), VALUE_BYTES * math.prod(self.chunk_shape)
        if len(_memory.decoded) != size:
            _memory.decoded = np.empty(size, np.uint8)
            _memory.encoded = np.empty(size + blosc.MAX_OVERHEAD + CHECKSUM_BYTES, np.uint8)
        try:
            with file.open("rb") as stream:
                encoded = _memory.encoded[: stream.readinto(_memory.encoded.data)]
        except FileNotFoundError:
            raise DamagedError(f"the chunk {file.name} is missing") from None
        content, end = encoded[:-CHECKSUM_BYTES], encoded[-CHECKSUM_BYTES:]
        checksum = google_crc32c.value(content)
        if end.tobytes() != _as_bytes(checksum):
            raise DamagedError(f"the chunk {file.name} has a wrong checksum")
        if checksum != self.checksums[number]:
            raise DamagedError(f"the chunk {file.name} is not the one that was written there")
        blosc.decompress(content, _memory.decoded)
        entries = self.entries(number)
        values = _memory.decoded.view(np.float16).reshape(self.chunk_shape)
        return values[(slice(None),) * self.axis + (slice(entries.stop - entries.start),)]

    def write(self, number: int, values: np.ndarray, compressor: blosc.Blosc) -> None:
        """Write the values of a chunk."""
        if values.shape != self.chunk_shape:  # Zarr's last chunk is as long as the others.
            whole = np.full(self.chunk_shape, np.nan, np.float16)
            whole[tuple(map(slice, values.shape))] = values
            values = whole
        encoded = compressor.encode(np.ascontiguousarray(values))
        self.checksums[number] = google_crc32c.value(encoded)
        with self._file(number).open("wb") as stream:
            stream.write(encoded)
            stream.write(_as_bytes(self.checksums[number]))

    @property
    def chunk_shape(self) -> tuple[int, ...]:
        """The shape of a whole chunk."""
        return (*self.shape[: self.axis], self.length, *self.shape[self.axis + 1 :])

    def _file(self, number: int) -> Path:
        index = ["0"] * len(self.shape)
        index[self.axis] = str(number)
        return self.path / ".".join(["c", *index])


def _as_bytes(checksum: int) -> bytes:
    return checksum.to_bytes(CHECKSUM_BYTES, "little")


@contextmanager
def writing(
    group: "zarr.Group",
    name: str,
    dimensions: dict[str, int],
    chunked: str,
    length: int,
    compressor: blosc.Blosc,
) -> Iterator[ChunkedArray]:
    """Create an array in a group, and yield it for its chunks to be written with `compressor`.

    `dimensions` are the names and lengths of its axes; chunks have `length` entries of `chunked`.
    """
    shape, axis = tuple(dimensions.values()), list(dimensions).index(chunked)
    folder = cast("LocalStore", group.store).root / group.path / name
    array = ChunkedArray(folder, shape, axis, length, [])
    array.checksums.extend([0] * len(array))
    blosc_settings = {
        "cname": compressor.cname,
        "clevel": compressor.clevel,
        "shuffle": SHUFFLES[compressor.shuffle],
        "blocksize": compressor.blocksize,
        "typesize": VALUE_BYTES,
    }
    created = group.create_array(
        name,
        shape=shape,
        chunks=array.chunk_shape,
        # With slashes, Zarr would have a folder for each axis.
        chunk_key_encoding={"name": "default", "separator": "."},
        dtype="float16",
        # With a checksum, since Blosc decodes some flipped bits to wrong numbers.
        compressors=[{"name": "blosc", "configuration": blosc_settings}, {"name": "crc32c"}],
        # So that no reader takes a missing chunk for silence.
        fill_value=np.nan,
        dimension_names=list(dimensions),
    )
    yield array
    created.attrs[CHECKSUMS] = array.checksums


def opened(path: Path, axis: int) -> ChunkedArray:
    """Return the array in the folder `path`, which is divided along `axis`, for reading.

    Raises `DamagedError` if its metadata are not those that `writing` gives it.
    """
    described = metadata(path, "shape", "codecs", "attributes")
    try:
        codecs = [codec["name"] for codec in described["codecs"]]
        if codecs != CODECS:
            raise DamagedError(f"its codecs are {', '.join(codecs)} instead of {', '.join(CODECS)}")
        chunk = described["chunk_grid"]["configuration"]["chunk_shape"]
        checksums = described["attributes"][CHECKSUMS]
        array = ChunkedArray(path, tuple(described["shape"]), axis, chunk[axis], checksums)
        valid = described["data_type"] == "float16" and tuple(chunk) == array.chunk_shape
        valid &= described["chunk_key_encoding"]["configuration"]["separator"] == "."
        valid &= len(checksums) == len(array)
    except (KeyError, IndexError, TypeError):
        valid = False
    if not valid:
        raise DamagedError(f"{path.name}/zarr.json does not describe such an array")
    return array


def metadata(path: Path, *keys: str) -> dict[str, Any]:
    """Return the metadata of the group or array at `path`, with at least these keys.

    Raises `DamagedError`.
    """
    name = f"{path.name}/zarr.json"
    try:
        document = json.loads((path / "zarr.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise DamagedError(f"{name} is missing") from None
    except ValueError as error:
        raise DamagedError(f"{name} is not valid JSON: {error}") from None
    if not isinstance(document, dict) or not set(keys) <= set(document):
        raise DamagedError(f"{name} is incomplete")
    return document

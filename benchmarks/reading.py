"""Speed of reading a store into memory, compared with its floor and with plain zarr-python.

The floor is Blosc alone: the same chunk files, already in the page cache, decoded by one thread per
core into buffers that are reused.

    python benchmarks/reading.py --folder data/speech_commands_11words
"""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import contest
import numpy as np
import pandas as pd
import torch
import zarr
from numcodecs.blosc import Blosc

from spokenwords.model import device
from spokenwords.spectrograms import in_memory
from spokenwords.spectrograms.codecs import PIPELINE
from spokenwords.spectrograms.read import Store
from spokenwords.spectrograms.stft import STFT
from spokenwords.spectrograms.write import write_recordings

CHECKSUM_BYTES = 4  # at the end of a chunk


def write_stores(
    folder: Path,
    files: list[str],
    target: Path,
    compression: str = "zstd",
    transform: STFT = contest.STANDARD,
) -> list[str]:
    """A store a word. Returns their zarr.json files, in order."""
    for word in sorted({file.partition("/")[0] for file in files}):
        write_recordings(
            *(
                target / f"{word}.zarr",
                folder,
                [file for file in files if file.startswith(f"{word}/")],
            ),
            *(transform, 16000),
            **{"rounding": 16, "chunk_length": 64, "compression": compression},
            window="loudest",
            inventory_digest="0" * 64,
            threads=os.cpu_count() or 1,
        )
    return sorted(map(str, target.glob("*.zarr/zarr.json")))


def manifest(stores: list[Store]) -> pd.DataFrame:
    """All rows of all stores."""
    return pd.DataFrame(
        [
            {"file": file, "word": opened.word, "label": label, "row": row}
            for label, opened in enumerate(stores)
            for row, file in enumerate(opened.files)
        ]
    )


def without_checksum(array: zarr.Array) -> zarr.Array:
    """A copy of the array next to it, with the same compression but without checksums."""
    path = Path(str(array.store_path).removeprefix("file://"))
    with zarr.config.set(PIPELINE):
        other = zarr.create_array(
            path.with_name("unchecked"),
            shape=array.shape,
            chunks=array.chunks,
            dtype=array.dtype,
            compressors=array.compressors[0],
        )
    other[:] = array[:]
    return other


def main():
    options = contest.arguments(__doc__, limit=2200, compression="zstd")
    device.choose("cpu", os.cpu_count() or 1)  # as the workflow's jobs do: freed memory is kept
    files = contest.recordings_in(options.folder, options.limit)
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(cores) as threads:
        metadata = write_stores(options.folder, files, Path(scratch), options.compression)
        stores = in_memory.open_stores(metadata, cores)
        everything = manifest(stores)
        plain = [zarr.open_group(Path(path).parent, mode="r")["spectrogram"] for path in metadata]
        chunks = Path(scratch).rglob("spectrogram/c.*")
        encoded = [path.read_bytes()[:-CHECKSUM_BYTES] for path in chunks]
        unchecked = [without_checksum(opened.array) for opened in stores]
        length = stores[0].array.chunks[0]
        buffers = [np.empty((length, *stores[0].array.shape[1:]), np.float16) for _ in range(cores)]

        def floor():
            def decode(worker):
                for chunk in encoded[worker::cores]:
                    Blosc().decode(chunk, buffers[worker])

            list(threads.map(decode, range(cores)))

        def slices_in_threads(arrays):
            def read(array, start):
                array[start : start + length]

            jobs = [
                threads.submit(read, array, start)
                for array in arrays
                for start in range(0, array.shape[0], length)
            ]
            for job in jobs:
                job.result()

        contestants = {
            "Blosc alone (the floor)": floor,
            "loader.load": lambda: in_memory.load(stores, [everything], torch.device("cpu"), None),
            "zarr-python, default pipeline": lambda: [array[:] for array in plain],
            "zarr-python, threads over slices": lambda: slices_in_threads(plain),
            "zarrs pipeline, whole arrays": lambda: [opened.array[:] for opened in stores],
            "zarrs pipeline, whole arrays, no checksum": lambda: [array[:] for array in unchecked],
            "zarrs pipeline, threads over slices": lambda: slices_in_threads(
                [opened.array for opened in stores]
            ),
        }
        found = contest.rates(contestants, len(files), options.rounds)
        print(contest.machine())
        print(f"{len(files)} recordings, {cores} threads, {options.compression}\n")
        print(contest.table(found))


if __name__ == "__main__":
    main()

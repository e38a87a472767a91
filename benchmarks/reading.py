"""Speed of reading a split into memory, compared with its floor and with other readers of Zarr.

The floor is Blosc alone: the same chunks, already in memory, decoded by one thread per core into
memory that is reused. The split is a random one: 60, 20 and 20 % of each word.

    python benchmarks/reading.py --folder data/speech_commands_11words
"""

import os
import tempfile
from bisect import bisect_left, bisect_right
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import contest
import numpy as np
import pandas as pd
import torch
import zarr
from numcodecs import blosc

from spokenwords.model import device
from spokenwords.spectrograms import in_memory
from spokenwords.spectrograms.chunks import CHECKSUM_BYTES
from spokenwords.spectrograms.read import Store
from spokenwords.spectrograms.stft import STFT
from spokenwords.spectrograms.write import write_recordings

ZARRS = {"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}


def write_stores(
    folder: Path,
    files: list[str],
    target: Path,
    compression: str = "zstd",
    transform: STFT = contest.STANDARD,
    chunk_length: int = 64,
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
            **{"rounding": 16, "chunk_length": chunk_length, "compression": compression},
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


def split(everything: pd.DataFrame) -> list[pd.DataFrame]:
    """Three random sets of 60, 20 and 20 %, in order of word and row."""
    order = np.random.default_rng(0).permutation(len(everything))
    parts = np.split(order, [len(order) * 3 // 5, len(order) * 4 // 5])
    return [everything.iloc[np.sort(part)].reset_index(drop=True) for part in parts]


def former_loader(arrays: list[zarr.Array], sets: list[pd.DataFrame], pool: ThreadPoolExecutor):
    """The loader until 2026-11-27: slices by zarrs, their rows copied to PyTorch's memory."""
    shape, length = arrays[0].shape[1:], arrays[0].chunks[0]
    targets = [torch.empty(len(rows), *shape, dtype=torch.float16).numpy() for rows in sets]
    keys = [list(zip(rows["label"], rows["row"] // length, strict=True)) for rows in sets]

    def read(label, number):
        chunk = arrays[label][number * length : (number + 1) * length]
        for rows, key, target in zip(sets, keys, targets, strict=True):
            first, end = bisect_left(key, (label, number)), bisect_right(key, (label, number))
            places = rows["row"].to_numpy()[first:end] % length
            np.take(chunk, places, axis=0, out=target[first:end], mode="clip")

    list(pool.map(read, *zip(*sorted(set(chain(*keys))), strict=True)))
    return targets


def main():
    options = contest.arguments(__doc__, limit=2200, compression="zstd", chunk_length=64)
    device.choose("cpu", os.cpu_count() or 1)  # as the workflow's jobs do: freed memory is kept
    files = contest.recordings_in(options.folder, options.limit)
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(cores) as threads:
        metadata = write_stores(
            *(options.folder, files, Path(scratch), options.compression),
            chunk_length=options.chunk_length,
        )
        stores = in_memory.open_stores(metadata, cores)
        sets = split(manifest(stores))
        paths = [Path(path).with_name("spectrogram") for path in metadata]
        plain = [zarr.open_array(path, mode="r") for path in paths]
        with zarr.config.set(ZARRS | {"threading.max_workers": cores}):
            by_zarrs = [zarr.open_array(path, mode="r") for path in paths]
        chunks = [chunk for path in paths for chunk in sorted(path.glob("c.*"))]
        encoded = [path.read_bytes()[:-CHECKSUM_BYTES] for path in chunks]
        memory = [np.empty(plain[0].chunks, np.float16) for _ in range(cores)]

        def floor():
            def decode(worker):
                for chunk in encoded[worker::cores]:
                    blosc.decompress(chunk, memory[worker])

            list(threads.map(decode, range(cores)))

        def load():
            return in_memory.load(stores, sets, torch.device("cpu"), None)

        for ours, others in zip(load(), former_loader(by_zarrs, sets, threads), strict=True):
            assert np.array_equal(ours.spectrograms, others)
        contestants = {
            "Blosc alone (the floor)": floor,
            "in_memory.load": load,
            "the former loader": lambda: former_loader(by_zarrs, sets, threads),
            "zarr-python, whole arrays": lambda: [array[:] for array in plain],
            "zarrs, whole arrays": lambda: [array[:] for array in by_zarrs],
        }
        found = contest.rates(contestants, len(files), options.rounds)
        print(contest.machine())
        print(
            f"{len(files)} recordings, {cores} threads, {options.compression}, chunks of "
            f"{options.chunk_length}\n"
        )
        print(contest.table(found))


if __name__ == "__main__":
    main()

"""Recordings in memory, and batches of them.

Spectrograms are read from their stores once, kept as float16 on the training device where they fit
(else in host memory), and batches are gathered by indexing. Where they fit in neither, they are
streamed.
"""

import logging
import math
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spokenwords.errors import UserError
from spokenwords.jobs import free_memory
from spokenwords.jobs.progress import Progress
from spokenwords.spectrograms.read import Store, open_store
from spokenwords.spectrograms.streamed import Piece, StreamedRecordings, pieces

logger = logging.getLogger("spokenwords")

# The share of a GPU's free memory that spectrograms may take; activations need the rest.
DEVICE_SHARE = 0.6
# Chunks of so many bytes together are decoded at a time.
READING_BYTES = 500_000_000


@dataclass
class Recordings:
    """A set's spectrograms, float16 [recording, 2, frequency, time], and labels [recording]."""

    spectrograms: torch.Tensor
    labels: torch.Tensor
    device: torch.device

    def __len__(self) -> int:
        return len(self.labels)

    def shuffled(self, batch_size: int, seed: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """One epoch of batches (spectrograms, labels) on the device, in an order drawn from `seed`.

        A last batch of a single recording is left out: batch norm cannot train on it.
        """
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        order = order.to(self.spectrograms.device)
        for index in order.split(batch_size)[: batches_per_epoch(len(self), batch_size)]:
            spectrograms = self._on_device(self.spectrograms.index_select(0, index))
            yield spectrograms, self.labels[index.to(self.labels.device)]

    def in_order(self, batch_size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """All batches (spectrograms, labels) on the device, in the manifest's order.

        Where the spectrograms lie there already, these are views of them.
        """
        parts = self.spectrograms.split(batch_size), self.labels.split(batch_size)
        for spectrograms, labels in zip(*parts, strict=True):
            if len(labels):  # PyTorch splits nothing into an empty batch.
                yield self._on_device(spectrograms), labels

    def _on_device(self, spectrograms: torch.Tensor) -> torch.Tensor:
        if spectrograms.device == self.device:
            return spectrograms
        return spectrograms.pin_memory().to(self.device, non_blocking=True)


def batches_per_epoch(recordings: int, batch_size: int) -> int:
    """How many batches `Recordings.shuffled` makes of this many recordings.

    Raises `UserError` when there are too few for one.
    """
    if recordings < 2:
        raise UserError("Training takes at least two recordings: change the split's shares.")
    full, rest = divmod(recordings, batch_size)
    return full + (rest > 1)


def open_stores(metadata: Iterable[str], threads: int = 1) -> list[Store]:
    """Open the stores, one a word in the order of the labels, whose zarr.json files are named.

    They are read by so many `threads`. Raises `UserError` when they were not made with the same
    settings.
    """
    stores = [open_store(Path(path).parent, threads) for path in metadata]
    for store in stores:
        if (store.transform, store.samples) != (stores[0].transform, stores[0].samples):
            raise UserError(
                f"The spectrogram stores {stores[0].path} and {store.path} were made with "
                f"different settings: delete the folder {store.path.parent} and run the workflow "
                "again."
            )
    return stores


def load(
    stores: list[Store],
    manifests: list[pd.DataFrame],
    device: torch.device,
    memory_budget: float | None,
    class_of: Mapping[str, int] | None = None,
    processes: int = 1,
) -> list[Recordings | StreamedRecordings]:
    """The recordings of each manifest, in memory where they fit, else streamed.

    `memory_budget` (bytes) is what spectrograms may take in memory; None takes a share of what is
    free. `class_of` gives the class of each word, which takes the place of the manifests' label as
    what is to be learnt. Of several `processes` on this machine each takes its share of the memory.
    Reading, a chunk that several sets need is decoded once. Raises
    `UserError` when a store is damaged, missing or not the one that the manifests were made for.
    """
    known = {store.word for store in stores}
    if unknown := {word for manifest in manifests for word in manifest["word"]} - known:
        raise UserError(
            f"There is no spectrogram store of {', '.join(sorted(unknown))}, of which the split "
            "names recordings: run the workflow again."
        )
    for label, store in enumerate(stores):
        for manifest in manifests:
            _check_rows(store, label, manifest[manifest["word"] == store.word])
    needed = stores[0].recording_bytes * sum(map(len, manifests))
    place, budget = _place(needed, device, memory_budget, processes)
    sets: list[Recordings | StreamedRecordings]
    if place is None:
        sets = [StreamedRecordings(stores, manifest, device, budget) for manifest in manifests]
    else:
        sets = [
            Recordings(values, _labels(manifest["label"], device), device)
            for values, manifest in zip(_read(stores, manifests, place), manifests, strict=True)
        ]
    if class_of:
        for recordings, manifest in zip(sets, manifests, strict=True):
            recordings.labels = _labels(manifest["word"].map(class_of), device)
    return sets


def _labels(numbers: pd.Series, device: torch.device) -> torch.Tensor:
    return torch.tensor(numbers.to_numpy(dtype=np.int64), device=device)


def _read(
    stores: list[Store], manifests: list[pd.DataFrame], place: torch.device
) -> list[torch.Tensor]:
    """The spectrograms of each manifest, [recording, 2, frequency, time], at `place`."""
    shape, lengths = stores[0].array.shape[1:], [len(manifest) for manifest in manifests]
    sets = [torch.empty(length, *shape, dtype=torch.float16, device=place) for length in lengths]
    progress = Progress("Reading spectrograms", sum(lengths), "recordings")
    wanted = defaultdict(list)
    for values, manifest in zip(sets, manifests, strict=True):
        for piece in pieces(stores, manifest):
            wanted[piece.store.path, piece.chunk.start].append((values, piece))

    def read(parts: list[tuple[torch.Tensor, Piece]]) -> int:
        chunk = parts[0][1].read()
        for values, piece in parts:
            target = values[piece.positions[0] : piece.positions[-1] + 1]
            if place.type == "cpu":
                # NumPy copies rows several times as fast as PyTorch; `clip` spares it a buffer.
                np.take(chunk, piece.rows, axis=0, out=target.numpy(), mode="clip")
            else:
                target.copy_(torch.from_numpy(chunk[piece.rows]))
        return sum(len(piece.rows) for _, piece in parts)

    largest = max(store.array.chunks[0] * store.recording_bytes for store in stores)
    readers = max(1, min(stores[0].threads, READING_BYTES // largest))
    with ThreadPoolExecutor(readers) as threads:
        for count in threads.map(read, wanted.values()):
            progress.advance(count)
    return sets


def _check_rows(store: Store, label: int, part: pd.DataFrame) -> None:
    rows = part["row"]
    if len(part) and (
        rows.max() >= len(store.files)
        or (part["label"] != label).any()
        or any(store.files[row] != file for row, file in zip(rows, part["file"], strict=True))
    ):
        raise UserError(
            f"The spectrogram store {store.path} was made for other recordings than the split "
            f"names: delete it with `rm -r {shlex.quote(str(store.path))}` and run the workflow "
            "again."
        )


def _place(
    needed: int, device: torch.device, memory_budget: float | None, processes: int
) -> tuple[torch.device | None, float]:
    """Where `needed` bytes fit: the training device, the host, or None; and the budget there."""
    gigabytes = needed / 1e9
    if memory_budget:
        memory_budget /= processes
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        room = min(memory_budget or math.inf, DEVICE_SHARE * free)
        if needed <= room:
            return device, room
    budget = memory_budget or free_memory.SHARE * free_memory.free() / processes
    if needed <= budget:
        if device.type == "cuda":
            logger.info(f"{gigabytes:.1f} GB of spectrograms stay in the host's memory.")
        return torch.device("cpu"), budget
    logger.info(
        f"The spectrograms take {gigabytes:.1f} GB, more than the memory budget of "
        f"{budget / 1e9:.1f} GB: they are streamed from their stores in each epoch."
    )
    return None, budget


def as_bytes(memory_budget: float | str) -> float | None:
    """The setting `memory_budget`, in GB or `auto`, as `load` takes it."""
    return None if isinstance(memory_budget, str) else memory_budget * 1e9

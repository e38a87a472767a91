"""Recordings in memory, and batches of them.

Spectrograms are read from their stores once and kept as float16: on the training device if they
fit, else in host memory. Batches are gathered by indexing. If they fit in neither, they are
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
from spokenwords.spectrograms.streamed import Piece, Sample, StreamedRecordings, pieces

logger = logging.getLogger("spokenwords")

# Share of a GPU's free memory for spectrograms; the rest is for activations.
DEVICE_SHARE = 0.6
# Bytes of chunks that are decoded at the same time.
READING_BYTES = 500_000_000


@dataclass
class Recordings:
    """A set's spectrograms, float16 [recording, 2, frequency, time], and labels [recording]."""

    spectrograms: torch.Tensor
    labels: torch.Tensor
    device: torch.device

    def __len__(self) -> int:
        return len(self.labels)

    def shuffled(
        self, batch_size: int, seed: int, sample: Sample | None = None
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield one epoch of batches (spectrograms, labels) on the device, in a random order.

        It has all recordings, or those of a `sample`. A last batch with a single recording is left
        out: batch norm cannot train on it.
        """
        count, labels = len(self), self.labels
        if sample:
            count, labels = len(sample.positions), sample.labels.to(self.device)
        order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
        for index in order.split(batch_size)[: batches_per_epoch(count, batch_size)]:
            rows = torch.from_numpy(sample.positions)[index] if sample else index
            rows = rows.to(self.spectrograms.device)
            spectrograms = self._on_device(self.spectrograms.index_select(0, rows))
            yield spectrograms, labels[index.to(labels.device)]

    def subset(self, positions: np.ndarray) -> "Recordings":
        """Return the recordings at these positions."""
        rows = torch.from_numpy(positions)
        spectrograms = self.spectrograms[rows.to(self.spectrograms.device)]
        return Recordings(spectrograms, self.labels[rows.to(self.labels.device)], self.device)

    def in_order(self, batch_size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield all batches (spectrograms, labels) on the device, in the manifest's order.

        If the spectrograms are already on the device, batches are views of them.
        """
        parts = self.spectrograms.split(batch_size), self.labels.split(batch_size)
        for spectrograms, labels in zip(*parts, strict=True):
            if len(labels):  # PyTorch splits an empty tensor into one empty batch.
                yield self._on_device(spectrograms), labels

    def _on_device(self, spectrograms: torch.Tensor) -> torch.Tensor:
        if spectrograms.device == self.device:
            return spectrograms
        return spectrograms.pin_memory().to(self.device, non_blocking=True)


def batches_per_epoch(recordings: int, batch_size: int) -> int:
    """Return the number of batches that `Recordings.shuffled` yields.

    Raises `UserError` if there are too few recordings for one batch.
    """
    if recordings < 2:
        raise UserError("Training needs at least two recordings. Change the split's shares.")
    full, rest = divmod(recordings, batch_size)
    return full + (rest > 1)


def open_stores(metadata: Iterable[str], threads: int = 1) -> list[Store]:
    """Open the words' stores, in the order of the labels; `metadata` are their zarr.json files.

    They are read with this number of `threads`. Raises `UserError` if they were made with different
    settings.
    """
    stores = [open_store(Path(path).parent, threads) for path in metadata]
    for store in stores:
        if (store.transform, store.samples) != (stores[0].transform, stores[0].samples):
            raise UserError(
                f"The spectrogram stores {stores[0].path} and {store.path} were made with "
                f"different settings. Delete the folder {store.path.parent} and run the workflow "
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
    """Return the recordings of each manifest: in memory if they fit, else streamed.

    `memory_budget` (bytes) limits the spectrograms in memory; None is a share of the free memory.
    It is divided among the `processes` on this machine. `class_of` gives the class of each word,
    which replaces the manifests' label as the training target. A chunk that several sets need is
    decoded once. Raises `UserError` if a store is damaged, missing or made for other recordings.
    """
    known = {store.word for store in stores}
    if unknown := {word for manifest in manifests for word in manifest["word"]} - known:
        raise UserError(
            f"The split contains recordings of {', '.join(sorted(unknown))}, but there are no "
            "spectrogram stores of them. Run the workflow again."
        )
    for manifest in manifests:
        _check_rows(stores, manifest)
    needed = stores[0].recording_bytes * sum(map(len, manifests))
    storage, budget = _storage(needed, device, memory_budget, processes)
    sets: list[Recordings | StreamedRecordings]
    if storage is None:
        sets = [StreamedRecordings(stores, manifest, device, budget) for manifest in manifests]
    else:
        sets = [
            Recordings(values, _labels(manifest["label"], device), device)
            for values, manifest in zip(_read(stores, manifests, storage), manifests, strict=True)
        ]
    if class_of:
        for recordings, manifest in zip(sets, manifests, strict=True):
            recordings.labels = _labels(manifest["word"].map(class_of), device)
    return sets


def _labels(numbers: pd.Series, device: torch.device) -> torch.Tensor:
    return torch.tensor(numbers.to_numpy(dtype=np.int64), device=device)


def _read(
    stores: list[Store], manifests: list[pd.DataFrame], device: torch.device
) -> list[torch.Tensor]:
    """Return the spectrograms of each manifest, [recording, 2, frequency, time], on `device`."""
    shape, on_host = stores[0].array.shape[1:], device.type == "cpu"
    # From NumPy, which asks for large pages of memory: they are filled in half the time.
    sets = [
        torch.from_numpy(np.empty((len(manifest), *shape), np.float16))
        if on_host
        else torch.empty(len(manifest), *shape, dtype=torch.float16, device=device)
        for manifest in manifests
    ]
    progress = Progress("Reading spectrograms", sum(map(len, manifests)), "recordings")
    wanted = defaultdict(list)
    for values, manifest in zip(sets, manifests, strict=True):
        for piece in pieces(stores, manifest):
            wanted[piece.store.path, piece.number].append((values, piece))

    def read(parts: list[tuple[torch.Tensor, Piece]]) -> int:
        chunk = parts[0][1].read()
        for values, piece in parts:
            target = values[piece.positions[0] : piece.positions[-1] + 1]
            if on_host:
                # NumPy copies rows several times as fast as PyTorch; `clip` avoids a buffer.
                np.take(chunk, piece.rows, axis=0, out=target.numpy(), mode="clip")
            else:
                target.copy_(torch.from_numpy(chunk[piece.rows]))
        return sum(len(piece.rows) for _, piece in parts)

    largest = max(store.array.length * store.recording_bytes for store in stores)
    readers = max(1, min(stores[0].threads, READING_BYTES // largest))
    with ThreadPoolExecutor(readers) as threads:
        for count in threads.map(read, wanted.values()):
            progress.advance(count)
    return sets


def _check_rows(stores: list[Store], manifest: pd.DataFrame) -> None:
    labels = {store.word: label for label, store in enumerate(stores)}
    for word, part in manifest.groupby("word", sort=False):
        store, rows = stores[labels[word]], part["row"].to_numpy()
        if (
            rows.max() >= len(store.files)
            or (part["label"] != labels[word]).any()
            or (np.array(store.files, object)[rows] != part["file"].to_numpy(object)).any()
        ):
            raise UserError(
                f"The spectrogram store {store.path} does not match the recordings of the split. "
                f"Delete it with `rm -r {shlex.quote(str(store.path))}` and run the workflow again."
            )


def _storage(
    needed: int, device: torch.device, memory_budget: float | None, processes: int
) -> tuple[torch.device | None, float]:
    """Return where `needed` bytes fit (training device, CPU or None), and the budget there."""
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
            logger.info(f"{gigabytes:.1f} GB of spectrograms are kept in the host's memory.")
        return torch.device("cpu"), budget
    logger.info(
        f"The spectrograms need {gigabytes:.1f} GB, but the memory budget is {budget / 1e9:.1f} "
        "GB. They are streamed from their stores in each epoch."
    )
    return None, budget


def as_bytes(memory_budget: float | str) -> float | None:
    """Return the setting `memory_budget` (GB or `auto`) in bytes, or None for `auto`."""
    return None if isinstance(memory_budget, str) else memory_budget * 1e9

"""Recordings in memory, and batches of them.

Spectrograms are read from their stores once, kept as float16 on the training device where they fit
(else in host memory), and batches are gathered by indexing.
"""

import logging
import math
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil
import torch

from spokenwords.errors import UserError
from spokenwords.progress import Progress
from spokenwords.store import Store, open_store

logger = logging.getLogger("spokenwords")

# The share of free device memory that spectrograms may take; activations need the rest.
DEVICE_SHARE = 0.6
HOST_SHARE = 0.9


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
        for index in order.split(batch_size)[: batches_per_epoch(len(self), batch_size)]:
            yield self._gather(index)

    def in_order(self, batch_size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """All batches (spectrograms, labels) on the device, in the manifest's order."""
        for index in torch.arange(len(self)).split(batch_size):
            yield self._gather(index)

    def _gather(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        index = index.to(self.spectrograms.device)
        spectrograms = self.spectrograms.index_select(0, index)
        if spectrograms.device != self.device:
            spectrograms = spectrograms.pin_memory().to(self.device, non_blocking=True)
        return spectrograms, self.labels[index.to(self.labels.device)]


def batches_per_epoch(recordings: int, batch_size: int) -> int:
    """How many batches `Recordings.shuffled` makes of this many recordings.

    Raises `UserError` when there are too few for one.
    """
    if recordings < 2:
        raise UserError("Training takes at least two recordings: change the split's shares.")
    full, rest = divmod(recordings, batch_size)
    return full + (rest > 1)


def open_stores(metadata: Iterable[str]) -> list[Store]:
    """Open the stores, one a word in the order of the labels, whose zarr.json files are named.

    Raises `UserError` when they were not made with the same settings.
    """
    stores = [open_store(Path(path).parent) for path in metadata]
    for store in stores:
        if (store.transform, store.samples) != (stores[0].transform, stores[0].samples):
            raise UserError(
                f"The spectrogram stores {stores[0].path} and {store.path} were made with "
                f"different settings: delete the folder {store.path.parent} and run the workflow "
                "again."
            )
    return stores


def load(
    stores: list[Store], manifests: list[pd.DataFrame], device: torch.device
) -> list[Recordings]:
    """Read the recordings of each manifest; a chunk that several of them need is decoded once.

    Raises `UserError` when a store is damaged, missing or not the one that the manifests were made
    for, or when memory does not suffice.
    """
    # Rows are told by their place in the manifest, whatever its index was.
    manifests = [manifest.reset_index(drop=True) for manifest in manifests]
    known = {store.word for store in stores}
    if unknown := {word for manifest in manifests for word in manifest["word"]} - known:
        raise UserError(
            f"There is no spectrogram store of {', '.join(sorted(unknown))}, of which the split "
            "names recordings: run the workflow again."
        )
    shape = stores[0].array.shape[1:]
    lengths = [len(manifest) for manifest in manifests]
    place = _place(sum(lengths) * 2 * math.prod(shape), device)
    spectrograms = [
        torch.empty(length, *shape, dtype=torch.float16, device=place) for length in lengths
    ]
    progress = Progress("Reading spectrograms", sum(lengths), "recordings")
    for label, store in enumerate(stores):
        wanted = [manifest[manifest["word"] == store.word] for manifest in manifests]
        for part in wanted:
            _check_rows(store, label, part)
        for rows in store.blocks():
            parts = [part[part["row"].between(rows.start, rows.stop - 1)] for part in wanted]
            if all(part.empty for part in parts):
                continue
            block = torch.from_numpy(store.read(rows)).to(place)
            for values, part in zip(spectrograms, parts, strict=True):
                source = torch.tensor(part["row"].to_numpy() - rows.start, device=place)
                target = torch.tensor(part.index.to_numpy(), device=place)
                values[target] = block[source]
                progress.advance(len(part))
    return [
        Recordings(values, torch.tensor(manifest["label"].to_numpy(), device=device), device)
        for values, manifest in zip(spectrograms, manifests, strict=True)
    ]


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


def _place(needed: int, device: torch.device) -> torch.device:
    """Where `needed` bytes fit: the training device, else the host."""
    gigabytes = needed / 1e9
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if needed <= DEVICE_SHARE * free:
            return device
        logger.info(f"The GPU has too little memory: {gigabytes:.1f} GB stay in the host's.")
    available = psutil.virtual_memory().available
    if needed > HOST_SHARE * available:
        raise UserError(
            f"The spectrograms take {gigabytes:.1f} GB of memory and {available / 1e9:.1f} GB are "
            "free: train on fewer words (config key dataset.words), use features with a longer "
            "stride, or use a machine with more memory."
        )
    return torch.device("cpu")

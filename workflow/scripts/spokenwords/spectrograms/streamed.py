"""Batches streamed from stores, if the recordings do not fit in memory.

Chunks are read ahead into a pool of recordings, in a random order in which each word's chunks are
spread evenly over the epoch. When the pool is full, random recordings move from it to a batch to
make room for the next. So a batch mixes many chunks, although each store contains a single word.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from spokenwords.errors import UserError

if TYPE_CHECKING:
    from spokenwords.spectrograms.read import Store

CHUNKS_AHEAD = 4  # chunks that are being read or wait for their turn
READERS = 2
# Memory besides the pool. Chunks: compressed, decoded and copied ones, and memory that is freed but
# not returned; with this number a process kept to its budget (benchmarks/streaming.py). Batches:
# one that the network uses, one that waits, one that is being filled.
CHUNKS_AROUND = 30
BATCHES_AROUND = 3


@dataclass(frozen=True)
class Piece:
    """The rows of a chunk that belong to a set, and their positions in its manifest.

    Positions are consecutive; rows need not be.
    """

    store: "Store"
    chunk: slice
    rows: np.ndarray
    positions: np.ndarray

    def read(self) -> np.ndarray:
        """Return the whole chunk, float16 [utterance, 2, frequency, time]; `rows` index it."""
        return self.store.read(self.chunk)


class StreamedRecordings:
    """A set whose spectrograms stay in their stores; batches are like those of `Recordings`."""

    def __init__(
        self, stores: list["Store"], manifest: pd.DataFrame, device: torch.device, budget: float
    ):
        """Prepare reading; `budget` limits the spectrograms in memory at a time, in bytes."""
        self.labels = torch.tensor(manifest["label"].to_numpy(), device=device)
        self.device = device
        self.budget = budget
        self._shape = stores[0].array.shape[1:]
        self._pieces = pieces(stores, manifest)
        self._pool: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def pool_size(self, batch_size: int) -> int:
        """Return the size of the pool. Raises `UserError` if the budget is too small."""
        return min(self._room(batch_size, least=batch_size), len(self))

    def _room(self, batch_size: int, least: int) -> int:
        """Return the number of recordings that fit in the budget next to chunks and batches.

        Raises `UserError` if they are fewer than `least`.
        """
        each = self._pieces[0].store.recording_bytes
        chunk = max(piece.chunk.stop - piece.chunk.start for piece in self._pieces)
        overhead = around(chunk, batch_size)
        room = int(self.budget / each) - overhead
        if room < least:
            raise UserError(
                f"{self.budget / 1e9:.2g} GB of memory are not enough to stream spectrograms in "
                f"chunks of {chunk}. This needs at least {(overhead + least) * each / 1e9:.2g} GB, "
                "and more to mix the words well. Raise training.memory_budget (`auto` is half of "
                "the free memory), or lower chunk_length of the features (config keys)."
            )
        return room

    def shuffled(self, batch_size: int, seed: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield one epoch of batches (spectrograms, labels) on the device, mixed by `seed`.

        A last batch with a single recording is left out: batch norm cannot train on it.
        """
        generator = np.random.default_rng(seed)
        size = self.pool_size(batch_size)
        if self._pool is None or len(self._pool) != size:
            self._pool = np.empty((size, *self._shape), np.float16)
        # The same array in all epochs: a new one might not fit in the memory of the last one.
        pool = self._pool
        positions = np.empty(len(pool), np.int64)
        filled = 0
        batch = _Batch(batch_size, self._shape)
        for values, read_positions in _read_ahead(mixed(self._pieces, generator)):
            start = 0
            while start < len(values):
                room = len(pool) - filled
                count = min(len(values) - start, room or batch.room)
                if room:
                    slots = np.arange(filled, filled + count)
                    filled += count
                else:
                    slots = generator.choice(len(pool), count, replace=False)
                    batch.add(pool, slots, positions[slots])
                    if not batch.room:
                        yield self._send(batch)
                        batch = _Batch(batch_size, self._shape)
                pool[slots] = values[start : start + count]
                positions[slots] = read_positions[start : start + count]
                start += count
        rest = generator.permutation(filled)
        while len(rest):
            slots, rest = np.split(rest, [batch.room])
            batch.add(pool, slots, positions[slots])
            if len(batch.positions) > 1:
                yield self._send(batch)
            batch = _Batch(batch_size, self._shape)

    def in_order(self, batch_size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield all batches (spectrograms, labels) on the device, in the manifest's order.

        They are smaller than `batch_size` if the budget requires it.
        """
        if not self._pieces:
            return
        room = self._room(batch_size=0, least=BATCHES_AROUND)
        batch_size = min(batch_size, room // BATCHES_AROUND)
        batch = _Batch(batch_size, self._shape)
        for values, positions in _read_ahead(self._pieces):
            start = 0
            while start < len(values):
                some = np.arange(start, min(start + batch.room, len(values)))
                batch.add(values, some, positions[some])
                start += len(some)
                if not batch.room:
                    yield self._send(batch)
                    batch = _Batch(batch_size, self._shape)
        if batch.positions.size:
            yield self._send(batch)

    def _send(self, batch: "_Batch") -> tuple[torch.Tensor, torch.Tensor]:
        spectrograms = torch.from_numpy(batch.values[: len(batch.positions)])
        if self.device.type == "cuda":
            spectrograms = spectrograms.pin_memory().to(self.device, non_blocking=True)
        return spectrograms, self.labels[torch.from_numpy(batch.positions).to(self.device)]


class _Batch:
    """A batch that is being filled."""

    def __init__(self, size: int, shape: tuple[int, ...]):
        self.values = np.empty((size, *shape), np.float16)
        self.positions = np.empty(0, np.int64)

    @property
    def room(self) -> int:
        return len(self.values) - len(self.positions)

    def add(self, source: np.ndarray, index: np.ndarray, positions: np.ndarray) -> None:
        """Add the rows `index` of `source`, with their positions in the manifest."""
        start = len(self.positions)
        np.take(source, index, axis=0, out=self.values[start : start + len(index)], mode="clip")
        self.positions = np.concatenate([self.positions, positions])


def around(chunk_length: int, batch_size: int) -> int:
    """Return the memory that streaming needs besides its pool, as a number of recordings."""
    return CHUNKS_AROUND * chunk_length + BATCHES_AROUND * batch_size


def pieces(stores: list["Store"], manifest: pd.DataFrame) -> list[Piece]:
    """Return the manifest's consecutive rows in the same chunk as pieces."""
    if manifest.empty:  # such as the share of one of several processes in a small set
        return []
    labels, rows = manifest["label"].to_numpy(), manifest["row"].to_numpy()
    lengths = np.array([store.array.chunks[0] for store in stores])
    chunks = rows // lengths[labels]
    changes = np.flatnonzero((np.diff(labels) != 0) | (np.diff(chunks) != 0)) + 1
    found = []
    for positions in np.split(np.arange(len(manifest)), changes):
        store, length = stores[labels[positions[0]]], lengths[labels[positions[0]]]
        start = chunks[positions[0]] * length
        chunk = slice(int(start), int(min(start + length, len(store.files))))
        found.append(Piece(store, chunk, rows[positions] - start, positions))
    return found


def mixed(pieces: list[Piece], generator: np.random.Generator) -> list[Piece]:
    """Return the pieces in a random order in which those of each word are evenly spread."""
    _, words, counts = np.unique(
        [piece.store.word for piece in pieces], return_inverse=True, return_counts=True
    )
    order = generator.permutation(len(pieces))
    by_word = order[np.argsort(words[order], kind="stable")]
    rank = np.empty(len(pieces))  # of a piece among those of its word
    rank[by_word] = np.arange(len(pieces)) - np.repeat(counts.cumsum() - counts, counts)
    times = (rank + generator.random(len(pieces))) / counts[words]
    return [pieces[i] for i in np.argsort(times)]


def _read_ahead(pieces: list[Piece]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows of each piece, [rows, 2, frequency, time], and their positions, in order."""
    with ThreadPoolExecutor(min(READERS, pieces[0].store.threads)) as threads:
        waiting: deque[tuple[Piece, Future]] = deque()

        def next_one() -> tuple[np.ndarray, np.ndarray]:
            piece, values = waiting.popleft()
            return values.result(), piece.positions

        try:
            for piece in pieces:
                waiting.append((piece, threads.submit(_decode, piece)))
                if len(waiting) >= CHUNKS_AHEAD:
                    yield next_one()
            while waiting:
                yield next_one()
        finally:
            for _, values in waiting:
                values.cancel()


def _decode(piece: Piece) -> np.ndarray:
    values = piece.read()
    # Most of a chunk's rows often belong to another set.
    return values if len(piece.rows) == len(values) else values[piece.rows]

"""Recordings that are too many for memory: batches streamed from their stores.

Chunks are read ahead in an order drawn at random, each word's spread evenly over the epoch, into a
pool of recordings. Whenever the pool is full, recordings drawn from it at random make room for the
next and fill a batch: so a batch mixes many chunks, though a store holds a single word.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from spokenwords.errors import UserError
from spokenwords.spectrograms.read import Store

# Chunks that are being read, or are read and wait for their turn; readers at the most.
CHUNKS_AHEAD = 4
READERS = 2
# What is in memory besides the pool. Chunks: compressed, decoded and copied ones, and what is freed
# but kept; so many held a process within its budget (benchmarks/streaming.py). Batches: one that
# the network has, one that waits for it, one that is filled.
CHUNKS_AROUND = 30
BATCHES_AROUND = 3


@dataclass(frozen=True)
class Piece:
    """What a chunk of a store has of a set: rows, and their positions in the set's manifest.

    Positions follow one another; rows need not.
    """

    store: Store
    chunk: slice
    rows: np.ndarray
    positions: np.ndarray

    def read(self) -> np.ndarray:
        """The whole chunk, float16 [utterance, 2, frequency, time]; `rows` index it."""
        return self.store.read(self.chunk)


class StreamedRecordings:
    """A set whose spectrograms stay in their stores; batches as those of `loader.Recordings`."""

    def __init__(
        self, stores: list[Store], manifest: pd.DataFrame, device: torch.device, budget: float
    ):
        """`budget` is what its spectrograms may take in memory at a time, in bytes."""
        self.labels = torch.tensor(manifest["label"].to_numpy(), device=device)
        self.device = device
        self.budget = budget
        self._shape = stores[0].array.shape[1:]
        self._pieces = pieces(stores, manifest)
        self._pool: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def pool_size(self, batch_size: int) -> int:
        """Recordings that the pool may hold. Raises `UserError` when the budget is too small."""
        return min(self._room(batch_size, least=batch_size), len(self))

    def _room(self, batch_size: int, least: int) -> int:
        """Recordings that the budget leaves room for beside chunks and batches: `least` or more."""
        each = self._pieces[0].store.recording_bytes
        chunk = max(piece.chunk.stop - piece.chunk.start for piece in self._pieces)
        beside = around(chunk, batch_size)
        room = int(self.budget / each) - beside
        if room < least:
            raise UserError(
                f"{self.budget / 1e9:.2g} GB of memory are too little to stream spectrograms in "
                f"chunks of {chunk}: it takes at least {(beside + least) * each / 1e9:.2g} GB, and "
                "more to mix the words well. Raise training.memory_budget (`auto` is half of what "
                "is free), or lower chunk_length of the features (config keys)."
            )
        return room

    def shuffled(self, batch_size: int, seed: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """One epoch of batches (spectrograms, labels) on the device, mixed as `seed` says.

        A last batch of a single recording is left out: batch norm cannot train on it.
        """
        generator = np.random.default_rng(seed)
        size = self.pool_size(batch_size)
        if self._pool is None or len(self._pool) != size:
            self._pool = np.empty((size, *self._shape), np.float16)
        # The same in all epochs: so large a block might not fit where the last one was.
        pool = self._pool
        positions = np.empty(len(pool), np.int64)
        filled = 0
        batch = _Batch(batch_size, self._shape)
        for values, places in _read_ahead(mixed(self._pieces, generator)):
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
                positions[slots] = places[start : start + count]
                start += count
        rest = generator.permutation(filled)
        while len(rest):
            slots, rest = np.split(rest, [batch.room])
            batch.add(pool, slots, positions[slots])
            if len(batch.positions) > 1:
                yield self._send(batch)
            batch = _Batch(batch_size, self._shape)

    def in_order(self, batch_size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """All batches (spectrograms, labels) on the device, in the manifest's order.

        They are smaller than `batch_size` where the budget has no room for as many.
        """
        if not self._pieces:
            return
        room = self._room(batch_size=0, least=BATCHES_AROUND)
        batch_size = min(batch_size, room // BATCHES_AROUND)
        batch = _Batch(batch_size, self._shape)
        for values, places in _read_ahead(self._pieces):
            start = 0
            while start < len(values):
                some = np.arange(start, min(start + batch.room, len(values)))
                batch.add(values, some, places[some])
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
        """Add the rows `index` of `source`, which have these positions in the manifest."""
        start = len(self.positions)
        np.take(source, index, axis=0, out=self.values[start : start + len(index)], mode="clip")
        self.positions = np.concatenate([self.positions, positions])


def around(chunk_length: int, batch_size: int) -> int:
    """How many recordings' worth of memory streaming takes besides its pool."""
    return CHUNKS_AROUND * chunk_length + BATCHES_AROUND * batch_size


def pieces(stores: list[Store], manifest: pd.DataFrame) -> list[Piece]:
    """The manifest cut into runs of rows that lie in the same chunk."""
    if manifest.empty:  # Of a small set, the share of one of several processes.
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
    """The pieces in an order drawn at random in which each word's come evenly."""
    _, words, counts = np.unique(
        [piece.store.word for piece in pieces], return_inverse=True, return_counts=True
    )
    order = generator.permutation(len(pieces))
    by_word = order[np.argsort(words[order], kind="stable")]
    place = np.empty(len(pieces))  # of a piece among its word's
    place[by_word] = np.arange(len(pieces)) - np.repeat(counts.cumsum() - counts, counts)
    times = (place + generator.random(len(pieces))) / counts[words]
    return [pieces[i] for i in np.argsort(times)]


def _read_ahead(pieces: list[Piece]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The wanted rows of each piece, [rows, 2, frequency, time], and their positions, in order."""
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
    # Most of a chunk's rows are often of another set; copying all would be of no use.
    return values if len(piece.rows) == len(values) else values[piece.rows]

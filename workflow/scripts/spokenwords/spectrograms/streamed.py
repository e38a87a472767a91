"""Batches streamed from stores, if the recordings do not fit in memory.

Chunks are read ahead into a pool of recordings, in a random order in which each word's chunks are
spread evenly over the epoch. When the pool is full, random recordings move from it to a batch to
make room for the next. So a batch mixes many chunks, although each store contains a single word.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from spokenwords.errors import UserError

if TYPE_CHECKING:
    from spokenwords.spectrograms.read import Store

# Order and budget must not depend on the number of threads: a training may resume with others.
CHUNKS_AHEAD = 8  # chunks that are being read or wait for their turn
READERS = 8  # threads, at most
# Memory besides the pool; benchmarks/streaming.py compares all of it with the budget. Chunks: those
# that are being read, decoded and compressed, the places in batches of those ahead, and memory that
# is freed but not returned. Batches: one that the network uses, one that waits, one that is being
# filled, and one that is freed.
CHUNKS_AROUND = 30
BATCHES_AROUND = 4


@dataclass(frozen=True)
class Piece:
    """The rows of a chunk that belong to a set, and their positions in its manifest.

    Positions are consecutive; rows need not be.
    """

    store: "Store"
    number: int  # of the chunk
    rows: np.ndarray
    positions: np.ndarray

    def read(self) -> np.ndarray:
        """Return the whole chunk, float16 [utterance, 2, frequency, time]; `rows` index it.

        It is valid until this thread reads another chunk.
        """
        return self.store.read(self.number)

    def read_into(self, places: Iterable[np.ndarray]) -> None:
        """Write each of the rows to its place, float16 [2, frequency, time]."""
        chunk = self.read()
        for row, place in zip(self.rows, places, strict=True):
            place[...] = chunk[row]


@dataclass(frozen=True)
class Task:
    """A part of the work on batches: `write` writes recordings to their places in batches.

    `positions` are those of the recordings in the manifest; a place is [2, frequency, time].
    """

    positions: np.ndarray
    write: Callable[[list[np.ndarray]], None]


@dataclass(frozen=True)
class Sample:
    """Recordings of a set, some perhaps repeated: their positions, and their labels [recording]."""

    positions: np.ndarray
    labels: torch.Tensor


class StreamedRecordings:
    """A set whose spectrograms stay in their stores; batches are like those of `Recordings`."""

    def __init__(
        self, stores: list["Store"], manifest: pd.DataFrame, device: torch.device, budget: float
    ):
        """Prepare reading; `budget` limits the spectrograms in memory at a time, in bytes."""
        self.labels = torch.tensor(manifest["label"].to_numpy(np.int64), device=device)
        self.device = device
        self.budget = budget
        self._shape = stores[0].array.shape[1:]
        self._bytes_each = stores[0].recording_bytes
        self._readers = min(READERS, stores[0].threads)
        self._stores, self._manifest = stores, manifest
        self._pieces = pieces(stores, manifest)
        self._longest = max((piece.store.array.length for piece in self._pieces), default=0)
        self._pool = np.empty((0, *self._shape), np.float16)

    def __len__(self) -> int:
        return len(self.labels)

    def pool_size(self, batch_size: int) -> int:
        """Return the size of the pool. Raises `UserError` if the budget is too small."""
        room = self._room(batch_size, least=max(batch_size, self._longest))
        return min(room, len(self))

    def _room(self, batch_size: int, least: int) -> int:
        """Return the number of recordings that fit in the budget next to chunks and batches.

        Raises `UserError` if they are fewer than `least`.
        """
        overhead = around(self._longest, batch_size)
        room = int(self.budget / self._bytes_each) - overhead
        if room < least:
            needed = (overhead + least) * self._bytes_each
            raise UserError(
                f"{self.budget / 1e9:.2g} GB of memory are not enough to stream spectrograms in "
                f"chunks of {self._longest}. This needs at least {needed / 1e9:.2g} GB, and more "
                "to mix the words well. Raise training.memory_budget (`auto` is half of the free "
                "memory), or lower chunk_length of the features (config keys)."
            )
        return room

    def subset(self, positions: np.ndarray) -> "StreamedRecordings":
        """Return the recordings at these positions."""
        manifest = self._manifest.iloc[positions]
        some = StreamedRecordings(self._stores, manifest, self.device, self.budget)
        some.labels = self.labels[torch.from_numpy(positions).to(self.device)]
        return some

    def _sampled(self, sample: Sample) -> "StreamedRecordings":
        """Return the recordings of a sample, with the memory of this set's pool."""
        # Each chunk is read once per repetition of its recordings.
        times = pd.Series(sample.positions).groupby(sample.positions).cumcount()
        order = np.lexsort([sample.positions, times])
        some = self.subset(sample.positions[order])
        some.labels = sample.labels[torch.from_numpy(order)].to(self.device)
        some._pool = self._pool
        return some

    def shuffled(
        self, batch_size: int, seed: int, sample: Sample | None = None
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield one epoch of batches (spectrograms, labels) on the device, mixed by `seed`.

        It has all recordings, or those of a `sample`. A last batch with a single recording is left
        out: batch norm cannot train on it. An epoch must end before the next begins, since they
        share the pool.
        """
        if sample:
            some = self._sampled(sample)
            yield from some.shuffled(batch_size, seed)
            self._pool = some._pool
            return
        if not self._pieces:
            return
        size = self.pool_size(batch_size)
        # The same array in all epochs: a new one might not fit in the memory of the last one.
        if len(self._pool) != size:
            self._pool = np.empty((size, *self._shape), np.float16)
        for spectrograms, labels in self._batches(self._mixed(seed), batch_size):
            if len(labels) > 1 or batch_size == 1:
                yield spectrograms, labels

    def in_order(self, batch_size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield all batches (spectrograms, labels) on the device, in the manifest's order.

        They are smaller than `batch_size` if the budget requires it.
        """
        if not self._pieces:
            return iter(())
        room = self._room(batch_size=0, least=BATCHES_AROUND)
        batch_size = min(batch_size, room // BATCHES_AROUND)
        tasks = (Task(piece.positions, piece.read_into) for piece in self._pieces)
        return self._batches(tasks, batch_size)

    def _mixed(self, seed: int) -> Iterator[Task | None]:
        """Yield tasks that read each piece into the pool and fill batches from the pool."""
        generator = np.random.default_rng(seed)
        pool, filled = self._pool, 0
        # Recordings that are being read cannot be chosen: they are a quarter of the pool at most.
        ahead = min(CHUNKS_AHEAD, len(pool) // (4 * self._longest))
        positions = np.empty(len(pool), np.int64)
        ready = np.empty(0, np.int64)  # slots of the pool whose recordings have been read
        reading: deque[np.ndarray] = deque()  # those of the last tasks
        for piece in mixed(self._pieces, generator):
            new = np.arange(filled, min(filled + len(piece.rows), len(pool)))
            filled += len(new)
            replaced = len(piece.rows) - len(new)
            while reading and (len(reading) > ahead or len(ready) < replaced):
                if len(reading) <= CHUNKS_AHEAD:
                    yield None
                ready = np.concatenate([ready, reading.popleft()])
            chosen = generator.choice(len(ready), replaced, replace=False)
            slots = np.concatenate([ready[chosen], new])
            yield Task(positions[ready[chosen]], partial(_exchange, pool, slots, piece))
            positions[slots] = piece.positions
            ready = np.delete(ready, chosen)
            reading.append(slots)
        yield from [None] * len(reading)
        rest = generator.permutation(filled)
        for slots in np.split(rest, range(self._longest, filled, self._longest)):
            yield Task(positions[slots], partial(_copy, pool, slots))

    def _batches(
        self, tasks: Iterable[Task | None], batch_size: int
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield the batches that tasks fill one after the other.

        A task begins when all but the last `CHUNKS_AHEAD` before it are done; None waits for the
        first of those.
        """
        batches: deque[np.ndarray] = deque()
        running: deque[tuple[Task, Future]] = deque()
        order = np.empty(0, np.int64)  # of the recordings that are in `batches`

        def places() -> Iterator[np.ndarray]:
            for start in range(0, len(self), batch_size):
                length = min(batch_size, len(self) - start)
                batches.append(np.empty((length, *self._shape), np.float16))
                yield from batches[-1]

        def finish(most: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
            """Wait until at most so many tasks are running, and yield the batches that are full."""
            nonlocal order
            while len(running) > most:
                done, result = running.popleft()
                result.result()
                order = np.concatenate([order, done.positions])
                while batches and len(batches[0]) <= len(order):
                    full = batches.popleft()
                    positions, order = np.split(order, [len(full)])
                    yield self._send(full, positions)

        place = places()
        with ThreadPoolExecutor(self._readers) as threads:
            try:
                for task in tasks:
                    if task:
                        own = list(islice(place, len(task.positions)))
                        running.append((task, threads.submit(task.write, own)))
                    yield from finish(CHUNKS_AHEAD if task else max(0, len(running) - 1))
                yield from finish(0)
            finally:
                for _, result in running:
                    result.cancel()

    def _send(self, batch: np.ndarray, positions: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        spectrograms = torch.from_numpy(batch)
        if self.device.type == "cuda":
            spectrograms = spectrograms.pin_memory().to(self.device, non_blocking=True)
        return spectrograms, self.labels[torch.from_numpy(positions).to(self.device)]


def _exchange(pool: np.ndarray, slots: np.ndarray, piece: Piece, places: list[np.ndarray]) -> None:
    """Copy recordings from the first slots of the pool to places, then read others into all."""
    _copy(pool, slots[: len(places)], places)
    piece.read_into(pool[slot] for slot in slots)


def _copy(pool: np.ndarray, slots: np.ndarray, places: list[np.ndarray]) -> None:
    for slot, place in zip(slots, places, strict=True):
        place[...] = pool[slot]


def around(chunk_length: int, batch_size: int) -> int:
    """Return the memory that streaming needs besides its pool, as a number of recordings."""
    return CHUNKS_AROUND * chunk_length + BATCHES_AROUND * batch_size


def pieces(stores: list["Store"], manifest: pd.DataFrame) -> list[Piece]:
    """Return the manifest's consecutive rows in the same chunk as pieces."""
    if manifest.empty:  # such as the share of one of several processes in a small set
        return []
    labels, rows = manifest["label"].to_numpy(), manifest["row"].to_numpy()
    lengths = np.array([store.array.length for store in stores])
    chunks, places = np.divmod(rows, lengths[labels])
    changes = np.flatnonzero((np.diff(labels) != 0) | (np.diff(chunks) != 0)) + 1
    return [
        Piece(stores[labels[some[0]]], int(chunks[some[0]]), places[some], some)
        for some in np.split(np.arange(len(manifest)), changes)
    ]


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

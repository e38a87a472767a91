"""Streamed recordings: none is lost, all are mixed, and the memory budget is kept."""

import tracemalloc
from itertools import chain, islice
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from spokenwords.errors import UserError
from spokenwords.jobs import free_memory
from spokenwords.model import inference
from spokenwords.spectrograms import in_memory, streamed
from spokenwords.spectrograms.in_memory import batches_per_epoch, load, open_stores
from spokenwords.spectrograms.stft import STFT
from spokenwords.spectrograms.streamed import CHUNKS_AHEAD, StreamedRecordings, mixed
from spokenwords.training import loop
from spokenwords.training.checkpoint import Checkpoint

CPU = torch.device("cpu")
COUNTS = {"bird": 21, "cat": 5, "dog": 40}
# Spectrograms of a second: [2, 9, 3].
TINY = STFT(sample_rate=1000, n_fft=16, window_seconds=0.016, stride_seconds=0.4, normalized=True)
EACH = 2 * 2 * 9 * 3  # bytes


def budget(pool, chunk=4, batch=8):
    """Bytes that leave room for a pool of `pool` recordings."""
    return (pool + streamed.around(chunk, batch)) * EACH


@pytest.fixture
def metadata(write_store):
    paths = [write_store(word, count, transform=TINY) for word, count in COUNTS.items()]
    return [str(path / "zarr.json") for path in paths]


@pytest.fixture
def stores(metadata):
    return open_stores(metadata, threads=2)


@pytest.fixture
def manifest(stores):
    """Two recordings of three, in the order of the stores."""
    rows = [
        {"file": file, "word": store.word, "label": label, "row": row}
        for label, store in enumerate(stores)
        for row, file in enumerate(store.files)
        if row % 3
    ]
    return pd.DataFrame(rows)


def positions(batches, whole):
    """Where in the set `whole` (all different) each recording of the batches stands."""
    known = {values.numpy().tobytes(): i for i, values in enumerate(whole.spectrograms)}
    assert len(known) == len(whole)
    return [[known[values.numpy().tobytes()] for values in batch] for batch, _ in batches]


@pytest.mark.parametrize("pool", [8, 20, 1000])
@pytest.mark.parametrize("batch_size", [1, 5, 8])
def test_each_epoch_has_every_recording_once(stores, manifest, pool, batch_size):
    [whole] = load(stores, [manifest], CPU, None)
    streamed = StreamedRecordings(stores, manifest, CPU, budget(pool))
    batches = list(streamed.shuffled(batch_size, seed=1))
    found = positions(batches, whole)
    if batch_size > 1:
        assert sorted(chain(*found)) == list(range(len(manifest)))
        lengths = [len(batch) for batch in found]
        assert len(lengths) == batches_per_epoch(len(manifest), batch_size)
        assert set(lengths[:-1]) == {batch_size}
    for (_, labels), batch in zip(batches, found, strict=True):
        assert labels.tolist() == manifest["label"].iloc[batch].tolist()


def test_last_single_recording_is_left_out(stores, manifest):
    streamed = StreamedRecordings(stores, manifest[:17], CPU, budget(10))
    assert [len(labels) for _, labels in streamed.shuffled(8, seed=1)] == [8, 8]


def test_order_is_the_seeds(stores, manifest):
    [whole] = load(stores, [manifest], CPU, None)
    streamed = StreamedRecordings(stores, manifest, CPU, budget(20))
    orders = [positions(streamed.shuffled(8, seed), whole) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize("threads", [1, 2, 5, 20])
@pytest.mark.parametrize("pool", [8, 20, 40])
def test_the_order_does_not_depend_on_the_number_of_threads(metadata, manifest, threads, pool):
    def order(threads):
        stores = open_stores(metadata, threads)
        [whole] = load(stores, [manifest], CPU, None)
        streamed = StreamedRecordings(stores, manifest, CPU, budget(pool))
        return [positions(streamed.shuffled(8, seed), whole) for seed in range(3)]

    found = order(threads)
    assert all(sorted(chain(*epoch)) == list(range(len(manifest))) for epoch in found)
    assert found == order(1)


def test_a_set_without_recordings_has_no_batches(stores, manifest):
    streamed = StreamedRecordings(stores, manifest[:0].astype({"label": object}), CPU, budget(20))
    assert list(streamed.shuffled(8, seed=1)) == list(streamed.in_order(8)) == []


def test_in_order_keeps_the_order_and_leaves_nothing_out(stores, manifest):
    [whole] = load(stores, [manifest], CPU, None)
    streamed = StreamedRecordings(stores, manifest, CPU, budget(20))
    # Of a hundred a batch, four batches are more than the budget has room for: 20 + 4 * 8.
    for batch_size, largest in ((1, 1), (7, 7), (100, 13)):
        batches = list(streamed.in_order(batch_size))
        assert max(len(labels) for _, labels in batches) == largest
        assert list(chain(*positions(batches, whole))) == list(range(len(manifest)))
        assert torch.cat([labels for _, labels in batches]).tolist() == list(manifest["label"])


def test_any_order_of_the_manifest(stores, manifest):
    [whole] = load(stores, [manifest], CPU, None)
    shuffled = manifest.sample(frac=1, random_state=3)
    streamed = StreamedRecordings(stores, shuffled, CPU, budget(20))
    order = chain(*positions(streamed.in_order(8), whole))
    assert list(order) == list(shuffled.index)
    order = chain(*positions(streamed.shuffled(8, seed=1), whole))
    assert sorted(order) == sorted(shuffled.index)


def unevenness(labels, words):
    """How far the words' counts in batches are from equal: the sum of their squares."""
    return sum(np.square(np.bincount(batch, minlength=words)).sum() for batch in labels)


def test_batches_are_mixed_like_fully_shuffled_ones(write_store):
    """Stores hold a word each; the pool holds a fifth of the recordings, and batches show neither.

    The words' counts in batches are compared with those of a thousand full shuffles.
    """
    words, each, batch_size = 8, 60, 16
    paths = [write_store(f"word{number}", each, transform=TINY) for number in range(words)]
    stores = open_stores([str(path / "zarr.json") for path in paths])
    rows = [(store.files[row], store.word, label, row)
            for label, store in enumerate(stores) for row in range(each)]  # fmt: skip
    manifest = pd.DataFrame(rows, columns=["file", "word", "label", "row"])
    streamed = StreamedRecordings(
        stores, manifest, CPU, budget(words * each // 5, batch=batch_size)
    )

    def of_epoch(seed):
        return [labels.numpy() for _, labels in streamed.shuffled(batch_size, seed)]

    generator = np.random.default_rng(1)
    labels = manifest["label"].to_numpy()
    full = [
        unevenness(np.split(generator.permutation(labels), len(labels) // batch_size), words)
        for _ in range(1000)
    ]
    streams = [unevenness(of_epoch(seed), words) for seed in range(20)]
    # The mean of twenty lies within three standard errors of full shuffling's, or is more even.
    assert np.mean(streams) < np.mean(full) + 3 * np.std(full) / np.sqrt(len(streams))
    # Stores read one after the other, as they come, would be far off.
    as_they_come = np.split(labels, len(labels) // batch_size)
    assert unevenness(as_they_come, words) > np.mean(full) + 20 * np.std(full)


def test_chunks_of_each_word_come_evenly_in_every_order():
    """Of two words with two and four chunks, each half of the epoch has half of either's.

    A word with one chunk has it anywhere.
    """
    chunks = [
        SimpleNamespace(store=SimpleNamespace(word=word), number=number)
        for word, count in (("b", 4), ("a", 2), ("c", 1))
        for number in range(count)
    ]
    orders, words, single = set(), set(), set()
    for seed in range(500):
        order = mixed(chunks, np.random.default_rng(seed))
        often = [chunk for chunk in order if chunk.store.word != "c"]
        halves = [[chunk.store.word for chunk in half] for half in (often[:3], often[3:])]
        assert list(map(sorted, halves)) == [["a", "b", "b"]] * 2
        words.add("".join(halves[0]))
        orders.add(tuple(chunk.number for chunk in often if chunk.store.word == "b"))
        single.add([chunk.store.word for chunk in order].index("c"))
    assert words == {"abb", "bab", "bba"}
    assert len(orders) == 24
    assert single == set(range(7))


def test_recordings_of_a_chunk_are_scattered(stores, manifest):
    """Of a pool of 20 of 44, neighbours in a chunk rarely come out in the same batch of four."""
    [whole] = load(stores, [manifest], CPU, None)
    streamed = StreamedRecordings(stores, manifest, CPU, budget(20, batch=4))
    chunk = (manifest["label"] * 1000 + manifest["row"] // 4).to_numpy()
    together = [
        len(batch) - len(set(chunk[batch]))
        for seed in range(20)
        for batch in positions(streamed.shuffled(4, seed), whole)
    ]
    # As they come, each batch of four would be one or two chunks: two or three pairs.
    assert np.mean(together) < 0.7


@pytest.mark.parametrize("epoch", ["shuffled", "in order"])
def test_an_epoch_keeps_the_budget(write_store, epoch):
    """tracemalloc sees NumPy's arrays; benchmarks/streaming.py measures all memory."""
    each = 2 * 2 * 33 * 51
    paths = [write_store(word, 120) for word in ("bird", "cat", "dog")]
    stores = open_stores([str(path / "zarr.json") for path in paths])
    rows = [(store.files[row], store.word, label, row)
            for label, store in enumerate(stores) for row in range(120) if row % 4]  # fmt: skip
    manifest = pd.DataFrame(rows[:-1], columns=["file", "word", "label", "row"])
    allowed = budget(30) / EACH * each
    assert allowed < len(manifest) * each * 0.8
    streamed = StreamedRecordings(stores, manifest, CPU, allowed)
    stores[0].read(0)  # what the first reading imports does not count
    tracemalloc.start()
    batches = streamed.shuffled(8, seed=1) if epoch == "shuffled" else streamed.in_order(8)
    assert sum(len(labels) for _, labels in batches) == len(manifest)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A pool of 30; of chunks of 4 one that is read, decoded and compressed, and those ahead; three
    # batches of 8; and a little that is no array.
    arrays = (30 + (2 + CHUNKS_AHEAD) * 4 + 3 * 8) * each
    assert peak < arrays + 50_000 < allowed
    assert peak > (30 * each if epoch == "shuffled" else 0)


def test_the_pool_is_no_larger_than_the_set(stores, manifest):
    assert StreamedRecordings(stores, manifest, CPU, 1e9).pool_size(8) == len(manifest)


def test_a_network_is_trained_and_scored(stores, manifest, make_classifier, tmp_path):
    """Training and scoring take streamed recordings as they take those in memory."""
    streamed = StreamedRecordings(stores, manifest, CPU, budget(20))
    [whole] = load(stores, [manifest], CPU, None)
    classifier = make_classifier(pixels=9 * 3)
    settings = loop.Settings(
        epochs=2,
        batch_size=8,
        max_lr=0.01,
        patience=None,
        seed=1,
        compile=False,
        label_smoothing=0,
        weight_averaging=None,
    )
    saved = Checkpoint(tmp_path / "checkpoint.pt", "this")
    log, summary = loop.train(classifier, streamed, streamed, settings, saved, None)
    assert summary["recordings"] == "streamed"
    assert len(log) == 4
    own, other = (inference.outcomes(classifier, recordings) for recordings in (streamed, whole))
    assert torch.equal(own.classes, other.classes)
    torch.testing.assert_close(own.probabilities, other.probabilities)
    torch.testing.assert_close(own.losses, other.losses)


def test_too_small_a_budget_is_reported(stores, manifest):
    streamed = StreamedRecordings(stores, manifest, CPU, budget(7))
    with pytest.raises(UserError, match=r"training\.memory_budget"):
        next(streamed.shuffled(8, seed=1))
    with pytest.raises(UserError, match=r"training\.memory_budget"):
        next(StreamedRecordings(stores, manifest, CPU, 8 * EACH).in_order(8))


def test_an_epoch_can_be_left(stores, manifest):
    streamed = StreamedRecordings(stores, manifest, CPU, budget(8))
    assert len(list(islice(streamed.shuffled(8, seed=1), 2))) == 2


def test_lost_chunk_is_reported(stores, manifest):
    next(stores[2].path.glob("spectrogram/c.*.0.0.0")).unlink()
    streamed = StreamedRecordings(stores, manifest, CPU, budget(8))
    with pytest.raises(UserError, match=r"dog\.zarr.*rm -r"):
        list(streamed.shuffled(8, seed=1))


def test_recordings_beyond_the_budget_are_streamed(stores, manifest, messages):
    sets = load(stores, [manifest, manifest[:5]], CPU, memory_budget=10 * EACH)
    assert all(isinstance(each, StreamedRecordings) for each in sets)
    assert any("streamed" in line for line in messages)
    [held] = load(stores, [manifest], CPU, memory_budget=len(manifest) * EACH)
    assert isinstance(held, in_memory.Recordings)


@pytest.mark.parametrize(
    ("gpu", "host", "memory_budget", "place"),
    [
        (2.0, 9.0, None, "cuda"),  # 1 GB is within 0.6 of 2 GB
        (1.5, 9.0, None, "cpu"),
        (1.5, 9.0, 4e9, "cpu"),  # a budget does not make a GPU larger
        (9.0, 9.0, 0.5e9, None),
        (1.5, 1.5, None, None),
    ],
)
def test_where_a_gigabyte_is_stored(monkeypatch, gpu, host, memory_budget, place):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (gpu * 1e9, 80e9))
    monkeypatch.setattr(free_memory, "free", lambda: host * 1e9)
    found, _ = in_memory._storage(1e9, torch.device("cuda", 0), memory_budget, 1)
    assert (found and found.type) == place

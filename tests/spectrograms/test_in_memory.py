"""Recordings in memory: each row of a manifest gets the values of its recording."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
import zarr
from conftest import SMALL
from numcodecs import blosc

from spokenwords.errors import UserError
from spokenwords.jobs import free_memory
from spokenwords.model import inference
from spokenwords.model.classifier import Classifier
from spokenwords.spectrograms import in_memory, streamed
from spokenwords.spectrograms.in_memory import Recordings, batches_per_epoch, load, open_stores
from spokenwords.spectrograms.read import Store
from spokenwords.spectrograms.streamed import StreamedRecordings

CPU = torch.device("cpu")
COUNTS = {"bird": 20, "cat": 5, "dog": 40}


@pytest.fixture
def paths(write_store):
    lengths = {"bird": 2, "cat": 64, "dog": 3}
    return [write_store(word, COUNTS[word], chunk_length=lengths[word]) for word in COUNTS]


@pytest.fixture
def stores(paths):
    return open_stores([str(path / "zarr.json") for path in paths])


@pytest.fixture
def everything():
    """All recordings, as a manifest names them."""
    return pd.DataFrame(
        [
            {"file": f"{word}/{row}.wav", "word": word, "label": label, "row": row}
            for label, (word, count) in enumerate(COUNTS.items())
            for row in range(count)
        ]
    )


@pytest.fixture
def manifests(everything):
    """Three sets in mixed-up order, their rows numbered from zero as in manifests read from CSV."""
    mixed = everything.sample(frac=1, random_state=1, ignore_index=True)
    return [part.reset_index(drop=True) for part in (mixed[:40], mixed[40:50], mixed[50:])]


def stored(paths, manifest):
    """What the stores hold for the manifest's rows, in their order."""
    arrays = {path.stem: zarr.open_group(path, mode="r")["spectrogram"][:] for path in paths}
    return np.stack([arrays[word][row] for word, row in manifest[["word", "row"]].to_numpy()])


@pytest.fixture
def reads(monkeypatch):
    """The reads from stores: (word, first row, row after the last), as they come."""
    found, read = [], Store.read

    def counted(store, number):
        rows = store.array.entries(number)
        found.append((store.word, rows.start, rows.stop))
        return read(store, number)

    monkeypatch.setattr(Store, "read", counted)
    return found


def test_each_row_gets_its_own_recording(paths, stores, manifests):
    for recordings, manifest in zip(load(stores, manifests, CPU, None), manifests, strict=True):
        assert len(recordings) == len(manifest)
        assert recordings.spectrograms.dtype == torch.float16
        np.testing.assert_array_equal(recordings.spectrograms, stored(paths, manifest))
        np.testing.assert_array_equal(recordings.labels, manifest["label"])


@pytest.mark.parametrize(
    "reindex",
    [
        lambda manifest: manifest.sample(frac=1, random_state=2),
        lambda manifest: manifest.set_index("file", drop=False),
        lambda manifest: manifest.set_axis([0] * len(manifest)),
    ],
    ids=["shuffled", "by file", "all the same"],
)
def test_index_of_a_manifest_has_no_meaning(paths, stores, manifests, reindex):
    manifests = [reindex(manifest) for manifest in manifests]
    for recordings, manifest in zip(load(stores, manifests, CPU, None), manifests, strict=True):
        np.testing.assert_array_equal(recordings.spectrograms, stored(paths, manifest))
        np.testing.assert_array_equal(recordings.labels, manifest["label"])


def test_no_row_is_read_twice(stores, manifests, reads):
    load(stores, manifests, CPU, None)
    rows = [(word, row) for word, start, stop in reads for row in range(start, stop)]
    assert len(rows) == len(set(rows)) == sum(COUNTS.values())
    assert len(reads) > len(COUNTS)


def test_chunks_that_no_set_needs_are_not_read(stores, everything, reads):
    few = everything[(everything["word"] == "dog") & (everything["row"] == 30)]
    [recordings] = load(stores, [few.reset_index(drop=True)], CPU, None)
    assert len(recordings) == 1
    [(word, start, stop)] = reads
    assert word == "dog"
    assert start <= 30 < stop <= 40


def test_each_epoch_has_every_recording_once(stores, manifests):
    recordings = load(stores, manifests, CPU, None)[0]
    key = recordings.spectrograms.flatten(1).double().sum(dim=1)
    batches = list(recordings.shuffled(16, seed=1))
    assert [len(labels) for _, labels in batches] == [16, 16, 8]
    sums = torch.cat([spectrograms.flatten(1).double().sum(dim=1) for spectrograms, _ in batches])
    labels = torch.cat([labels for _, labels in batches])
    # Recordings are all different, and so are their sums.
    order = torch.tensor([(key == value).nonzero().item() for value in sums])
    assert sorted(order.tolist()) == list(range(40))
    assert order.tolist() != list(range(40))
    torch.testing.assert_close(labels, recordings.labels[order])


def numbered(count):
    """A set whose recordings hold their own number, and are labelled with it."""
    numbers = torch.arange(count)
    spectrograms = numbers[:, None, None, None].expand(count, 2, 3, 4).half()
    return Recordings(spectrograms, numbers, CPU)


def order_of(batches):
    for spectrograms, labels in batches:
        assert (spectrograms == labels[:, None, None, None]).all()
        yield labels.tolist()


def test_order_is_the_seeds():
    first, again, other = (
        list(order_of(numbered(50).shuffled(8, seed=seed))) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    # Torch's own generator has no part in it.
    torch.manual_seed(7)
    before = torch.get_rng_state()
    assert list(order_of(numbered(50).shuffled(8, seed=1))) == first
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("recordings", "lengths"),
    [(8, [4, 4]), (9, [4, 4]), (10, [4, 4, 2]), (3, [3]), (5, [4]), (4, [4])],
)
def test_last_single_recording_is_left_out_of_shuffled_batches(recordings, lengths):
    batches = list(order_of(numbered(recordings).shuffled(4, seed=1)))
    assert [len(batch) for batch in batches] == lengths
    assert batches_per_epoch(recordings, 4) == len(lengths)
    assert len({number for batch in batches for number in batch}) == sum(lengths)


@pytest.mark.parametrize("recordings", [0, 1])
def test_too_few_recordings_to_shuffle(recordings):
    with pytest.raises(UserError, match="at least two recordings"):
        batches_per_epoch(recordings, 4)
    with pytest.raises(UserError, match="at least two recordings"):
        next(numbered(recordings).shuffled(4, seed=1))


@pytest.mark.parametrize("recordings", [1, 8, 9])
def test_in_order_keeps_the_order_and_leaves_nothing_out(recordings):
    batches = list(order_of(numbered(recordings).in_order(4)))
    assert [number for batch in batches for number in batch] == list(range(recordings))
    assert max(len(batch) for batch in batches) <= 4


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest.replace({"file": {"dog/30.wav": "dog/other.wav"}}),
        lambda manifest: manifest.replace({"row": {30: 31}}),
        lambda manifest: manifest.replace({"row": {30: 40}}),
        lambda manifest: manifest.assign(label=0),
    ],
    ids=["another file", "another row", "a row behind the last", "another label"],
)
def test_store_of_other_recordings_is_reported(stores, everything, change):
    with pytest.raises(UserError, match=r"dog\.zarr.*rm -r.*dog\.zarr"):
        load(stores, [change(everything[-20:]).reset_index(drop=True)], CPU, None)


def test_word_without_a_store_is_reported(stores, everything):
    with pytest.raises(UserError, match="cat"):
        load([stores[0], stores[2]], [everything], CPU, None)


def test_stores_of_different_settings_are_reported(write_store):
    metadata = [
        str(write_store("bird", 2) / "zarr.json"),
        str(write_store("cat", 2, length=900) / "zarr.json"),
    ]
    with pytest.raises(UserError, match=r"bird\.zarr.*cat\.zarr.*different settings"):
        open_stores(metadata)


def test_more_than_half_of_the_free_memory_is_streamed(stores, manifests, monkeypatch):
    needed = sum(COUNTS.values()) * 2 * 2 * 33 * 51
    for free, kind in ((needed, StreamedRecordings), (2 * needed, Recordings)):
        monkeypatch.setattr(free_memory, "free", lambda free=free: free)
        sets = load(stores, manifests, CPU, None)
        assert [type(each) for each in sets] == [kind] * 3


@pytest.fixture
def pools(monkeypatch):
    """How many threads the pools have that read chunks."""
    made = []

    def pool(count):
        made.append(count)
        return ThreadPoolExecutor(count)

    for module in (in_memory, streamed):
        monkeypatch.setattr(module, "ThreadPoolExecutor", pool)
    # More than any test asks for.
    monkeypatch.setattr(os, "cpu_count", lambda: 99)
    return made


@pytest.mark.parametrize("threads", [1, 3, 7])
def test_stores_are_read_by_the_threads_that_a_job_has(
    paths, everything, pools, monkeypatch, threads
):
    stores = open_stores([str(path / "zarr.json") for path in paths], threads)
    load(stores, [everything], CPU, None)
    # The memory that chunks take while they are read is bounded, too: two of the largest.
    largest = 64 * stores[0].recording_bytes
    monkeypatch.setattr(in_memory, "READING_BYTES", 2 * largest)
    load(stores, [everything], CPU, None)
    [streamed] = load(stores, [everything], CPU, memory_budget=1)
    streamed.budget = 1e9
    list(streamed.in_order(8))
    assert pools == [threads, min(threads, 2), threads]
    assert blosc.use_threads is False  # so that it adds none


@pytest.mark.parametrize("budget", [None, 1])
def test_a_set_without_recordings(stores, everything, budget):
    """What a process is left with where several share a set of fewer recordings."""
    [none, all_] = load(stores, [everything[:0], everything], CPU, budget)
    assert (len(none), len(all_)) == (0, len(everything))
    assert list(none.in_order(8)) == []
    found = inference.outcomes(Classifier(list(COUNTS), "power", SMALL, 1000, "residual"), none)
    assert found.classes.shape == (0, 1)
    assert inference.levels(SMALL, none).shape == (0,)
    with pytest.raises(UserError, match="at least two recordings"):
        batches_per_epoch(len(none), 8)


@pytest.mark.parametrize("budget", [None, 1e6])
def test_the_level_of_a_single_recording(stores, everything, budget):
    [one, all_] = load(stores, [everything[:1], everything], CPU, budget)
    assert inference.levels(SMALL, one) == pytest.approx(inference.levels(SMALL, all_)[:1])


def test_lost_chunk_is_reported(paths, stores, manifests):
    (paths[0] / "spectrogram/c.3.0.0.0").unlink()
    with pytest.raises(UserError, match=r"bird\.zarr.*rm -r"):
        load(stores, manifests, CPU, None)

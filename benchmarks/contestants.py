"""Ways to keep recordings and to deliver them in shuffled batches to the CPU, for batches.py.

Where a library offers several ways, its contestant uses the fastest that was found.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import contest
import numpy as np
import soundfile
import torch
import waveforms
import zarr
from reading import manifest, write_stores
from torch.utils.data import DataLoader, Dataset
from torchaudio.transforms import Spectrogram
from zarr.codecs import BloscCodec

from spokenwords.recordings import audio
from spokenwords.spectrograms import in_memory, streamed
from spokenwords.spectrograms.rounding import to_float16
from spokenwords.spectrograms.streamed import StreamedRecordings

SHAPE = (2, 257, 101)
BATCH = 128
CORES = os.cpu_count() or 1
WORKERS = {"num_workers": CORES, "persistent_workers": True}
LENGTH = 16000  # samples a recording

Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]


class Contestant:
    """A way to keep recordings, and to deliver them in shuffled batches."""

    def __init__(self, folder: Path, files: list[str], place: Path):
        self.folder, self.files, self.place = folder, files, place
        words = sorted({file.partition("/")[0] for file in files})
        self.labels = np.array([words.index(file.partition("/")[0]) for file in files])

    def build(self) -> None:
        """Write what batches are made from into the folder `place`."""

    def open(self) -> None:
        """Get ready for epochs."""

    def epoch(self, seed: int) -> Batches:
        raise NotImplementedError

    def spectrograms(self) -> Iterator[np.ndarray]:
        """What most contestants store: the float16 spectrogram of each recording."""
        for file in self.files:
            waveform = audio.load(self.folder / file, 16000, LENGTH, "loudest")
            yield np.ascontiguousarray(
                to_float16(contest.STANDARD.complex_spectrogram(waveform), 16)
            )


class Store(Contestant):
    """This project's store, read into memory."""

    def build(self):
        write_stores(self.folder, self.files, self.place)

    def open(self):
        self.stores = in_memory.open_stores(
            sorted(map(str, self.place.glob("*.zarr/zarr.json"))), CORES
        )
        self.set = None

    def epoch(self, seed):
        if self.set is None:
            [self.set] = in_memory.load(
                self.stores, [manifest(self.stores)], torch.device("cpu"), None
            )
        return self.set.shuffled(BATCH, seed)


class Streamed(Store):
    """This project's store, streamed through a pool of a third of the data."""

    def epoch(self, seed):
        room = len(self.files) // 3 + streamed.around(self.stores[0].array.length, BATCH)
        budget = room * self.stores[0].recording_bytes
        rows = manifest(self.stores)
        return StreamedRecordings(self.stores, rows, torch.device("cpu"), budget).shuffled(
            BATCH, seed
        )


class StreamedFast(Streamed):
    """The same from a store compressed by lz4."""

    def build(self):
        write_stores(self.folder, self.files, self.place, "lz4")


class Waveforms(Contestant):
    """16-bit waveforms in memory, read from a .npy file; a batch is transformed by one STFT."""

    def build(self):
        np.save(self.place / "all.npy", waveforms.load(self.folder, self.files, LENGTH))

    def open(self):
        self.set = None

    def epoch(self, seed):
        if self.set is None:
            values = torch.from_numpy(np.load(self.place / "all.npy"))
            labels = torch.from_numpy(self.labels)
            self.set = in_memory.Recordings(values, labels, torch.device("cpu"))
        for values, labels in self.set.shuffled(BATCH, seed):
            yield waveforms.spectrograms(values, contest.STANDARD), labels


class OnTheFly(Contestant, Dataset):
    """The usual way: a Dataset that decodes and transforms each file, a DataLoader."""

    def open(self):
        self.transform = Spectrogram(
            n_fft=512, win_length=480, hop_length=160, power=None, normalized=True
        )
        self.batches = DataLoader(self, BATCH, shuffle=True, **WORKERS)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        samples, _ = soundfile.read(self.folder / self.files[index], dtype="float32")
        padded = np.zeros(16000, np.float32)
        padded[: len(samples)] = samples[:16000]
        values = torch.view_as_real(self.transform(torch.from_numpy(padded)))
        return values.permute(2, 0, 1), self.labels[index]

    def epoch(self, seed):
        return iter(self.batches)


class MemoryMapped(Contestant):
    """One float16 .npy file, memory-mapped; a batch is indexed in the order of the file."""

    def build(self):
        shape = (len(self.files), *SHAPE)
        array = np.lib.format.open_memmap(self.place / "all.npy", "w+", np.float16, shape)
        for row, values in enumerate(self.spectrograms()):
            array[row] = values
        array.flush()

    def open(self):
        self.array = np.load(self.place / "all.npy", mmap_mode="r")

    def epoch(self, seed):
        order = np.random.default_rng(seed).permutation(len(self.files))
        for start in range(0, len(order), BATCH):
            index = np.sort(order[start : start + BATCH])
            yield torch.from_numpy(self.array[index]), torch.from_numpy(self.labels[index])


class WebDataset(Contestant):
    """Tar shards of float16 .npy, written in random order, shuffled again in a buffer of 1,000."""

    def build(self):
        import webdataset

        order = np.random.default_rng(0).permutation(len(self.files))
        self.files, self.labels = [self.files[i] for i in order], self.labels[order]
        with webdataset.ShardWriter(
            str(self.place / "%04d.tar"), maxcount=len(self.files) // (4 * CORES), verbose=0
        ) as shards:
            for row, values in enumerate(self.spectrograms()):
                shards.write({"__key__": f"{row:06}", "npy": values, "cls": int(self.labels[row])})

    def open(self):
        import webdataset

        samples = (
            webdataset.WebDataset(sorted(map(str, self.place.glob("*.tar"))), shardshuffle=100)
            .shuffle(1000)
            .decode()
            .to_tuple("npy", "cls")
            .batched(BATCH)
        )
        self.batches = DataLoader(samples, batch_size=None, **WORKERS)

    def epoch(self, seed):
        for values, labels in self.batches:
            yield torch.as_tensor(values), torch.as_tensor(labels)


class HuggingFace(Contestant):
    """An Arrow table of Hugging Face datasets, a column of arrays, in a DataLoader."""

    def build(self):
        import datasets

        features = datasets.Features(
            {"values": datasets.Array3D(SHAPE, "float16"), "label": datasets.Value("int64")}
        )

        def rows():
            for values, label in zip(self.spectrograms(), self.labels, strict=True):
                yield {"values": values, "label": label}

        table = datasets.Dataset.from_generator(
            rows, features=features, cache_dir=str(self.place / "cache"), writer_batch_size=200
        )
        table.save_to_disk(self.place / "table")
        shutil.rmtree(self.place / "cache")

    def open(self):
        import datasets

        table = datasets.load_from_disk(self.place / "table").with_format("torch")
        self.batches = DataLoader(table, BATCH, shuffle=True, **WORKERS)

    def epoch(self, seed):
        for batch in self.batches:
            yield batch["values"], batch["label"]


class Lhotse(Contestant):
    """Cuts with an array each, written as NumPy files, in a DataLoader with a cut sampler."""

    def build(self):
        from lhotse import CutSet, NumpyFilesWriter, Recording

        def cuts(writer):
            spectrograms = self.spectrograms()
            for row, (file, values) in enumerate(zip(self.files, spectrograms, strict=True)):
                recording = Recording.from_file(self.folder / file, recording_id=f"{row:06}")
                cut = recording.to_cut()
                cut.values = writer.store_array(cut.id, values)
                cut.label = int(self.labels[row])
                yield cut

        with NumpyFilesWriter(self.place / "arrays") as writer:
            CutSet.from_cuts(list(cuts(writer))).to_file(self.place / "cuts.jsonl")

    def open(self):
        from lhotse import CutSet
        from lhotse.dataset import SimpleCutSampler

        class Cuts(Dataset):
            def __getitem__(self, cuts):
                values = torch.from_numpy(np.stack([cut.load_values() for cut in cuts]))
                return values, torch.tensor([cut.label for cut in cuts])

        cuts = CutSet.from_file(self.place / "cuts.jsonl").to_eager()
        self.sampler = SimpleCutSampler(cuts, max_cuts=BATCH, shuffle=True)
        self.batches = DataLoader(Cuts(), sampler=self.sampler, batch_size=None, **WORKERS)

    def epoch(self, seed):
        self.sampler.set_epoch(seed)
        return iter(self.batches)


class ZarrDataset(Contestant, Dataset):
    """A Zarr array with a recording a chunk, read by zarr-python in a DataLoader."""

    def build(self):
        array = zarr.create_array(
            self.place / "all.zarr",
            shape=(len(self.files), *SHAPE),
            chunks=(1, *SHAPE),
            dtype="float16",
            compressors=BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle"),
        )
        for row, values in enumerate(self.spectrograms()):
            array[row] = values

    def open(self):
        self.array = None
        self.batches = DataLoader(self, BATCH, shuffle=True, **WORKERS)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        if self.array is None:  # in the worker, after the fork
            self.array = zarr.open_array(self.place / "all.zarr", mode="r")
        return self.array[index], self.labels[index]

    def epoch(self, seed):
        return iter(self.batches)


class Lance(Contestant):
    """A Lance table with a column of float16 lists; rows are taken in the order of the table.

    Lance has threads of its own. Its SafeLanceDataset, in the workers of a DataLoader, is slower.
    """

    def build(self):
        import lance
        import pyarrow

        size = int(np.prod(SHAPE))
        columns = {"values": pyarrow.list_(pyarrow.float16(), size), "label": pyarrow.int64()}
        schema = pyarrow.schema(columns)

        def rows():
            for values, label in zip(self.spectrograms(), self.labels, strict=True):
                row = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(values.ravel()), size)
                yield pyarrow.record_batch([row, pyarrow.array([label])], schema=schema)

        lance.write_dataset(rows(), self.place / "table", schema=schema)

    def open(self):
        import lance

        self.table = lance.dataset(self.place / "table")

    def epoch(self, seed):
        order = np.random.default_rng(seed).permutation(len(self.files))
        for start in range(0, len(order), BATCH):
            rows = self.table.take(np.sort(order[start : start + BATCH]))
            values = torch.from_dlpack(rows["values"].combine_chunks().flatten())
            yield values.view(-1, *SHAPE), torch.tensor(rows["label"].to_numpy())


class TensorStore(Store):
    """This project's store, read by TensorStore, whose cache has room for all decoded chunks.

    Chunks have many recordings, so TensorStore would decode them again and again without a cache.
    A store with a recording a chunk, without a cache, takes more of the processor's time.
    """

    def open(self):
        import tensorstore

        cores, room = {"limit": CORES}, 2 * np.float16().nbytes * len(self.files) * np.prod(SHAPE)
        context = tensorstore.Context(
            {
                "data_copy_concurrency": cores,
                "file_io_concurrency": cores,
                "cache_pool": {"total_bytes_limit": int(room)},
            }
        )
        arrays = [
            tensorstore.open(
                {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path)}},
                context=context,
            ).result()
            for path in sorted(self.place.glob("*.zarr/spectrogram"))
        ]
        self.array = tensorstore.concat(arrays, axis=0)

    def epoch(self, seed):
        import tensorstore

        order = np.random.default_rng(seed).permutation(len(self.files))
        for start in range(0, len(order), BATCH):
            index = np.sort(order[start : start + BATCH])
            batch = tensorstore.stack([self.array[int(row)] for row in index])
            yield torch.from_numpy(batch.read().result()), torch.from_numpy(self.labels[index])


CONTESTANTS = {
    "spoken-words, in memory": Store,
    "spoken-words, streamed": Streamed,
    "spoken-words, streamed, lz4": StreamedFast,
    "an STFT a batch from int16 waveforms": Waveforms,
    "decoded and transformed on the fly": OnTheFly,
    "memory-mapped .npy": MemoryMapped,
    "WebDataset": WebDataset,
    "Hugging Face datasets": HuggingFace,
    "Lhotse": Lhotse,
    "zarr-python in a DataLoader": ZarrDataset,
    "Lance": Lance,
    "TensorStore": TensorStore,
}

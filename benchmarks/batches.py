"""Speed of reading shuffled batches of 128 to the CPU: this project's loaders and common others.

Each contestant prepares its own copy of the same recordings, and reads epochs in its own process:
one from a cold page cache, then further ones. Contestants take turns.

    make .venv/benchmarks.installed
    .venv/bin/python benchmarks/batches.py --folder data/speech_commands_11words
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import contest
import numpy as np
import soundfile
import torch
import zarr
from reading import manifest, write_stores
from torch.utils.data import DataLoader, Dataset
from torchaudio.transforms import Spectrogram

from spokenwords.model import device
from spokenwords.recordings import audio
from spokenwords.spectrograms import in_memory, streamed
from spokenwords.spectrograms.codecs import COMPRESSORS
from spokenwords.spectrograms.rounding import to_float16
from spokenwords.spectrograms.streamed import StreamedRecordings

SHAPE = (2, 257, 101)
BATCH = 128
CORES = os.cpu_count() or 1
WORKERS = {"num_workers": CORES, "persistent_workers": True}
KB = 1000

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
            waveform = audio.load(self.folder / file, 16000, 16000, "loudest")
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
        room = len(self.files) // 3 + streamed.around(chunk_length=64, batch_size=BATCH)
        budget = room * self.stores[0].recording_bytes
        rows = manifest(self.stores)
        return StreamedRecordings(self.stores, rows, torch.device("cpu"), budget).shuffled(
            BATCH, seed
        )


class StreamedFast(Streamed):
    """The same from a store compressed by lz4."""

    def build(self):
        write_stores(self.folder, self.files, self.place, "lz4")


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
            compressors=COMPRESSORS["zstd"],
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


CONTESTANTS = {
    "spoken-words, in memory": Store,
    "spoken-words, streamed": Streamed,
    "spoken-words, streamed, lz4": StreamedFast,
    "decoded and transformed on the fly": OnTheFly,
    "memory-mapped .npy": MemoryMapped,
    "WebDataset": WebDataset,
    "Hugging Face datasets": HuggingFace,
    "Lhotse": Lhotse,
    "zarr-python in a DataLoader": ZarrDataset,
}


def forget(folder: Path) -> None:
    """Drop the folder's files from the page cache."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def run_one(name: str, folder: Path, files: list[str], place: Path, task: str) -> dict:
    """Build, or deliver epochs: a cold one, a warm first one, and later ones."""
    device.choose("cpu", CORES)  # as the workflow's jobs do: freed memory is kept
    contestant = CONTESTANTS[name](folder, files, place)
    if task == "build":
        start = time.perf_counter()
        contestant.build()
        return {"build": time.perf_counter() - start}
    contestant.open()
    seconds = []
    for epoch in range(3):
        start = time.perf_counter()
        count = 0
        for values, labels in contestant.epoch(epoch):
            assert values.shape[1:] == SHAPE
            count += len(labels)
        assert count == len(files), (count, len(files))
        seconds.append(time.perf_counter() - start)
    peak = sum(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {"first": seconds[0], "later": seconds[1:], "peak": peak * 1024}


def main():
    options = contest.arguments(__doc__, limit=5500, only="", place="", task="")
    files = contest.recordings_in(options.folder, options.limit)
    if options.only:
        place = Path(options.place)
        print(json.dumps(run_one(options.only, options.folder, files, place, options.task)))
        return
    found = {name: {"cold": [], "first": [], "later": [], "peak": []} for name in CONTESTANTS}
    with tempfile.TemporaryDirectory() as scratch:
        places = {name: Path(scratch) / kind.__name__ for name, kind in CONTESTANTS.items()}

        def child(name: str, task: str) -> dict:
            command = [sys.executable, __file__, "--folder", options.folder, "--task", task]
            command += ["--limit", str(options.limit), "--only", name, "--place", places[name]]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{name}: {done.stderr}")
            return json.loads(done.stdout.splitlines()[-1])

        for name, place in places.items():
            place.mkdir()
            found[name]["build"] = child(name, "build")["build"]
            size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
            found[name]["size"] = size / len(files)
        for _ in range(options.rounds):
            for name, place in places.items():
                forget(place)
                if CONTESTANTS[name] is OnTheFly:
                    forget(options.folder)
                found[name]["cold"].append(child(name, "epochs")["first"])
                warm = child(name, "epochs")
                found[name]["first"].append(warm["first"])
                found[name]["later"] += warm["later"]
                found[name]["peak"].append(warm["peak"])
    print(f"{contest.machine()}\n{len(files)} recordings; rates are medians, recordings/s\n")

    def rate(seconds: list[float]) -> str:
        return f"{len(files) / median(seconds):,.0f}"

    print(
        contest.markdown(
            {
                "contestant": name,
                "build, s": f"{figures['build']:.1f}",
                "KB an utterance": f"{figures['size'] / KB:.1f}" if figures["size"] else "-",
                "first epoch, cold": rate(figures["cold"]),
                "first epoch, warm": rate(figures["first"]),
                "later epochs": rate(figures["later"]),
                "lowest to highest": f"{len(files) / max(figures['later']):,.0f} to "
                f"{len(files) / min(figures['later']):,.0f}",
                "peak memory, GB": f"{median(figures['peak']) / 1e9:.1f}",
            }
            for name, figures in found.items()
        )
    )


if __name__ == "__main__":
    main()

"""How fast spectrograms are computed and stored, against the plain loop.

The plain loop reads each recording with soundfile, transforms it with torchaudio, and saves a
float32 .npy file, with PyTorch's own threads. Start-up is left out.

    python benchmarks/building.py --folder data/speech_commands_11words
"""

import os
import tempfile
from pathlib import Path

import contest
import numpy as np
import soundfile
import torch
from torchaudio.transforms import Spectrogram

from spokenwords.spectrograms.write import write_recordings

KB = 1000


def plain_loop(folder: Path, files: list[str], target: Path) -> None:
    transform = Spectrogram(n_fft=512, win_length=480, hop_length=160, power=None, normalized=True)
    for number, file in enumerate(files):
        samples, _ = soundfile.read(folder / file, dtype="float32")
        padded = np.zeros(16000, np.float32)
        padded[: len(samples)] = samples[:16000]
        spectrogram = transform(torch.from_numpy(padded))
        channels = torch.view_as_real(spectrogram).permute(2, 0, 1).contiguous()
        np.save(target / f"{number}.npy", channels.numpy())


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main():
    options = contest.arguments(__doc__, limit=1100)
    files = contest.recordings_in(options.folder, options.limit)
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as scratch:
        plain, built = Path(scratch) / "plain", Path(scratch) / "word.zarr"
        plain.mkdir()

        def build(threads):
            write_recordings(
                built,
                options.folder,
                files,
                contest.STANDARD,
                length=16000,
                window="loudest",
                rounding=16,
                chunk_length=64,
                compression="zstd",
                inventory_digest="0" * 64,
                threads=threads,
            )

        contestants = {
            "plain loop": lambda: plain_loop(options.folder, files, plain),
            "store, 1 thread": lambda: build(1),
            f"store, {cores} threads": lambda: build(cores),
        }
        found = contest.rates(contestants, len(files), options.rounds)
        print(f"{contest.machine()}\n{len(files)} recordings\n")
        print(contest.table(found))
        each = {name: size(folder) / len(files) / KB for name, folder in
                (("plain loop", plain), ("store", built))}  # fmt: skip
        print(f"\n{', '.join(f'{name}: {kb:.1f} KB an utterance' for name, kb in each.items())}")


if __name__ == "__main__":
    main()

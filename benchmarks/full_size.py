"""A folder of recordings of the size of Speech Commands v0.01, replicated from fewer.

30 words of 64,721 recordings together: each is a recording of the source folder with a gain and
noise of its own, so that no two are alike. Words beyond those of the source are copies of them.

    python benchmarks/full_size.py --folder data/speech_commands_11words --target data/full_size
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import contest
import numpy as np
from scipy.io import wavfile

from spokenwords.recordings import audio

WORDS, RECORDINGS = 30, 64_721
RATE = 16000


def replicate(source: list[Path], target: Path, count: int, seed: int) -> None:
    target.mkdir(parents=True)
    generator = np.random.default_rng(seed)
    for number in range(count):
        path = source[number % len(source)]
        samples = audio.load(path, RATE, RATE, "loudest")
        gain = 10 ** generator.uniform(-0.3, 0)
        noise = generator.normal(scale=0.001, size=len(samples))
        speaker = f"{number // 4:08x}"
        values = np.clip(gain * samples + noise, -1, 1) * 32767
        wavfile.write(
            target / f"{speaker}_nohash_{number % 4}.wav", RATE, np.rint(values).astype(np.int16)
        )


def main():
    options = contest.arguments(__doc__, target="data/full_size")
    folders = sorted(
        path for path in options.folder.iterdir() if path.is_dir() and path.name[0] not in "_."
    )
    counts = np.diff(np.linspace(0, RECORDINGS, WORDS + 1).round().astype(int))
    with ThreadPoolExecutor() as threads:
        jobs = []
        for number, count in enumerate(counts):
            folder = folders[number % len(folders)]
            target = Path(options.target) / f"{folder.name}{number // len(folders) or ''}"
            files = sorted(folder.glob("*.wav"))
            jobs.append(threads.submit(replicate, files, target, int(count), number))
        for job in jobs:
            job.result()


if __name__ == "__main__":
    main()

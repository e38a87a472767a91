"""Which codec, level and chunk length a spectrogram store should have.

Size, signal-to-noise ratio, rates of compression and of reading in one table. All candidates write
and read the same spectrograms, in turn, with a thread per core.

    python benchmarks/codecs.py --folder data/speech_commands_11words
"""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median

import contest
import numpy as np
import zarr
from numcodecs import blosc

from spokenwords.recordings import audio
from spokenwords.spectrograms import chunks
from spokenwords.spectrograms.rounding import to_float16

KB = 1000


def signal_to_noise(exact: np.ndarray, rounded: np.ndarray) -> float:
    """Decibels."""
    noise = np.square(exact.astype(np.float64) - rounded).mean()
    return float(10 * np.log10(np.square(exact, dtype=np.float64).mean() / noise))


def main():
    options = contest.arguments(__doc__, limit=1100, rounding=16)
    files = contest.recordings_in(options.folder, options.limit)
    waveforms = np.stack(
        [audio.load(options.folder / file, 16000, 16000, "loudest") for file in files]
    )
    exact = np.concatenate([contest.STANDARD.complex_spectrogram(part[None]) for part in waveforms])
    values = np.ascontiguousarray(to_float16(exact.copy(), options.rounding))
    print(contest.machine())
    print(
        f"{len(files)} recordings; multiples of 2^-{options.rounding}: "
        f"{signal_to_noise(exact, values):.1f} dB\n"
    )
    del exact
    both = ("shuffle", "bitshuffle")
    candidates = [
        *((codec, 64, 0) for codec in product(["lz4"], [1, 5, 9], both)),
        *((codec, 64, 0) for codec in product(["zstd"], [1, 3], both)),
        *((("zstd", 5, "bitshuffle"), 64, 0), (("zlib", 1, "bitshuffle"), 64, 0)),
        *((("zstd", 1, "bitshuffle"), 64, block) for block in (128, 256, 512, 1024)),
        *((("lz4", 9, "bitshuffle"), 64, block) for block in (128, 512)),
        *((("zstd", 1, "bitshuffle"), length, 512) for length in (8, 16, 32, 128)),
        *((("lz4", 9, "bitshuffle"), length, 0) for length in (8, 16, 32, 128)),
    ]
    cores = os.cpu_count() or 1
    dimensions = dict(zip("ucft", values.shape, strict=True))
    contestants, arrays = {}, []
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(cores) as threads:
        for number, ((name, level, shuffle), length, block) in enumerate(candidates):
            compressor = blosc.Blosc(name, level, chunks.SHUFFLES.index(shuffle), block * 1024)
            group = zarr.create_group(Path(scratch) / f"{number}.zarr")
            with chunks.writing(group, "a", dimensions, "u", length, compressor) as array:
                arrays.append(array)

                def write(number, array=array, compressor=compressor):
                    array.write(number, values[array.entries(number)], compressor)

                def all_chunks(work, array=array):
                    list(threads.map(work, range(len(array))))

                all_chunks(write)
            contestants[number, "written"] = partial(all_chunks, write)
            contestants[number, "read"] = partial(all_chunks, array.read)
        found = contest.rates(contestants, len(files), options.rounds)
        sizes = [sum(f.stat().st_size for f in array.path.glob("c.*")) for array in arrays]
    rows = [
        {
            "codec": f"{name}-{level}, {shuffle}",
            "block, KiB": block or "its own",
            "chunk, utterances": length,
            "KB an utterance": f"{sizes[number] / len(files) / KB:.1f}",
            "written/s": f"{median(found[number, 'written']):,.0f}",
            "read/s": f"{median(found[number, 'read']):,.0f}",
        }
        for number, ((name, level, shuffle), length, block) in enumerate(candidates)
    ]
    print(contest.markdown(rows))


if __name__ == "__main__":
    main()

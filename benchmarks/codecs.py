"""Which codec, level and chunk length a spectrogram store should have.

Size, signal-to-noise ratio, rate of writing and of reading, one table; every candidate writes and
reads the same spectrograms, in turn.

    python benchmarks/codecs.py --folder data/speech_commands_11words
"""

import tempfile
from itertools import product
from pathlib import Path
from statistics import median

import contest
import numpy as np
import zarr
from zarr.codecs import BloscCodec

from spokenwords.recordings import audio
from spokenwords.spectrograms.codecs import PIPELINE
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
    candidates = [
        *((codec, 64, 0) for codec in product(["lz4"], [1, 5, 9], ["shuffle", "bitshuffle"])),
        *((codec, 64, 0) for codec in product(["zstd"], [1, 3], ["shuffle", "bitshuffle"])),
        *((("zstd", 5, "bitshuffle"), 64, 0), (("zlib", 1, "bitshuffle"), 64, 0)),
        *((("zstd", 1, "bitshuffle"), 64, block) for block in (128, 512, 1024)),
        *((("zstd", 1, "bitshuffle"), length, 512) for length in (16, 32, 128)),
    ]
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for codec, length, block in candidates:
            name, level, shuffle = codec
            compressor = BloscCodec(
                cname=name, clevel=level, shuffle=shuffle, blocksize=block * 1024
            )
            path = Path(scratch) / "store.zarr"

            def write(path=path, compressor=compressor, length=length):
                with zarr.config.set(PIPELINE):
                    array = zarr.create_array(
                        path,
                        shape=values.shape,
                        chunks=(length, *values.shape[1:]),
                        dtype="float16",
                        compressors=compressor,
                        overwrite=True,
                    )
                    array[:] = values

            def read(path=path):
                with zarr.config.set(PIPELINE):
                    zarr.open_array(path)[:]

            found = contest.rates({"write": write, "read": read}, len(files), options.rounds)
            size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            rows.append(
                {
                    "codec": f"{name}-{level}, {shuffle}",
                    "block, KiB": block or "its own",
                    "chunk, utterances": length,
                    "KB an utterance": f"{size / len(files) / KB:.1f}",
                    "written/s": f"{median(found['write']):,.0f}",
                    "read/s": f"{median(found['read']):,.0f}",
                }
            )
    print(contest.markdown(rows))


if __name__ == "__main__":
    main()

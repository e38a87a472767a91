"""Time that augmentation takes per batch, each kind alone and all together, on the training device.

Batches have 128 real recordings, in float16 as in memory; segments of noise are cut from the
folder's `_background_noise_`. For comparison, the benchmark prints the time of the transform, which
augmented waveforms would need in addition.

    python benchmarks/augmenting.py --folder data/speech_commands_11words
"""

import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median

import contest
import numpy as np
import torch
from torchaudio.transforms import Spectrogram

from spokenwords.model import device
from spokenwords.model.augmentation import Augmentation, Noise, Settings
from spokenwords.model.device import device_name
from spokenwords.recordings import audio, data_folder
from spokenwords.spectrograms.read_noise import read_noise_store
from spokenwords.spectrograms.rounding import to_float16
from spokenwords.spectrograms.write_noise import write_noise_store

BATCH = 128
LENGTH = 16000  # samples a recording
WORDS = 30

BATCHES_A_ROUND = 3

ALL = Settings(
    time_stretch=0.15,
    frequency_warp=0.1,
    gain_db=6,
    shift_seconds=0.1,
    noise_share=0.8,
    noise_snr_db=(0, 30),
    mixup=0.2,
    polarity=True,
    time_masks=2,
    time_mask_seconds=0.1,
    frequency_masks=2,
    frequency_mask_mels=500,
)
KINDS = {
    "warps": ["time_stretch", "frequency_warp"],
    "shift": ["shift_seconds"],
    "polarity and gain": ["polarity", "gain_db"],
    "noise": ["noise_share"],
    "mixup": ["mixup"],
    "masks": ["time_masks", "frequency_masks"],
}
NONE = replace(ALL, **{name: 0 for names in KINDS.values() for name in names})


def cut_noise(folder: Path, frames: int, place: torch.device) -> Noise:
    """The folder's noise, by way of a store as in a workflow."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "noise.zarr"
        files = data_folder.recordings(folder / data_folder.NOISE)
        write_noise_store(path, folder / data_folder.NOISE, files, contest.STANDARD, LENGTH, 16)
        return Noise(read_noise_store(path, contest.STANDARD), frames, place)


def main():
    options = contest.arguments(__doc__, device="cpu", threads=1)
    place = device.choose(options.device, options.threads)
    files = contest.recordings_in(options.folder, BATCH)
    waveforms = np.stack(
        [audio.load(options.folder / file, 16000, LENGTH, "loudest") for file in files]
    )
    values = to_float16(contest.STANDARD.complex_spectrogram(waveforms), 16)
    spectrograms = torch.from_numpy(np.ascontiguousarray(values)).to(place)
    labels = (torch.arange(len(files)) % WORDS).to(place)
    noises = cut_noise(options.folder, spectrograms.shape[-1], place)
    generator = torch.Generator().manual_seed(1)

    def batches(work):
        def some():
            for _ in range(BATCHES_A_ROUND):
                work()
            if place.type == "cuda":
                torch.cuda.synchronize()

        some()  # Memory is taken the first time.
        return some

    def augmenting(settings):
        augment = Augmentation(settings, contest.STANDARD, noises, WORDS)
        return batches(lambda: augment(spectrograms, labels, generator))

    transform = Spectrogram(n_fft=512, win_length=480, hop_length=160, power=None, normalized=True)
    transform, on_device = transform.to(place), torch.from_numpy(waveforms).to(place)
    contestants = {
        "all": augmenting(ALL),
        "none (a copy in float32)": augmenting(NONE),
        **{
            name: augmenting(replace(NONE, **{key: asdict(ALL)[key] for key in keys}))
            for name, keys in KINDS.items()
        },
        "the transform of the waveforms": batches(lambda: transform(on_device)),
    }
    found = contest.rates(contestants, BATCHES_A_ROUND, options.rounds)
    print(f"{contest.machine()}\nbatches of {len(files)} on {device_name(place)}\n")
    milliseconds = {name: [1000 / rate for rate in rates] for name, rates in found.items()}
    print(
        contest.markdown(
            {
                "augmentation": name,
                "ms a batch, median": f"{median(times):.1f}",
                "lowest to highest": f"{min(times):.1f} to {max(times):.1f}",
            }
            for name, times in milliseconds.items()
        )
    )


if __name__ == "__main__":
    main()

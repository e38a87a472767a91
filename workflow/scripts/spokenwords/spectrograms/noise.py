"""The waveforms of recordings of noise."""

import math
from pathlib import Path

import numpy as np

from spokenwords.errors import UserError
from spokenwords.names import NOISE_PARTS
from spokenwords.recordings import audio, decoding


class UnusableNoiseError(decoding.UnreadableRecordingError):
    """A recording is too short or too loud to be used as noise."""


def load(folder: Path, files: list[str], sample_rate: int, length: int) -> dict[str, np.ndarray]:
    """The waveforms of recordings of noise, float32 [samples] at `sample_rate` (Hz), by file.

    Raises `UserError` that names all which are unreadable or whose part for training is shorter
    than `length` samples, or when there are none.
    """
    require_any(files, folder)
    waveforms, faults = {}, []
    for file in files:
        try:
            waveforms[file] = load_one(folder / file, sample_rate, least_length(length))
        except decoding.UnreadableRecordingError as reason:
            faults.append(f"{file} ({reason})")
    refuse(faults, folder)
    return waveforms


def least_length(length: int) -> int:
    """How many samples a recording must have whose part for training is to have `length`."""
    first, end = NOISE_PARTS["train"]
    return math.ceil(length / (end - first))


def require_any(files: list[str], folder: Path) -> None:
    if not files:
        raise UserError(
            f"There is no noise in {folder}: put recordings of noise there, or go without (config "
            "keys augmentation.noise_share and silence of training or of the run)."
        )


def refuse(faults: list[str], folder: Path) -> None:
    if faults:
        raise UserError(
            f"Of the recordings of noise in {folder}, these cannot be used: {', '.join(faults)}. "
            "Replace or remove them."
        )


def load_one(path: Path, sample_rate: int, length: int) -> np.ndarray:
    """The whole recording, float32 [samples]. Too short a one is unreadable too."""
    waveform = audio.mono(path, sample_rate)
    if len(waveform) < length:
        raise UnusableNoiseError(
            f"{len(waveform) / sample_rate:.4g} s long, at least {length / sample_rate:.4g} s are "
            "needed"
        )
    return waveform

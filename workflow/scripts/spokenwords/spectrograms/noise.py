"""Waveforms of noise recordings."""

import math
from pathlib import Path

import numpy as np

from spokenwords.errors import UserError
from spokenwords.names import NOISE_PARTS
from spokenwords.recordings import audio, decoding


class UnusableNoiseError(decoding.UnreadableRecordingError):
    """A recording that is too short or too loud to be used as noise."""


def load(folder: Path, files: list[str], sample_rate: int, length: int) -> dict[str, np.ndarray]:
    """Return the waveforms of noise recordings, float32 [samples] at `sample_rate` (Hz), by file.

    Raises `UserError` if there are none. Another one names all recordings that are unreadable, or
    whose part for training is shorter than `length` samples.
    """
    require_any(files, folder)
    waveforms, unusable = {}, []
    for file in files:
        try:
            waveforms[file] = load_one(folder / file, sample_rate, least_length(length))
        except decoding.UnreadableRecordingError as reason:
            unusable.append(f"{file} ({reason})")
    refuse(unusable, folder)
    return waveforms


def least_length(length: int) -> int:
    """Return the samples that a recording needs for a training part of `length` samples."""
    first, end = NOISE_PARTS["train"]
    return math.ceil(length / (end - first))


def require_any(files: list[str], folder: Path) -> None:
    """Raise a `UserError` if there are no noise recordings."""
    if not files:
        raise UserError(
            f"There are no recordings of noise in {folder}. Add some, or turn noise off (config "
            "keys augmentation.noise_share and silence of training or of the run)."
        )


def refuse(unusable: list[str], folder: Path) -> None:
    """Raise a `UserError` if recordings are `unusable` (each with its reason)."""
    if unusable:
        raise UserError(
            f"These recordings of noise in {folder} cannot be used: {', '.join(unusable)}. Replace "
            "or remove them."
        )


def load_one(path: Path, sample_rate: int, length: int) -> np.ndarray:
    """Return a whole recording, float32 [samples].

    Raises `UnreadableRecordingError`, also if it is shorter than `length` samples.
    """
    waveform = audio.mono(path, sample_rate)
    if len(waveform) < length:
        raise UnusableNoiseError(
            f"{len(waveform) / sample_rate:.4g} s long, but at least {length / sample_rate:.4g} s "
            "are needed"
        )
    return waveform

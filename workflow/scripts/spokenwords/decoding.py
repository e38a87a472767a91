"""Decoding recordings: from a file of any kind to samples."""

import os
import wave
from pathlib import Path

import numpy as np
import soundfile

MOST_CHANNELS = 1024  # of libsndfile
# What a sample rate may be, Hz. It is anything in a damaged file, and resampling from or to some
# rates would take more memory than there is.
RATES = range(1000, 1_000_001)
# Floating-point samples may exceed full scale, which is 1. So far beyond it they are on another
# scale, most likely that of 16-bit integers.
LARGEST_SAMPLE = 100


class UnreadableRecordingError(Exception):
    """A file that cannot be decoded; its message is the reason, in a few words."""


def decode(path: Path) -> tuple[np.ndarray, int]:
    """Decode a WAV, FLAC, Ogg or Opus file of any channel count and any rate in `RATES`.

    Returns samples as float32 [samples, channels], full scale being 1, and the sample rate in Hz.
    Raises `UnreadableRecordingError`.
    """
    # Reading a pipe or a device would never end. os.path, unlike Path, raises nothing whatever.
    if not os.path.isfile(path) and os.path.exists(path):  # noqa: PTH110, PTH113
        raise UnreadableRecordingError("no regular file")
    if plain := _decode_plain_wav(path):
        return plain
    try:
        samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise UnreadableRecordingError(error.error_string.strip(" .")) from None
    except OSError as error:
        raise UnreadableRecordingError(error.strerror) from None
    except (MemoryError, ValueError):
        # A damaged header, or a FLAC stream that was written without knowing its length.
        raise UnreadableRecordingError("no credible length in its header") from None
    if sample_rate not in RATES:
        raise UnreadableRecordingError(f"no credible sample rate ({sample_rate} Hz)")
    if len(samples) == 0:
        raise UnreadableRecordingError("no samples")
    if not np.isfinite(samples).all():
        raise UnreadableRecordingError("samples that are not finite numbers")
    if (largest := np.abs(samples).max()) > LARGEST_SAMPLE:
        raise UnreadableRecordingError(f"samples up to {largest:.3g}, where full scale is 1")
    return samples, sample_rate


def _decode_plain_wav(path: Path) -> tuple[np.ndarray, int] | None:
    """As `decode`, for a sound 16-bit PCM WAV file; None for all others.

    Most recordings are such files, and the standard library makes less ado of opening one.
    """
    if path.suffix.lower() != ".wav":
        return None
    try:
        with wave.open(str(path)) as file:
            channels, width, sample_rate, frames, *_ = file.getparams()
            size = frames * channels * width
            # What is refused is left for soundfile, or `decode`, to refuse.
            credible = 0 < size <= path.stat().st_size and sample_rate in RATES
            if width != 2 or channels > MOST_CHANNELS or not credible:
                return None
            data = file.readframes(frames)
    except (OSError, EOFError, RuntimeError, wave.Error):  # RuntimeError: chunks that overlap
        return None
    if len(data) != size:
        return None
    samples = np.frombuffer(data, "<i2").astype(np.float32)
    samples *= np.float32(1 / 32768)
    return samples.reshape(-1, channels), sample_rate

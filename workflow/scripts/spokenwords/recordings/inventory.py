"""The inventory of a word: what is measured of each recording."""

import hashlib
from pathlib import Path

import numpy as np

from spokenwords.jobs import hashing
from spokenwords.recordings import audio, data_folder, decoding, speaker_table
from spokenwords.recordings.inventory_file import DECIMALS, USABLE


def of_word(
    folder: Path,
    word: str,
    table: Path | None,
    sample_rate: int,
    seconds: float,
    window: str,
) -> list[dict]:
    """Return the inventory of one word: one row per recording, readable or not, sorted by file.

    The speaker comes from the data set's `table` (see `speaker_table`), or else from the name of
    the file. The network uses `seconds` of each recording, mixed down, at `sample_rate` (Hz),
    chosen by `window` (see `audio.excerpt`). Raises `UserError` as `speaker_table.speakers` does.

    Columns:
    - file (`<word>/<name>`), status (`usable`, or `unreadable: <why>`), speaker
    - of the file: samples (per channel), sample_rate (Hz), channels, clipped_samples (at full
      scale, in all channels), opposite_phase (whether the channels `cancel`)
    - of the part for the network: peak and rms (from the mean, full scale is 1); energy_left_out,
      the share of the recording's energy, without clicks (see `audio.capped_power`), outside the
      window
    - sha256 of the file's bytes; samples_sha256, see `digest_of_samples`
    """
    files = [f"{word}/{name}" for name in data_folder.recordings(folder / word)]
    known = speaker_table.speakers(table, word, files) if table else {}
    rows = []
    for file in files:
        path = folder / file
        row = {
            "file": file,
            "status": USABLE,
            "speaker": known.get(file) or data_folder.speaker(file),
            "samples": 0,
            "sample_rate": 0,
            "channels": 0,
            "clipped_samples": 0,
            "opposite_phase": False,
            "peak": 0.0,
            "rms": 0.0,
            "energy_left_out": 0.0,
            "sha256": hashing.hash_if_readable(path),
            "samples_sha256": "",
        }
        try:
            samples, own_rate = decoding.decode(path)
        except decoding.UnreadableRecordingError as reason:
            row["status"] = f"unreadable: {reason}"
        else:
            row["samples"], row["channels"] = samples.shape
            row["sample_rate"] = own_rate
            row["clipped_samples"] = int(np.count_nonzero(np.abs(samples) >= audio.FULL_SCALE))
            row["opposite_phase"] = samples.shape[1] > 1 and audio.cancel(samples)
            row["samples_sha256"] = digest_of_samples(samples, own_rate)
            samples = audio.mix_down(samples)
            # Resampling with an offset would make a step at both ends.
            samples = samples - np.float32(samples.mean(dtype=np.float64))
            samples = audio.resample(samples, own_rate, sample_rate)
            levels = _levels(samples, round(seconds * sample_rate), window)
            row |= {name: round(value, DECIMALS) for name, value in levels.items()}
        rows.append(row)
    return rows


def _levels(samples: np.ndarray, length: int, window: str) -> dict[str, float]:
    """Return peak and rms of the part of [samples] for the network, and the energy outside it."""
    part, left_out = audio.excerpt(samples, length, window), 0.0
    if len(samples) > length:
        power = audio.capped_power(samples, length)
        outside = np.delete(power, part).sum(dtype=np.float64)
        left_out = float(outside / (power.sum(dtype=np.float64) or 1))
    inside = samples[part] - samples[part].mean(dtype=np.float64)
    return {
        "peak": float(np.abs(inside).max()),
        "rms": float(np.sqrt(np.mean(np.square(inside)))),
        "energy_left_out": left_out,
    }


def digest_of_samples(samples: np.ndarray, sample_rate: int) -> str:
    """Return the SHA-256 of decoded samples, float32 [samples, channels], and their rate.

    It does not depend on the (lossless) file format, and is the same for one channel and several
    identical ones.
    """
    if samples.shape[1] > 1 and (samples == samples[:, :1]).all():
        samples = samples[:, :1]
    head = f"{sample_rate} Hz, {samples.shape[1]} channels\n"
    digest = hashlib.sha256(head.encode())
    # Plus zero: floating-point files may contain -0, which sounds the same as 0.
    digest.update(np.ascontiguousarray(samples + np.float32(0)).data)
    return digest.hexdigest()

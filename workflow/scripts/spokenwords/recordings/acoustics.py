"""Acoustic properties of recordings: level, noise, voicing, and the position of the word.

All but the counts are estimates from the power spectra of frames. They cannot recognise words: a
slammed door can be taken for a word, and noise of varying level for speech.
"""

from dataclasses import dataclass
from functools import cache
from math import ceil, floor
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft, signal

from spokenwords.jobs.progress import Progress
from spokenwords.recordings import audio, decoding
from spokenwords.recordings.tables import read_table, speakers_known

FLAGS = ["cut_at_start", "cut_at_end"]
ESTIMATES = ["level_dbfs", "snr_db", "voiced_seconds", "onset_seconds"]
ESTIMATES += [*FLAGS, "centroid_hz", "bandwidth_hz"]
COLUMNS = ["file", *ESTIMATES, "clipped_samples", "recordings_of_speaker_in_training"]

FRAME_SECONDS, HOP_SECONDS = 0.04, 0.01  # a frame has three periods of the lowest voice
LOWEST_VOICE, HIGHEST_VOICE = 75, 600  # Hz, the range of Praat's "To Pitch"
VOICING_THRESHOLD = 0.45  # Praat's default
LOWEST_FREQUENCY = 60  # Hz; rumble is below

# Vowels are below, hiss and bursts of consonants above, so that a weak s is found in hum.
BAND_EDGE = 2000  # Hz
MARGIN = 6  # dB; speech is at least this much above the noise floor
RANGE = 30  # dB; speech is at most this much below the loudest frame
# Each instant is in four frames, so a click is active in up to four.
SHORTEST_FRAMES = 5
LONGEST_PAUSE_FRAMES = 20  # within a word, such as the closure before a p, mostly 0.05 to 0.15 s
# Power of the rounding error of 16-bit samples, −101 dB (W. R. Bennett, Spectra of Quantized
# Signals, 1948).
ROUNDING_POWER = 1 / 12 / 32768**2
SNR_LIMITS = (-10, 100)  # dB


def table(
    test: pd.DataFrame,
    train: pd.DataFrame,
    folder: Path,
    sample_rate: int,
    seconds: float,
    window: str,
) -> pd.DataFrame:
    """Return the properties of the recordings in the manifest `test`, one row each: `COLUMNS`.

    They are described in `of_recording`. `recordings_of_speaker_in_training` is counted in the
    manifest `train`, and missing if the speaker is not named. Raises `UserError` if a recording is
    no longer readable.
    """
    progress = Progress("Measuring recordings", len(test), "recordings")
    rows = []
    for file in test["file"]:
        with audio.usable_before(file):
            found = of_recording(folder / file, sample_rate, seconds, window)
            rows.append({"file": file} | found)
        progress.advance()
    measured = pd.DataFrame(rows, columns=COLUMNS[:-1]).astype(dict.fromkeys(FLAGS, "boolean"))
    trained = test["speaker"].map(train["speaker"].value_counts()).fillna(0).astype("Int64")
    return measured.assign(**{COLUMNS[-1]: trained.where(speakers_known(test)).array})


def read(path: Path) -> pd.DataFrame:
    """Read a table of properties from its CSV file."""
    table = read_table(path, ["file"])
    return table.astype(dict.fromkeys(FLAGS, "boolean") | {COLUMNS[-1]: "Int64"})


def of_recording(path: Path, sample_rate: int, seconds: float, window: str) -> dict[str, float]:
    """Return `of_samples`, and `clipped_samples`: the file's number of samples at full scale.

    Only the part that the network uses is measured: `seconds` at `sample_rate` (Hz), mixed down,
    chosen by `window` (see `audio.excerpt`), without padding. Raises `UnreadableRecordingError`.
    """
    samples, own_rate = decoding.decode(path)
    mono = audio.resample(audio.mix_down(samples), own_rate, sample_rate)
    part = audio.excerpt(mono, round(seconds * sample_rate), window)
    first = floor(part.start / sample_rate * own_rate)
    used = np.abs(samples[first : first + ceil(seconds * own_rate)])
    clipped = int(np.count_nonzero(used >= audio.FULL_SCALE))
    return of_samples(mono[part], sample_rate) | {"clipped_samples": clipped}


def of_samples(samples: np.ndarray, sample_rate: int) -> dict[str, float]:
    """Return estimates for `samples`, float32 [n] with full scale 1, at `sample_rate` (Hz).

    Frames are 40 ms long (Hann), every 10 ms, from 60 Hz up; `_word` finds those of the word.

    - level_dbfs: mean power of the word's frames, in dB; a sine of full scale has −3 dB
    - snr_db: their mean power divided by that of the noise, minus 1, in dB, from −10 to 100. Noise
      is the median power of the other frames; if speech fills the recording, it is weak speech
    - voiced_seconds: time during which the word has a pitch, by the autocorrelation of P. Boersma
      (Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of
      a sampled sound, 1993): its highest peak, at lags of 75 to 600 Hz, is above 0.45
    - onset_seconds: the word's start, ± 20 ms; 0 if it starts with the recording
    - cut_at_start, cut_at_end: whether the word's first or last frame is that of the recording
    - centroid_hz, bandwidth_hz: mean and standard deviation of frequency in the word's summed power
      spectrum

    All are NaN if no word is found.
    """
    analysis = _analysis(sample_rate)
    frequency, spectra = analysis.frequency, _power_spectra(samples, analysis)
    edge = np.searchsorted(frequency, BAND_EDGE)
    bands = np.stack([spectra[:, :edge].sum(axis=1), spectra[:, edge:].sum(axis=1)], axis=1)
    word = _word(bands)
    if not word.any():
        return dict.fromkeys(ESTIMATES, np.nan)

    power = bands.sum(axis=1, dtype=np.float64)
    speech, noise = power[word].mean(), max(np.median(power[~word]), ROUNDING_POWER)
    with np.errstate(divide="ignore"):
        snr = 10 * np.log10(max(speech / noise - 1, 0))
    spectrum = spectra[word].sum(axis=0, dtype=np.float64)
    centroid = np.average(frequency, weights=spectrum)
    voiced = _voicing(spectra[word], analysis) > VOICING_THRESHOLD
    first = int(word.argmax())
    return {
        "level_dbfs": 10 * np.log10(speech),
        "snr_db": float(np.clip(snr, *SNR_LIMITS)),
        "voiced_seconds": np.count_nonzero(voiced) * HOP_SECONDS,
        # A frame's window is largest in the middle.
        "onset_seconds": first * HOP_SECONDS + FRAME_SECONDS / 2 if first else 0.0,
        "cut_at_start": bool(word[0]),
        "cut_at_end": bool(word[-1]),
        "centroid_hz": centroid,
        "bandwidth_hz": np.sqrt(np.average((frequency - centroid) ** 2, weights=spectrum)),
    }


@dataclass(frozen=True)
class _Analysis:
    """Filter, window and lags for frames of one sample rate."""

    filter: np.ndarray  # high-pass, second-order sections
    window: np.ndarray  # [n]
    hop: int  # samples
    size: int  # length of the DFT
    frequency: np.ndarray  # Hz, [size // 2 + 1]
    lags: np.ndarray  # periods of voices, samples
    window_autocorrelation: np.ndarray  # [longest lag + 2]


@cache
def _analysis(sample_rate: int) -> _Analysis:
    window = np.hanning(round(FRAME_SECONDS * sample_rate) + 2)[1:-1].astype(np.float32)
    lags = np.arange(ceil(sample_rate / HIGHEST_VOICE), sample_rate // LOWEST_VOICE + 1)
    # Room for the longest lag: the autocorrelation must not wrap around.
    size = fft.next_fast_len(len(window) + lags[-1] + 2, real=True)
    autocorrelation = fft.irfft(np.abs(fft.rfft(window, size)) ** 2, size)[: lags[-1] + 2]
    return _Analysis(
        signal.butter(4, LOWEST_FREQUENCY, "highpass", fs=sample_rate, output="sos"),
        window,
        round(HOP_SECONDS * sample_rate),
        size,
        fft.rfftfreq(size, 1 / sample_rate),
        lags,
        autocorrelation / autocorrelation[0],
    )


def _power_spectra(samples: np.ndarray, analysis: _Analysis) -> np.ndarray:
    """Return the power of each frame by frequency, [frames, size // 2 + 1]."""
    window = analysis.window
    # Minus the first sample: an offset would start with a step.
    filtered = signal.sosfilt(analysis.filter, samples - samples[0]).astype(np.float32)
    filtered = audio.fit(filtered, max(len(filtered), len(window)))
    frames = sliding_window_view(filtered, len(window))[:: analysis.hop]
    spectra = fft.rfft(frames * window, analysis.size)
    power = spectra.real**2 + spectra.imag**2
    power *= 2 / (analysis.size * (window @ window))  # 2: both signs of frequency
    return power


def _word(bands: np.ndarray) -> np.ndarray:
    """Return which frames belong to the word, bool [frames], from `bands` [frames, 2].

    `bands` are the frames' power below and above 2 kHz. A band's noise floor is the level that a
    tenth of its frames are below. A frame is active if the level of a band exceeds the threshold:
    the middle (in dB) between noise floor and loudest frame. The threshold is at least 6 dB above
    the floor, and at most 30 dB below the loudest frame of both bands.

    Active stretches shorter than 50 ms are clicks. Stretches with pauses of up to 0.2 s between
    them are one utterance; the utterance with the most power is the word. No word is found if
    speech evenly fills nine tenths of the recording.
    """
    levels = np.sort(10 * np.log10(np.maximum(bands, ROUNDING_POWER)), axis=0)
    floor, loudest = levels[len(levels) // 10], levels[-1]
    threshold = np.maximum((floor + loudest) / 2, floor + MARGIN)
    threshold = np.maximum(threshold, loudest.max() - RANGE)
    active = (bands > 10 ** (threshold / 10)).any(axis=1)

    edges = np.flatnonzero(np.diff(active, prepend=False, append=False))
    stretches = edges.reshape(-1, 2)
    stretches = stretches[stretches[:, 1] - stretches[:, 0] >= SHORTEST_FRAMES]
    word = np.zeros(len(bands), bool)
    if len(stretches):
        pauses = stretches[1:, 0] - stretches[:-1, 1]
        utterance = np.cumsum([0, *(pauses > LONGEST_PAUSE_FRAMES)])
        power = [bands[start:end].sum() for start, end in stretches]
        strongest = np.bincount(utterance, power).argmax()
        for start, end in stretches[utterance == strongest]:
            word[start:end] = True
    return word


def _voicing(spectra: np.ndarray, analysis: _Analysis) -> np.ndarray:
    """Return the periodicity of each frame from its power spectrum: 0 noise, 1 periodic; [frames].

    It is the height of a peak at the period's lag: of the frame's autocorrelation, divided by that
    of the window (Boersma 1993, equations 4 and 9).
    """
    lags, longest = analysis.lags, analysis.lags[-1]
    correlation = fft.irfft(spectra, analysis.size)[:, : longest + 2]
    correlation /= correlation[:, :1] * analysis.window_autocorrelation
    here = correlation[:, lags]
    peaks = (here > correlation[:, lags - 1]) & (here >= correlation[:, lags + 1])
    return np.where(peaks, here, 0).max(axis=1)

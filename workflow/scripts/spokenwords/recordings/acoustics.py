"""What a recording is like: loudness, noise, voice, and where in it the word stands.

All but the counts are estimates. They come from the power spectra of frames of the recording, by
rules that know nothing of words: a slammed door can pass for one, and noise that swells for speech.
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
ESTIMATES = [
    *("level_dbfs", "snr_db", "voiced_seconds", "onset_seconds", *FLAGS),
    *("centroid_hz", "bandwidth_hz"),
]
COLUMNS = ["file", *ESTIMATES, "clipped_samples", "recordings_of_speaker_in_training"]

FRAME_SECONDS, HOP_SECONDS = 0.04, 0.01  # three periods of the lowest voice (Boersma 1993)
LOWEST_VOICE, HIGHEST_VOICE = 75, 600  # Hz, the range of Praat's "To Pitch"
VOICING_THRESHOLD = 0.45  # Praat's default
LOWEST_FREQUENCY = 60  # Hz; what is below is rumble

# Vowels are below, hiss and bursts of consonants above: a weak s is heard over a hum.
BAND_EDGE = 2000  # Hz
MARGIN = 6  # dB over the noise floor that speech has at least
RANGE = 30  # dB below the loudest frame that speech is at most
# An instant is in four frames: what is active in no more of them is a click.
SHORTEST_FRAMES = 5
LONGEST_PAUSE_FRAMES = 20  # within a word, such as the closure before a p, mostly 0.05 to 0.15 s
# Power of rounding to 16 bits, −101 dB: an even error of up to half a step (W. R. Bennett, Spectra
# of Quantized Signals, 1948).
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
    """The properties of the recordings of the manifest `test`, a row each, columns `COLUMNS`.

    `of_recording` says what they are; `recordings_of_speaker_in_training` counts those in the
    manifest `train`, and is missing where it is not known who speaks. Raises `UserError` when a
    recording can no longer be read.
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
    """A table of properties from its CSV file."""
    table = read_table(path, ["file"])
    return table.astype(dict.fromkeys(FLAGS, "boolean") | {COLUMNS[-1]: "Int64"})


def of_recording(path: Path, sample_rate: int, seconds: float, window: str) -> dict[str, float]:
    """`of_samples`, and `clipped_samples`: how many of the file's own are at full scale.

    Measured is what the network gets: `seconds`, mixed down, at `sample_rate` (Hz), chosen by
    `window` (see `audio.excerpt`). The zeros that a short recording is padded with are left out.
    Raises `UnreadableRecordingError`.
    """
    samples, own_rate = decoding.decode(path)
    mono = audio.resample(audio.mix_down(samples), own_rate, sample_rate)
    part = audio.excerpt(mono, round(seconds * sample_rate), window)
    first = floor(part.start / sample_rate * own_rate)
    used = np.abs(samples[first : first + ceil(seconds * own_rate)])
    clipped = int(np.count_nonzero(used >= audio.FULL_SCALE))
    return of_samples(mono[part], sample_rate) | {"clipped_samples": clipped}


def of_samples(samples: np.ndarray, sample_rate: int) -> dict[str, float]:
    """Estimates for `samples`, float32 [n] with full scale 1, at `sample_rate` (Hz).

    Frames of 40 ms (Hann) every 10 ms are heard from 60 Hz up; `_word` says which are the word's.

    - level_dbfs: mean power of the word's frames, in dB; a sine of full scale has −3 dB
    - snr_db: their mean power over that of the noise, less 1, in dB, from −10 to 100. Noise is the
      median power of the other frames: where speech fills the recording, it is weak speech
    - voiced_seconds: time during which the word has a pitch, by the autocorrelation of P. Boersma
      (Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of
      a sampled sound, 1993): its highest peak, at lags of 75 to 600 Hz, is above 0.45
    - onset_seconds: where the word begins, give or take 20 ms; 0 where the recording does
    - cut_at_start, cut_at_end: whether the word's first or last frame is that of the recording
    - centroid_hz, bandwidth_hz: mean and standard deviation of frequency in the word's summed power
      spectrum

    All are NaN where no word stands out.
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
        # The middle of a frame is where it hears best.
        "onset_seconds": first * HOP_SECONDS + FRAME_SECONDS / 2 if first else 0.0,
        "cut_at_start": bool(word[0]),
        "cut_at_end": bool(word[-1]),
        "centroid_hz": centroid,
        "bandwidth_hz": np.sqrt(np.average((frequency - centroid) ** 2, weights=spectrum)),
    }


@dataclass(frozen=True)
class _Analysis:
    """What all frames of a sample rate are analysed with."""

    filter: np.ndarray  # high-pass, second-order sections
    window: np.ndarray  # [n]
    hop: int  # samples
    size: int  # of the DFT
    frequency: np.ndarray  # Hz, [size // 2 + 1]
    lags: np.ndarray  # samples, those of a voice
    window_autocorrelation: np.ndarray  # [longest lag + 2]


@cache
def _analysis(sample_rate: int) -> _Analysis:
    window = np.hanning(round(FRAME_SECONDS * sample_rate) + 2)[1:-1].astype(np.float32)
    lags = np.arange(ceil(sample_rate / HIGHEST_VOICE), sample_rate // LOWEST_VOICE + 1)
    # Room for the longest lag: the autocorrelation must not meet itself at the other end.
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
    """The power of each frame, shared among frequencies, [frames, size // 2 + 1]."""
    window = analysis.window
    # Less the first sample: an offset would be a step, and that a bang.
    heard = signal.sosfilt(analysis.filter, samples - samples[0]).astype(np.float32)
    heard = audio.fit(heard, max(len(heard), len(window)))
    frames = sliding_window_view(heard, len(window))[:: analysis.hop]
    spectra = fft.rfft(frames * window, analysis.size)
    power = spectra.real**2 + spectra.imag**2
    power *= 2 / (analysis.size * (window @ window))  # 2: for both signs of frequency
    return power


def _word(bands: np.ndarray) -> np.ndarray:
    """Which frames are the word's, bool [frames], by their power below and above 2 kHz [frames, 2].

    A frame is active where the level of a band is above halfway (in dB) between the band's noise
    floor, which a tenth of the frames are below, and its loudest frame, at least 6 dB above the
    floor, and at most 30 dB below the loudest frame of both. Active stretches of less than 50 ms
    are clicks. Those with pauses of up to 0.2 s between them are one utterance; that of the most
    power is the word. Nothing stands out where speech fills nine tenths of the recording evenly.
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
    """How periodic each frame is, from its power spectrum: 0 noise, 1 a perfect period; [frames].

    The autocorrelation of a windowed frame, divided by that of the window, has at the period's lag
    a peak as high as the periodic share of the power (Boersma 1993, equations 4 and 9).
    """
    lags, longest = analysis.lags, analysis.lags[-1]
    correlation = fft.irfft(spectra, analysis.size)[:, : longest + 2]
    correlation /= correlation[:, :1] * analysis.window_autocorrelation
    here = correlation[:, lags]
    peaks = (here > correlation[:, lags - 1]) & (here >= correlation[:, lags + 1])
    return np.where(peaks, here, 0).max(axis=1)

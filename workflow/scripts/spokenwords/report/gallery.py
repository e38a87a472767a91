"""The error gallery: one HTML page with the sound and the spectrogram of a run's mistakes."""

import io
import logging
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from matplotlib import colormaps
from PIL import Image

from spokenwords.evaluation.predictions import likeliest
from spokenwords.recordings import audio
from spokenwords.report import pages
from spokenwords.spectrograms import mel
from spokenwords.spectrograms.stft import STFT

logger = logging.getLogger("spokenwords")

MOST = 150  # recordings in a gallery: 1.7 MB for recordings of 1 s at 16 kHz
# Sample rates of MPEG audio layer III, Hz.
MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)

WINDOW, STRIDE = 0.025, 0.005  # s; the window is long enough to show the harmonics of a voice
BANDS, MOST_FRAMES = 128, 400  # pixels of a spectrogram: height, largest width
RANGE = 70  # dB below the loudest point at which a spectrogram is darkest


def choose(predictions: pd.DataFrame, most: int = MOST) -> pd.DataFrame:
    """Return at most `most` mistakes among `predictions`, by falling confidence.

    If there are more, half of the places, rounded up, go to the most confident mistakes: those with
    the highest probability of the predicted word. The others go to the most frequent confusions, in
    proportion: for a pair of words confused c times, the r-th most confident mistake has the rank
    c / r, and the highest ranks win, as in D'Hondt's method for seats. Ties in confidence are
    resolved by file name, ties in rank by the frequency of the pair and then by its words.

    Columns added: `confusions` (how often the target was predicted as this word), `spoken` (number
    of recordings of the target) and `reason` (`all`, `confidence` or `frequency`).
    """
    spoken = predictions["target"].map(predictions["target"].value_counts())
    mistakes = predictions.assign(spoken=spoken)
    mistakes = mistakes[mistakes["target"] != mistakes["prediction"]]
    mistakes = mistakes.assign(reason="all").sort_values(
        ["probability", "file"], ascending=[False, True], ignore_index=True
    )
    pairs = mistakes.groupby(["target", "prediction"])["file"]
    mistakes["confusions"] = pairs.transform("size").astype(int)
    if len(mistakes) <= most:
        return mistakes

    confident = most - most // 2
    ranked = mistakes.assign(rank=mistakes["confusions"] / (pairs.cumcount() + 1))[confident:]
    ranked = ranked.sort_values(
        ["rank", "confusions", "target", "prediction"], ascending=[False, False, True, True]
    )
    frequent = ranked.index[: most // 2]
    mistakes.loc[: confident - 1, "reason"] = "confidence"
    mistakes.loc[frequent, "reason"] = "frequency"
    return mistakes[mistakes["reason"] != "all"].reset_index(drop=True)


def page(
    template: str,
    run: str,
    metrics: Mapping,
    predictions: pd.DataFrame,
    folder: Path,
    sample_rate: int,
    length: int,
    window: str,
) -> str:
    """Return the gallery of `run`: `template` with its data, including the recordings.

    `metrics` are those of `predictions`. Recordings are read from `folder` and are what the network
    gets: at `sample_rate` (Hz), padded to `length` samples or cut to their `window` (see
    `audio.excerpt`). Raises `UserError` if one is not readable.
    """
    shown = choose(predictions)
    data = {
        "run": run,
        "accuracy": metrics["accuracy"],
        "recordings": metrics["recordings"],
        "mistakes": metrics["recordings"] - metrics["correct"],
        "seconds": length / sample_rate,
        "highest": sample_rate / 2,
        "range": RANGE,
        "shown": [],
    }
    for row in shown.to_dict("records"):
        with audio.usable_before(row["file"]):
            samples = audio.load(folder / row["file"], sample_rate, length, window)
        media = {
            "sound": sound(samples, sample_rate),
            "spectrogram": data_uri("image/webp", spectrogram(samples, sample_rate)),
        }
        data["shown"].append(_described(row) | media)
    text = pages.filled(template, data)
    logger.info(f"Recordings in the gallery: {len(shown)} ({len(text) / 1e6:.1f} MB).")
    return text


def sound(samples: np.ndarray, sample_rate: int) -> str:
    """Encode `samples` [N] (full scale 1, clipped outside) at `sample_rate` (Hz) as a data URI.

    MP3 takes a third of FLAC's size: for 59 recordings of words at 16 kHz, its error is 26 dB below
    the signal (median). FLAC is used for rates that MP3 lacks.
    """
    numbers = np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype(np.int16)
    file, arguments = io.BytesIO(), (numbers, sample_rate)
    if sample_rate in MP3_RATES:
        quality = {"compression_level": 0.5, "bitrate_mode": "VARIABLE"}
        soundfile.write(file, *arguments, "MPEG_LAYER_III", format="MP3", **quality)
        return data_uri("audio/mpeg", file.getvalue())
    soundfile.write(file, *arguments, "PCM_16", format="FLAC", compression_level=1.0)
    return data_uri("audio/flac", file.getvalue())


def spectrogram(samples: np.ndarray, sample_rate: int) -> bytes:
    """Return the spectrogram of `samples` [N] at `sample_rate` (Hz), as a WebP image without axes.

    Time runs to the right, frequency upwards from 0 to half the sample rate on the mel scale.
    Brightness shows the power of each of `BANDS` bands in dB, from `RANGE` below the loudest point
    up to it.
    """
    # Long recordings have fewer and longer frames, which still overlap by half.
    stride = max(STRIDE, len(samples) / sample_rate / MOST_FRAMES)
    window = round(max(WINDOW, 2 * stride) * sample_rate)
    # Zero-padded to twice the window, so that bins are closer than the window's resolution.
    transform = STFT(sample_rate, 2 * window, window / sample_rate, stride, normalized=False)
    samples = audio.fit(
        samples, max(len(samples), window + 1)
    )  # the shortest that can be reflected
    power = (transform.complex_spectrogram(samples) ** 2).sum(axis=0, dtype=np.float64)
    # The lowest bands are narrower than a bin: each gets its share of it.
    edges = mel.to_hertz(np.linspace(0, mel.from_hertz(sample_rate / 2), BANDS + 1))
    upper = np.append(0, transform.frequency() + sample_rate / (4 * window))
    below = np.pad(power.cumsum(axis=0), ((1, 0), (0, 0)))
    bands = np.diff([np.interp(edges, upper, frame) for frame in below.T]).T
    relative = bands / (bands.max() or 1)  # digital silence is black
    shade = 1 + 10 * np.log10(np.maximum(relative, 1e-12)) / RANGE
    colours = colormaps["magma"](shade[::-1], bytes=True)[..., :3]
    image = Image.fromarray(np.ascontiguousarray(colours))
    file = io.BytesIO()
    image.save(file, "WEBP", quality=50, method=6)
    return file.getvalue()


def _described(row: Mapping) -> dict:
    """The data of a mistake, without sound and image."""
    words = likeliest(row)
    if all(word != row["target"] for word, _ in words):
        words.append((row["target"], row["target_probability"]))
    keys = ("file", "speaker", "target", "prediction", "confusions", "spoken", "reason")
    return {key: row[key] for key in keys} | {
        "probability": row["probability"],
        "targetProbability": row["target_probability"],
        "likeliest": words,
    }


def data_uri(kind: str, data: bytes) -> str:
    """Return `data` of this media type as a URI that contains it."""
    return f"data:{kind};base64,{b64encode(data).decode('ascii')}"

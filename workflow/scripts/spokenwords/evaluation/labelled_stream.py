"""A long stream whose words are known, made of test recordings: what a listening model would hear.

Words, and recordings that contain none of them, follow each other at random distances and levels
in noise.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

# Between two recordings, s. With recordings of a second, there are 24 a minute.
GAPS = (0.5, 2.5)
# Share of recordings that contain none of the words, if there are such.
SHARE_OF_OTHERS = 0.6
# Longer recordings, such as running speech, are cut to a part of this length, s.
LONGEST = 10.0
# Each kind of noise lasts for so long, s.
SECONDS_OF_A_NOISE = 20
# Level of the noise, and of recordings above it, dB.
NOISE_DBFS, RATIOS_DB = (-55.0, -35.0), (0.0, 30.0)


@dataclass(frozen=True)
class Spoken:
    """A recording in the stream: the middle of its sound (s), its file and speaker.

    `word` is empty if it contains none of the words.
    """

    word: str
    middle: float
    file: str
    speaker: str


@dataclass(frozen=True)
class Source:
    """A recording: `load` returns its samples. `word` is empty if it contains none of the words."""

    load: Callable[[], np.ndarray]
    word: str = ""
    file: str = ""
    speaker: str = ""


def build(
    words: Sequence[Source],
    others: Sequence[Source],
    noise: Sequence[np.ndarray],
    hours: float,
    rate: int,
    seed: int,
) -> tuple[np.ndarray, list[Spoken], list[Spoken]]:
    """Return a stream, float32 [samples] at `rate` (Hz), and the words and other recordings in it.

    Both are in order of time. Each of `words` and of `others` is used once before any of its kind
    is repeated; either may be empty. `noise` are waveforms, of which parts follow each other;
    without any, white noise is generated.
    """
    generator = np.random.default_rng(seed)
    stream, levels = _background(noise, round(hours * 3600 * rate), rate, generator)
    supplies = {
        kind: _endless(sources, generator)
        for kind, sources in ((True, others), (False, words))
        if sources
    }
    spoken: list[Spoken] = []
    unspoken: list[Spoken] = []
    place = 0
    while supplies:
        place += round(generator.uniform(*GAPS) * rate)
        other = generator.random() < SHARE_OF_OTHERS
        source = next(supplies.get(other) or next(iter(supplies.values())))
        sound = source.load()
        first = generator.integers(max(1, len(sound) - round(LONGEST * rate) + 1))
        sound = sound[first : first + round(LONGEST * rate)]
        if place + len(sound) > len(stream):
            break
        power = np.square(sound, dtype=np.float64)
        level = levels[place // (SECONDS_OF_A_NOISE * rate)] + generator.uniform(*RATIOS_DB)
        if power.sum():
            gain = np.sqrt(10 ** (level / 10) / _loudest(power, rate))
            stream[place : place + len(sound)] += np.float32(gain) * sound
            middle = place + power @ np.arange(len(sound)) / power.sum()
            said = Spoken(source.word, middle / rate, source.file, source.speaker)
            (spoken if source.word else unspoken).append(said)
        place += len(sound)
    return np.clip(stream, -1, 1, out=stream), spoken, unspoken


def _endless(sources: Sequence[Source], generator: np.random.Generator) -> Iterator[Source]:
    while True:
        for number in generator.permutation(len(sources)):
            yield sources[number]


def _loudest(power: np.ndarray, rate: int) -> float:
    """Return the mean power of the loudest quarter of a second: that of a word, without pauses."""
    length = min(len(power), rate // 4)
    sums = np.concatenate([[0.0], np.cumsum(power)])
    return float((sums[length:] - sums[:-length]).max() / length)


def _background(
    noise: Sequence[np.ndarray], samples: int, rate: int, generator: np.random.Generator
) -> tuple[np.ndarray, list[float]]:
    """Return noise of changing kind and level, and its levels (dBFS)."""
    stream, levels = np.empty(samples, np.float32), []
    for start in range(0, samples, SECONDS_OF_A_NOISE * rate):
        part = stream[start : start + SECONDS_OF_A_NOISE * rate]
        if noise:
            recording = noise[int(generator.integers(len(noise)))]
            first = generator.integers(len(recording))
            part[:] = np.resize(np.roll(recording, -first), len(part))
        else:
            part[:] = generator.normal(size=len(part))
        amplitude = np.sqrt(np.mean(np.square(part, dtype=np.float64)))
        levels.append(generator.uniform(*NOISE_DBFS))
        part *= 10 ** (levels[-1] / 20) / max(amplitude, 1e-9)
    return stream, levels

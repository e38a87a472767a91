"""Synthetic negatives: sentences and single words, spoken by eSpeak NG."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from spokenwords.jobs.progress import Progress
from spokenwords.recordings import negative_texts, synthesis

VOICES = 80
SEED = 2
# Voices that speak each text.
VOICES_PER_WORD, VOICES_PER_SENTENCE = 4, 4
# The peak of each recording, dB below full scale.
PEAK_DB = (-25, -3)


def write(folder: Path, words: Collection[str]) -> None:
    """Write recordings into the existing, empty `folder`: `<kind>/<speaker>_nohash_<number>.wav`.

    The texts are those of `negative_texts` that contain none of the `words`. Raises `UserError` if
    eSpeak NG cannot be used.
    """
    kinds = (
        ("synthetic_words", negative_texts.WORDS, VOICES_PER_WORD),
        ("synthetic_sentences", negative_texts.SENTENCES, VOICES_PER_SENTENCE),
    )
    voices = synthesis.draw_voices(VOICES, SEED)
    generator = np.random.default_rng(SEED)
    progress = Progress("Synthesis", sum(len(some) * count for _, some, count in kinds), "texts")
    with synthesis.espeak_data() as data:
        for kind, texts, count in kinds:
            (folder / kind).mkdir()
            for number, text in enumerate(texts):
                spoken_by = generator.choice(len(voices), count, replace=False)
                seeds = generator.integers(1, 2**31, count)
                peaks = 10 ** (generator.uniform(*PEAK_DB, count) / 20)
                progress.advance(count)
                if any(negative_texts.contains(text, word) for word in words):
                    continue
                for place, seed, peak in zip(spoken_by, seeds, peaks, strict=True):
                    voice = voices[place]
                    speech = synthesis.speak(data, text, voice, voice.rate, voice.pitch, int(seed))
                    name = f"{voice.speaker}_nohash_{number}.wav"
                    synthesis.write_wav(folder / kind / name, speech * peak / np.abs(speech).max())

"""The demo's recordings: single words spoken by eSpeak NG, in the layout of Speech Commands.

eSpeak NG is called through its C interface (`speak_lib.h`, version 1.52) in the shared library of
the package espeakng-loader. The recordings depend only on a seed: the same seed gives the same
bytes, and a recording does not change when words, voices or takes are added.
"""

import ctypes
import math
import shutil
import tempfile
import wave
from _ctypes import dlclose
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import espeakng_loader
import numpy as np

from spokenwords.errors import UserError
from spokenwords.jobs.progress import Progress
from spokenwords.names import NOISE

SAMPLE_RATE = 16_000  # Hz; also the number of samples in a recording, which lasts one second

# The 30 words of Speech Commands v0.01.
SPEECH_COMMANDS_WORDS = tuple(
    "bed bird cat dog down eight five four go happy house left marvin nine no off on one right "  # noqa: SIM905
    "seven sheila six stop three tree two up wow yes zero".split()
)

# English accents in eSpeak NG's lang/gmw, without en-029, whose "three" is nearly "tree".
ACCENTS = tuple(
    "en en-GB-scotland en-GB-x-gbclan en-GB-x-gbcwmd en-GB-x-rp en-US en-US-nyc".split()  # noqa: SIM905
)

# eSpeak NG's voice variants (voices/!v) without robots, echoes, distorted and hardly intelligible
# ones, and without those that sound like another one. Reed and caleb are left out because their
# breath uses the C library's random numbers, so no two takes are the same.
VARIANTS = tuple(
    "adam Alex Andrea Andy anika Annie antonio aunty belinda boris david Denis Diogo ed edward f1 "  # noqa: SIM905
    "f2 f3 f4 f5 Gene grandma grandpa gustave Hugo iven3 Jacky john klatt klatt3 klatt5 Lee linda "
    "m1 m2 m3 m4 m5 m6 m7 m8 marcelo Mario max Michael michel Mike mike2 Nguyen norbert pablo "
    "paul pedro quincy rob sandro steph Storm travis victor whisper".split()
)
MOST_VOICES = len(ACCENTS) * len(VARIANTS)

# From speak_lib.h: espeak_AUDIO_OUTPUT, the options of espeak_Initialize, espeak_POSITION_TYPE,
# the flags of espeak_Synth and espeak_PARAMETER.
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_POSITION_CHARACTER = 1
_CHARS_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_SYNTH_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


@dataclass(frozen=True)
class Voice:
    """One speaker; each voice of a data set has a different combination of variant and accent."""

    speaker: str  # 8 hexadecimal digits, as in Speech Commands
    variant: str
    accent: str
    rate: float  # words per minute
    pitch: float  # eSpeak's scale, 0 to 99; 50 is the variant's own
    pitch_range: float  # the same scale


def draw_voices(count: int, seed: int) -> list[Voice]:
    """Return the first `count` voices of a seed; they do not depend on `count`.

    A variant is repeated, with another accent, only after all the others.

    Raises `UserError` if `count` is not between 1 and `MOST_VOICES`.
    """
    if not 1 <= count <= MOST_VOICES:
        raise UserError(
            f"`dataset.synthetic.voices` is {count}; it must be between 1 and {MOST_VOICES}."
        )
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(VARIANTS))
    first_accent = rng.integers(len(ACCENTS), size=len(VARIANTS))
    first_speaker = int(rng.integers(2**32))
    voices = []
    for index in range(count):
        turn, position = divmod(index, len(VARIANTS))
        # Multiples of an odd number do not repeat modulo a power of two.
        speaker = (first_speaker + index * 0x9E3779B1) % 2**32
        rate, pitch, pitch_range = rng.uniform([95, 30, 30], [160, 70, 80])
        accent = ACCENTS[(first_accent[position] + turn) % len(ACCENTS)]
        variant = VARIANTS[order[position]]
        voices.append(Voice(f"{speaker:08x}", variant, accent, rate, pitch, pitch_range))
    return voices


def write_dataset(
    folder: Path,
    words: Sequence[str],
    voices: int,
    takes: int,
    seed: int,
    signal_to_noise_db: tuple[float, float] = (10.0, 40.0),
) -> None:
    """Write a data set of synthetic speech into the existing, empty `folder`.

    Every voice says every word `takes` times: `<word>/<speaker>_nohash_<take>.wav`, one second of
    16-bit PCM, mono, at 16 kHz. The word has a random position and level, in noise between white
    and pink. `signal_to_noise_db` are bounds of the ratio of mean powers (of the speech during the
    word), sampled uniformly in dB. `seed` must not be negative.

    A tenth of the voices each, of three at least one, is listed in `validation_list.txt` and
    `testing_list.txt`. `_background_noise_` contains two longer recordings.

    Raises `UserError` if eSpeak NG cannot be used, does not speak a word, or has too few voices.
    """
    speakers = draw_voices(voices, seed)
    progress = Progress("Synthesis", len(words) * voices * takes, "recordings")
    with espeak_data() as data:
        for word in words:
            (folder / word).mkdir()
            for voice in speakers:
                for take in range(takes):
                    # Each recording has its own random numbers, so that it depends on no other.
                    key = [seed, int(voice.speaker, 16), take, *word.encode()]
                    rng = np.random.default_rng(key)
                    recording = _record(data, word, voice, signal_to_noise_db, rng)
                    write_wav(folder / word / f"{voice.speaker}_nohash_{take}.wav", recording)
                    progress.advance()
    (folder / NOISE).mkdir()
    for name, exponent in (("white_noise", 0.0), ("pink_noise", 1.0)):
        noise = _noise(20 * SAMPLE_RATE, exponent, np.random.default_rng(seed))
        write_wav(folder / NOISE / f"{name}.wav", 0.1 * noise)
    # By index, so that a voice stays in its set when voices are added.
    for name, remainder in (("testing_list.txt", 1), ("validation_list.txt", 2)):
        chosen = [voice.speaker for voice in speakers[remainder::10]]
        files = (f"{w}/{s}_nohash_{t}.wav\n" for w in words for s in chosen for t in range(takes))
        (folder / name).write_text("".join(sorted(files)), encoding="utf-8")
    (folder / "README.md").write_text(
        f"# Synthetic spoken words\n\n{len(words)} words, {voices} voices, {takes} recordings of "
        f"each word by each voice (seed {seed}), laid out as the Speech Commands data set is.\n\n"
        "No person speaks here: the words were synthesised by eSpeak NG "
        "(https://github.com/espeak-ng/espeak-ng) and mixed with generated noise.\n"
    )


def _record(
    data: Path,
    word: str,
    voice: Voice,
    signal_to_noise_db: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return one recording, [SAMPLE_RATE] from -1 to 1: a take of the word in noise."""
    rate = voice.rate * rng.uniform(0.92, 1.08)
    pitch = voice.pitch + rng.uniform(-5, 5)
    speech = speak(data, word, voice, rate, pitch, int(rng.integers(1, 2**31)))
    speech *= 10 ** (rng.uniform(-20, -3) / 20) / np.abs(speech).max()
    # The end of a long word is cut, as in real recordings.
    speech = speech[:SAMPLE_RATE]
    onset = rng.integers(SAMPLE_RATE - len(speech) + 1)
    ratio = 10 ** (rng.uniform(*signal_to_noise_db) / 10)
    noise = _noise(SAMPLE_RATE, rng.uniform(0, 1), rng)
    recording = np.sqrt(np.mean(speech**2) / ratio) * noise
    recording[onset : onset + len(speech)] += speech
    return recording


def _noise(samples: int, exponent: float, rng: np.random.Generator) -> np.ndarray:
    """Return Gaussian noise, [samples], of mean power 1 and density ~ 1 / frequency^exponent."""
    frequency = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE)
    amplitude = np.maximum(frequency, 20) ** (
        -exponent / 2
    )  # constant below 20 Hz, which is inaudible
    spectrum = amplitude * rng.standard_normal(2 * len(frequency)).view(complex)
    noise = np.fft.irfft(spectrum, samples)
    return noise / np.sqrt(np.mean(noise**2))


def write_wav(path: Path, recording: np.ndarray) -> None:
    pcm = np.clip(np.rint(32_768 * recording), -32_768, 32_767).astype("<i2")
    # Not soundfile, which waits 4 ms after each file until it is on the disk.
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(pcm.tobytes())


@contextmanager
def espeak_data() -> Iterator[Path]:
    """Yield a folder with a copy of eSpeak NG's data for English.

    With the accents as files in lower case directly in lang/, eSpeak finds a voice without reading
    all voice files (2 ms each time). Also, it truncates the path of its data at 160 characters,
    which may be too short for an environment's folder.
    """
    with tempfile.TemporaryDirectory(prefix="espeak-") as folder:
        target = Path(folder, "espeak-ng-data")
        try:
            source = Path(espeakng_loader.get_data_path())
            shutil.copytree(source / "voices" / "!v", target / "voices" / "!v")
            (target / "lang").mkdir()
            for accent in ACCENTS:
                shutil.copy(source / "lang" / "gmw" / accent, target / "lang" / accent.lower())
            for name in ("en_dict", "intonations", "phondata", "phonindex", "phontab"):
                shutil.copy(source / name, target)
        except (OSError, RuntimeError) as error:
            raise UserError(
                f"The data of eSpeak NG, which synthesises the recordings, cannot be copied "
                f"({error}). Install espeakng-loader again, or choose another `dataset.source`."
            ) from error
        yield Path(folder)


def speak(data: Path, word: str, voice: Voice, rate: float, pitch: float, seed: int) -> np.ndarray:
    """Return the word spoken by eSpeak NG, at SAMPLE_RATE, without the silence around it.

    The library is loaded and unloaded each time: its static variables (pitch flutter, gain control
    and more) carry over to the next word, and no function resets them.
    """
    buffers = []

    @_SYNTH_CALLBACK
    def collect(samples: int | None, count: int, _events: int | None) -> int:
        if samples and count:
            buffers.append(ctypes.string_at(samples, 2 * count))
        return 0

    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
    except OSError as error:
        raise UserError(
            f"eSpeak NG, which synthesises the recordings, cannot be loaded ({error}). Install "
            "espeakng-loader again, or choose another `dataset.source`."
        ) from error
    library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
    numbers, pointers = [ctypes.c_uint] * 4, [ctypes.c_void_p] * 2
    library.espeak_Synth.argtypes = [ctypes.c_char_p, ctypes.c_size_t, *numbers, *pointers]
    rate_of_library = library.espeak_Initialize(_SYNCHRONOUS, 0, str(data).encode(), _DONT_EXIT)
    name = f"{voice.accent.lower()}+{voice.variant}"
    if rate_of_library <= 0 or library.espeak_SetVoiceByName(name.encode()) != 0:
        raise UserError(
            f"eSpeak NG finds no voice {name} in {data}. Install espeakng-loader again, or set "
            "TMPDIR to a folder with a shorter name."
        )
    library.espeak_SetSynthCallback(collect)
    library.espeak_ng_SetRandSeed(seed)
    for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, voice.pitch_range)):
        library.espeak_SetParameter(parameter, round(value), 0)
    text = word.encode()
    library.espeak_Synth(text, len(text) + 1, 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None)
    library.espeak_Terminate()
    dlclose(library._handle)

    speech = np.frombuffer(b"".join(buffers), np.int16) / 32_768
    loud = np.flatnonzero(np.abs(speech) > 0.01 * np.abs(speech).max(initial=0))
    if len(loud) == 0:
        raise UserError(
            f'eSpeak NG does not speak the word "{word}". Remove it from `dataset.words`.'
        )
    return _resample(speech[loud[0] : loud[-1] + 1], rate_of_library)


def _resample(samples: np.ndarray, rate: int) -> np.ndarray:
    """Resample from `rate` to the lower SAMPLE_RATE; samples begin and end near silence."""
    # For whole seconds, the spectra at both rates have the same frequencies. The Fourier transform
    # is periodic: 0.1 s of silence separate the end from the beginning.
    seconds = math.ceil(len(samples) / rate + 0.1)
    spectrum = np.fft.rfft(samples, seconds * rate)[: seconds * SAMPLE_RATE // 2]
    resampled = np.fft.irfft(spectrum, seconds * SAMPLE_RATE) * (SAMPLE_RATE / rate)
    return resampled[: math.ceil(len(samples) * SAMPLE_RATE / rate)]

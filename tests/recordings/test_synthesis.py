"""The demo's recordings: layout and sound, and that they depend only on the seed."""

import itertools
import re
import subprocess
import sys
from pathlib import Path

import espeakng_loader
import numpy as np
import pytest
import soundfile
from torchaudio.datasets import SPEECHCOMMANDS

from spokenwords.errors import UserError
from spokenwords.recordings import synthesis

WORDS = ("no", "six", "zero")
VOICES, TAKES, SEED = 6, 2, 3


def write(folder: Path, words, voices, takes=1, seed=1, **settings) -> Path:
    folder.mkdir(parents=True)
    synthesis.write_dataset(folder, words, voices, takes, seed, **settings)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def recordings(folder: Path) -> dict[str, np.ndarray]:
    paths = sorted(folder.glob("*/*_nohash_*.wav"))
    return {str(path.relative_to(folder)): soundfile.read(path)[0] for path in paths}


def decibels(ratio: float) -> float:
    return 10 * np.log10(ratio)


def power(samples: np.ndarray, low: float, high: float) -> float:
    """Power between two frequencies in Hz."""
    frequency = np.fft.rfftfreq(len(samples), 1 / 16_000)
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    return spectrum[(frequency >= low) & (frequency < high)].sum()


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("root")
    write(root / "SpeechCommands" / "speech_commands_v0.01", WORDS, VOICES, TAKES, SEED)
    return root


@pytest.fixture(scope="module")
def folder(root) -> Path:
    return root / "SpeechCommands" / "speech_commands_v0.01"


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    """The same recordings, with noise too weak for 16 bits."""
    folder = tmp_path_factory.mktemp("clean") / "data"
    return write(folder, WORDS, VOICES, TAKES, SEED, signal_to_noise_db=(200, 200))


def test_words_are_those_of_speech_commands():
    assert len(synthesis.SPEECH_COMMANDS_WORDS) == len(set(synthesis.SPEECH_COMMANDS_WORDS)) == 30
    assert {"bed", "marvin", "sheila", "zero"} <= set(synthesis.SPEECH_COMMANDS_WORDS)
    assert not {"backward", "follow", "learn"} & set(synthesis.SPEECH_COMMANDS_WORDS)  # v0.02's


def test_every_voice_says_every_word(folder):
    names = [re.fullmatch(r"(\w+)/([0-9a-f]{8})_nohash_(\d+)\.wav", n) for n in recordings(folder)]
    said = {name.groups() for name in names}
    speakers = {speaker for _, speaker, _ in said}
    assert len(speakers) == VOICES
    assert said == set(itertools.product(WORDS, speakers, map(str, range(TAKES))))


def test_torchaudio_reads_the_layout(root):
    sets = {
        subset: SPEECHCOMMANDS(root, url="speech_commands_v0.01", subset=subset)
        for subset in ("training", "validation", "testing")
    }
    speakers = {}
    for subset, data in sets.items():
        rows = [data.get_metadata(n) for n in range(len(data))]
        assert {label for _, _, label, _, _ in rows} == set(WORDS)
        assert {rate for _, rate, _, _, _ in rows} == {16_000}
        assert {take for *_, take in rows} == set(range(TAKES))
        speakers[subset] = {speaker for _, _, _, speaker, _ in rows}
        assert len(rows) == len(WORDS) * len(speakers[subset]) * TAKES
    assert [len(speakers[s]) for s in ("training", "validation", "testing")] == [4, 1, 1]
    assert len(set.union(*speakers.values())) == VOICES


def test_a_tenth_of_the_voices_is_listed(tmp_path):
    folder = write(tmp_path / "data", ["up"], 40)
    for name in ("validation_list.txt", "testing_list.txt"):
        lines = (folder / name).read_text().splitlines()
        assert len(lines) == 4
        assert all((folder / line).is_file() for line in lines)


def test_recordings_last_a_second_at_16_khz_and_16_bits(folder):
    for path in folder.glob("*/*_nohash_*.wav"):
        info = soundfile.info(path)
        assert (info.format, info.subtype, info.channels) == ("WAV", "PCM_16", 1)
        assert (info.samplerate, info.frames) == (16_000, 16_000)


def test_background_noise_is_white_and_pink(folder):
    slopes = {}
    for path in (folder / "_background_noise_").iterdir():
        samples, rate = soundfile.read(path)
        assert rate == 16_000 and len(samples) >= 10 * rate
        slopes[path.name] = decibels(power(samples, 2000, 4000) / power(samples, 200, 400))
    # A band ten times as wide holds ten times the power of white noise, and as much of pink.
    assert slopes == {
        "white_noise.wav": pytest.approx(10, abs=0.5),
        "pink_noise.wav": pytest.approx(0, abs=0.5),
    }


def test_a_seed_gives_the_same_bytes_in_another_process(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    code = (
        "import pathlib, sys; from spokenwords.recordings import synthesis;"
        f"synthesis.write_dataset(pathlib.Path(sys.argv[1]), {WORDS}, {VOICES}, {TAKES}, {SEED})"
    )
    library = Path(synthesis.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, other], check=True, cwd=library)
    assert files(other) == files(folder)


def test_recordings_do_not_depend_on_what_else_is_made(tmp_path):
    few = recordings(write(tmp_path / "few", ["up"], len(synthesis.VARIANTS)))
    more = recordings(write(tmp_path / "more", ["wow", "up"], len(synthesis.VARIANTS) + 1))
    assert len(few) == len(synthesis.VARIANTS)
    changed = [name for name, samples in few.items() if not np.array_equal(samples, more[name])]
    assert changed == []


def test_another_seed_gives_other_voices(folder, tmp_path):
    other = write(tmp_path / "other", WORDS, VOICES, TAKES, SEED + 1)
    assert not set(recordings(folder)) & set(recordings(other))
    assert not set(files(folder).values()) & set(files(other).values())


def test_voices_are_distinct_and_stay_when_more_are_asked_for():
    voices = synthesis.draw_voices(synthesis.MOST_VOICES, seed=1)
    assert len(voices) >= 200
    assert len({voice.speaker for voice in voices}) == len(voices)
    assert len({(voice.variant, voice.accent) for voice in voices}) == len(voices)
    assert len({voice.variant for voice in voices[:60]}) == 60
    assert synthesis.draw_voices(60, seed=1) == voices[:60]
    assert synthesis.draw_voices(60, seed=2) != voices[:60]


def test_no_two_takes_or_voices_sound_the_same(clean):
    for word in WORDS:
        spectra = [
            (Path(name).name[:8], np.fft.rfft(samples / np.linalg.norm(samples), 32_000))
            for name, samples in recordings(clean).items()
            if name.startswith(f"{word}/")
        ]
        assert len(spectra) == VOICES * TAKES
        for (speaker, one), (other_speaker, other) in itertools.combinations(spectra, 2):
            # At the best of all shifts: 1 if one recording is the other, moved.
            correlation = np.abs(np.fft.irfft(one * other.conj())).max()
            assert correlation < (0.99 if speaker == other_speaker else 0.9)


def test_words_sound_as_they_should(clean):
    said = recordings(clean)
    hiss = {name: power(x, 4000, 8000) / power(x, 100, 8000) for name, x in said.items()}
    # "six" has two voiceless sibilants, "no" not even one fricative.
    ratios = [
        share / hiss[name.replace("six", "no")] for name, share in hiss.items() if "six" in name
    ]
    assert min(ratios) > 1
    assert np.median(ratios) > 20


def test_the_word_is_inside_and_louder_than_the_noise(folder, clean):
    onsets = []
    for name, samples in recordings(clean).items():
        loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
        onsets.append(loud[0])
        assert 0.15 < (loud[-1] - loud[0]) / 16_000 < 1
        assert np.abs(samples).max() > 0.09  # -20 dB, less a bit
        frames = (recordings(folder)[name].reshape(50, -1) ** 2).mean(1)
        assert decibels(frames.max() / frames.min()) > 10
    assert np.std(onsets) > 0.05 * 16_000


def test_the_noise_is_as_strong_as_asked_for(clean, tmp_path):
    noisy = write(tmp_path / "noisy", WORDS, VOICES, TAKES, SEED, signal_to_noise_db=(20, 20))
    for name, speech in recordings(clean).items():
        noise = recordings(noisy)[name] - speech
        loud = np.flatnonzero(np.abs(speech) > 0.01 * np.abs(speech).max())
        word = speech[loud[0] : loud[-1] + 1]
        assert decibels(np.mean(word**2) / np.mean(noise**2)) == pytest.approx(20, abs=0.3)


@pytest.mark.parametrize("voices", [0, 100_000])
def test_an_impossible_number_of_voices_is_refused(voices, tmp_path):
    with pytest.raises(UserError, match=rf"voices` is {voices}; it must be"):
        write(tmp_path / "data", ["up"], voices)


def test_a_word_without_sound_is_refused(tmp_path):
    with pytest.raises(UserError, match='does not speak the word "\\.\\.\\."'):
        write(tmp_path / "data", ["..."], 1)


@pytest.mark.parametrize("missing", ["get_library_path", "get_data_path"])
def test_a_missing_library_is_reported_in_a_sentence(missing, tmp_path, monkeypatch):
    monkeypatch.setattr(espeakng_loader, missing, lambda: str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="Install espeakng-loader again"):
        write(tmp_path / "data", ["up"], 1)

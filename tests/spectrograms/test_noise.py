"""Noise stores: values read are those written, and unusable recordings are reported."""

import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import soundfile
import torch
import torchaudio
import zarr
from conftest import SMALL
from numcodecs import blosc

from spokenwords.errors import UserError
from spokenwords.jobs import atomic
from spokenwords.spectrograms import write_noise as write_noise_module
from spokenwords.spectrograms.read_noise import read_noise_store, training_part
from spokenwords.spectrograms.stft import STFT
from spokenwords.spectrograms.write_noise import write_noise_store

PUBLISHED = STFT(16_000, 512, window_seconds=0.03, stride_seconds=0.01, normalized=True)
# A hop longer than the window, a window as long as a transform of odd length.
SPARSE = STFT(1_000, 64, window_seconds=0.03, stride_seconds=0.05, normalized=True)
ODD = STFT(1_000, 65, window_seconds=0.065, stride_seconds=0.004, normalized=True)


def exact(path, transform):
    """The complex spectrogram in double precision, [2, frequency, time], of a recording."""
    samples, _ = soundfile.read(path)
    spectrogram = torchaudio.transforms.Spectrogram(
        n_fft=transform.n_fft,
        win_length=transform.window_length,
        hop_length=transform.hop_length,
        power=None,
        normalized=True,
        wkwargs={"dtype": torch.float64},
    )(torch.from_numpy(samples)).numpy()
    return np.stack([spectrogram.real, spectrogram.imag])


@pytest.fixture
def write(tmp_path):
    """A function that writes the store of some of the folder `recordings`, and returns its path."""

    def write(files, transform=SMALL, length=1_000, rounding=16):
        path = tmp_path / "stores" / "noise.zarr"
        path.parent.mkdir(exist_ok=True)
        write_noise_store(path, tmp_path / "recordings", files, transform, length, rounding)
        return path

    return write


def left(tmp_path):
    """What lies beside the store."""
    return [path.name for path in (tmp_path / "stores").iterdir()]


@pytest.mark.parametrize("rounding", [None, 8, 16])
@pytest.mark.parametrize("transform", [SMALL, SPARSE, ODD], ids=["small", "sparse", "odd"])
def test_round_trip(write, write_noise, transform, rounding):
    hop = transform.hop_length
    # Of one chunk of 256 frames, of one and a frame, of two whole ones, and of some.
    lengths = [255 * hop + 1, 256 * hop + 1, 512 * hop - 1, 700 * hop + 3]
    recordings = [
        write_noise(f"{number}.wav", seed=number, seconds=length / 1_000)
        for number, length in enumerate(lengths)
    ]
    path = write([recording.name for recording in recordings], transform, 100, rounding)
    values = read_noise_store(path, transform)
    assert len(values) == 4
    step = 0 if rounding is None else 2.0**-rounding
    for one, recording in zip(values, recordings, strict=True):
        assert one.dtype == np.float16
        expected = exact(recording, transform)
        assert one.shape == expected.shape
        # Half a step, half of float16's spacing, and single precision in the transform.
        allowed = step / 2 + np.spacing(np.abs(one)).astype(float) / 2 + 1e-6
        assert (np.abs(one.astype(float) - expected) <= allowed).all()


def test_a_minute_at_the_published_settings(write, write_noise):
    recording = write_noise("tap.wav", seed=1, seconds=60, rate=16_000)
    [values] = read_noise_store(write(["tap.wav"], PUBLISHED, 16_000), PUBLISHED)
    assert values.shape == (2, 257, 6_001)
    error = values.astype(float) - exact(recording, PUBLISHED)
    assert np.abs(error).max() < 0.002


def test_values_are_multiples_of_the_step(write, write_noise):
    write_noise("a.wav", seed=1, seconds=3)
    [values] = read_noise_store(write(["a.wav"], rounding=8), SMALL)
    assert (values.astype(float) * 256 % 1 == 0).all()


def test_channels_are_averaged_and_rates_brought_to_the_transforms(write, tmp_path):
    (tmp_path / "recordings").mkdir()
    seconds = np.arange(7_500) / 2_500
    tone = np.sin(2 * np.pi * 250 * seconds)
    samples = np.stack([0.5 * tone, 0.1 * tone], axis=1)
    soundfile.write(tmp_path / "recordings" / "tone.flac", samples, 2_500)
    [values] = read_noise_store(write(["tone.flac"]), SMALL)
    expected = 0.3 * np.sin(2 * np.pi * 250 * np.arange(3_000) / 1_000)
    expected = SMALL.complex_spectrogram(expected.astype(np.float32))
    assert values.shape == expected.shape
    # Away from the ends, where the filter of the resampling sees zeros.
    np.testing.assert_allclose(values[..., 5:-5], expected[..., 5:-5], atol=0.01)


def test_what_describes_a_store(write, write_noise):
    files = ['$(x) "ü.wav', "NA.wav", "001.wav"]
    recordings = [write_noise(file, seed, seconds=3) for seed, file in enumerate(files)]
    path = write(files)
    group = zarr.open_group(path, mode="r")
    attributes = group.attrs.asdict()
    assert attributes["files"] == files
    assert attributes["sha256"] == [sha256(file.read_bytes()).hexdigest() for file in recordings]
    assert STFT(**attributes["stft"]) == SMALL
    assert attributes["rounding_step"] == 2.0**-16
    array = group["2"]
    assert array.metadata.dimension_names == ("channel", "frequency", "time")
    assert array.chunks == (2, 33, 256)
    assert np.isnan(array.fill_value)
    np.testing.assert_allclose(
        read_noise_store(path, SMALL)[2].astype(float), exact(recordings[2], SMALL), atol=1e-3
    )


def test_recordings_that_cannot_be_used_are_named_together(write, write_noise, tmp_path):
    # Half of it, which is trained on, must have room for 1 s and a step of 0.02 s.
    write_noise("good.wav", seed=1, seconds=4)
    write_noise("short.wav", seed=2, seconds=2.039)
    write_noise("just.wav", seed=3, seconds=2.04)
    (tmp_path / "recordings" / "text.wav").write_text("no sound")
    with pytest.raises(UserError) as caught:
        write(["good.wav", "short.wav", "just.wav", "text.wav", "gone.wav"])
    message = str(caught.value)
    assert "short.wav (2.039 s long, but at least 2.04 s are needed)" in message
    assert "text.wav (" in message
    assert "gone.wav (" in message
    assert "good.wav" not in message
    assert "just.wav" not in message
    assert left(tmp_path) == []


def test_a_recording_too_loud_for_float16_is_named(write, write_noise, tmp_path):
    transform = STFT(1_000, 2048, window_seconds=2, stride_seconds=0.5, normalized=False)
    write_noise("good.wav", seed=1, seconds=5)
    # The window sums to a thousand.
    for file, level in (("loud.wav", 70), ("not.wav", 60)):
        samples = np.full(5_000, level, np.float32)
        soundfile.write(tmp_path / "recordings" / file, samples, 1_000, subtype="FLOAT")
    with pytest.raises(UserError, match=r"loud\.wav \(too loud") as caught:
        write(["good.wav", "loud.wav", "not.wav"], transform)
    assert "not.wav" not in str(caught.value)
    assert left(tmp_path) == []


def test_no_noise_at_all(write, tmp_path):
    with pytest.raises(UserError, match="no recordings of noise in"):
        write([])
    assert left(tmp_path) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_store_is_there_whole_or_not_at_all(write, write_noise, tmp_path, monkeypatch, error):
    for number in (1, 2):
        write_noise(f"{number}.wav", seed=number, seconds=12)
    # What a kill may have left.
    left_over = atomic.beside(tmp_path / "stores" / "noise.zarr")
    write(["2.wav", "1.wav"]).rename(left_over)
    path = write(["1.wav"])
    assert left(tmp_path) == ["noise.zarr"]
    assert list(zarr.open_group(path, mode="r")) == ["0"]
    before = read_noise_store(path, SMALL)

    calls, to_float16 = [], write_noise_module.to_float16

    def fails(values, rounding):
        calls.append(1)
        if len(calls) == 4:
            raise error
        return to_float16(values, rounding)

    monkeypatch.setattr(write_noise_module, "to_float16", fails)
    with pytest.raises(error):
        write(["2.wav", "1.wav"])
    assert left(tmp_path) == ["noise.zarr"]
    [after] = read_noise_store(path, SMALL)
    np.testing.assert_array_equal(after, before[0])
    shutil.rmtree(path)
    calls.clear()
    with pytest.raises(error):
        write(["2.wav", "1.wav"])
    assert left(tmp_path) == []
    monkeypatch.undo()
    assert len(read_noise_store(write(["2.wav", "1.wav"]), SMALL)) == 2
    assert len(read_noise_store(write(["1.wav"]), SMALL)) == 1
    assert left(tmp_path) == ["noise.zarr"]


@pytest.mark.parametrize("damage", ["lost", "cut", "flipped", "flipped in the last", "metadata"])
def test_damage_is_reported_with_a_command_that_repairs_it(write, write_noise, damage):
    write_noise("a.wav", seed=1, seconds=12)
    path = write(["a.wav"])
    chunk = path / "0" / "c.0.0.1"
    content = bytearray(chunk.read_bytes())
    if damage == "lost":
        chunk.unlink()
    elif damage == "cut":
        chunk.write_bytes(content[:-100])
    elif damage.startswith("flipped"):
        if "last" in damage:
            chunk = path / "0" / "c.0.0.2"
            content = bytearray(chunk.read_bytes())
        content[len(content) // 2] ^= 4
        chunk.write_bytes(content)
    else:
        (path / "zarr.json").write_text("{}")
    with pytest.raises(UserError, match=r"is damaged .*`rm -r .*noise\.zarr`"):
        read_noise_store(path, SMALL)


@pytest.mark.parametrize("raised", [MemoryError(), RuntimeError("a bug"), TypeError("a bug")])
def test_what_does_not_prove_damage_is_passed_on(write, write_noise, monkeypatch, raised):
    write_noise("a.wav", seed=1, seconds=4)
    path = write(["a.wav"])
    monkeypatch.setattr(blosc, "decompress", mock.Mock(side_effect=raised))
    with pytest.raises(type(raised)) as fault:
        read_noise_store(path, SMALL)
    assert fault.value is raised


def test_a_store_of_other_settings_or_none(write, write_noise, tmp_path):
    write_noise("a.wav", seed=1, seconds=3)
    path = write(["a.wav"])
    with pytest.raises(UserError, match="other settings"):
        read_noise_store(path, SPARSE)
    with pytest.raises(UserError, match=r"none\.zarr"):
        read_noise_store(tmp_path / "none.zarr", SMALL)


def test_importing_takes_neither_pytorch_nor_pandas():
    scripts = Path(__file__).parents[2] / "workflow" / "scripts"
    command = [
        sys.executable,
        "-c",
        "import spokenwords.spectrograms.noise, sys; print(*sys.modules)",
    ]
    done = subprocess.run(command, cwd=scripts, capture_output=True, text=True, check=True)
    assert {"torch", "pandas", "snakemake"}.isdisjoint(done.stdout.split())


def test_the_part_for_training_is_the_first_half():
    values = np.arange(2 * 3 * 10).reshape(2, 3, 10)
    np.testing.assert_array_equal(training_part(values), values[..., :5])

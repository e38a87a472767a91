"""Reading recordings, against samples and tones whose values are known beforehand."""

import wave

import numpy as np
import pytest
import soundfile

from spokenwords import audio, decoding

RATE = 16000


def tone(frequency, rate, seconds=1.0, amplitude=0.5):
    """float32 [samples] at the given rate (Hz)."""
    time = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def write_wave(path, content, bytes_a_sample=2, channels=1, rate=RATE):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(bytes_a_sample)
        file.setframerate(rate)
        file.writeframes(content)
    return path


def interior(samples, share=0.1):
    """The samples away from the ends, where a filter has all its input."""
    edge = round(len(samples) * share)
    return samples[edge:-edge]


@pytest.mark.parametrize(
    ("bytes_a_sample", "content", "expected"),
    [
        (1, bytes([0, 64, 128, 192, 255]), [-1, -0.5, 0, 0.5, 127 / 128]),
        (
            2,
            np.array([-32768, -16384, 0, 16384, 32767], "<i2").tobytes(),
            [-1, -0.5, 0, 0.5, 32767 / 32768],
        ),
        (
            3,
            bytes.fromhex("0000800000c0000000000040ffff7f"),
            [-1, -0.5, 0, 0.5, 1 - 2**-23],
        ),
    ],
)
def test_integer_samples_are_shares_of_full_scale(tmp_path, bytes_a_sample, content, expected):
    path = write_wave(tmp_path / "a.wav", content, bytes_a_sample)
    samples, rate = decoding.decode(path)
    assert rate == RATE
    assert samples.dtype == np.float32
    assert samples[:, 0].tolist() == expected


@pytest.mark.parametrize(("name", "subtype"), [("a.ogg", "VORBIS"), ("a.opus", "OPUS")])
def test_what_lossy_files_keep(tmp_path, name, subtype):
    """The rate, the length and, all but a thousandth of its energy, a tone."""
    expected = tone(440, RATE)
    soundfile.write(tmp_path / name, expected, RATE, format="OGG", subtype=subtype)
    samples, rate = decoding.decode(tmp_path / name)
    assert (rate, len(samples)) == (RATE, len(expected))
    error = interior(samples[:, 0] - expected)
    assert np.square(error).sum() < 1e-3 * np.square(interior(expected)).sum()


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_floating_point_samples_are_kept(tmp_path, subtype):
    values = np.array([0.0, 0.1, -0.75, 1.0], np.float32)
    soundfile.write(tmp_path / "a.wav", values, RATE, subtype=subtype)
    samples, _ = decoding.decode(tmp_path / "a.wav")
    assert samples[:, 0].tolist() == values.tolist()


@pytest.mark.parametrize(("subtype", "bits"), [("PCM_16", 16), ("PCM_24", 24)])
def test_flac_keeps_integer_samples(tmp_path, subtype, bits):
    highest = 2 ** (bits - 1) - 1
    values = np.array([0, 1, -highest - 1, highest, 12345], np.int32)
    # soundfile takes the upper bits of 32.
    soundfile.write(tmp_path / "a.flac", values << (32 - bits), RATE, subtype=subtype)
    samples, rate = decoding.decode(tmp_path / "a.flac")
    assert rate == RATE
    assert samples[:, 0].tolist() == (values / 2 ** (bits - 1)).tolist()


def test_channels_are_averaged(tmp_path):
    content = np.array([[16384, 8192], [16384, -16384], [0, -8192]], "<i2").tobytes()
    path = write_wave(tmp_path / "a.wav", content, channels=2)
    assert decoding.decode(path)[0].shape == (3, 2)
    assert audio.load(path, RATE, 3).tolist() == [0.375, 0.0, -0.125]


@pytest.mark.parametrize(
    ("length", "expected"),
    [(6, [0.25, -0.5, 0.75, 0, 0, 0]), (3, [0.25, -0.5, 0.75]), (2, [0.25, -0.5])],
)
def test_the_end_is_padded_with_zeros_or_cut(tmp_path, length, expected):
    path = write_wave(tmp_path / "a.wav", np.array([8192, -16384, 24576], "<i2").tobytes())
    samples = audio.load(path, RATE, length)
    assert samples.dtype == np.float32
    assert samples.tolist() == expected


@pytest.mark.parametrize("own_rate", [8000, 11025, 22050, 44100, 48000])
@pytest.mark.parametrize("frequency", [100, 1000, 3000])
def test_a_resampled_tone_is_the_tone_sampled_at_the_new_rate(tmp_path, own_rate, frequency):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(frequency, own_rate), own_rate, subtype="FLOAT")
    samples = audio.load(path, RATE, RATE)
    assert samples.dtype == np.float32
    # Frequency, amplitude and phase are all in this.
    np.testing.assert_allclose(interior(samples), interior(tone(frequency, RATE)), atol=0.005)


@pytest.mark.parametrize("own_rate", [44100, 48000])
@pytest.mark.parametrize("frequency", [10000, 12000, 15900])
def test_tones_that_the_new_rate_cannot_hold_are_removed(own_rate, frequency):
    samples = audio.resample(tone(frequency, own_rate), own_rate, RATE)
    rms = np.sqrt(np.mean(np.square(interior(samples))))
    assert rms < 0.005 * 0.5 / np.sqrt(2)


def test_resampling_happens_before_padding_and_cutting(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.full(4000, 0.5), 8000)
    samples = audio.load(path, RATE, RATE)
    np.testing.assert_allclose(samples[500:7500], 0.5, atol=0.005)
    assert not samples[8000:].any()


@pytest.mark.parametrize("rate", [1000, 8000, 11_025])
def test_a_whole_recording_keeps_its_length_at_any_rate(tmp_path, rate):
    values = tone(100, 8000, seconds=2.5)
    stereo = np.stack([1.5 * values, 0.5 * values], axis=1)
    soundfile.write(tmp_path / "a.wav", stereo, 8000, subtype="FLOAT")
    samples = audio.mono(tmp_path / "a.wav", rate)
    assert samples.dtype == np.float32
    expected = tone(100, rate, seconds=2.5)
    assert abs(len(samples) - len(expected)) <= 1
    length = min(len(samples), len(expected))
    np.testing.assert_allclose(interior(samples[:length]), interior(expected[:length]), atol=0.005)


def plain(path, values):
    soundfile.write(path, values, RATE, format="WAV", subtype="PCM_16")


def extensible(path, values):
    soundfile.write(path, values, RATE, format="WAVEX", subtype="PCM_16")


def big_endian(path, values):
    soundfile.write(path, values, RATE, format="WAV", subtype="PCM_16", endian="BIG")


def truncated(path, values):
    """Within a sample, too."""
    plain(path, values)
    path.write_bytes(path.read_bytes()[:-7])


def with_other_chunks(path, values):
    plain(path, values)
    content = path.read_bytes()
    note = b"note" + (4).to_bytes(4, "little") + b"text"
    start = content.index(b"data")
    path.write_bytes(content[:start] + note + content[start:] + note)


def that_claims_four_gigabytes(path, values):
    plain(path, values)
    content = bytearray(path.read_bytes())
    start = content.index(b"data") + 4
    content[start : start + 4] = (2**32 - 2).to_bytes(4, "little")
    path.write_bytes(content)


def with_a_chunk_beyond_the_length_told(path, values):
    """As programs leave files whose length they never correct."""
    with_other_chunks(path, values)
    content = bytearray(path.read_bytes())
    content[4:8] = (36).to_bytes(4, "little")
    path.write_bytes(content)


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
@pytest.mark.parametrize("rate", [10, 999, 1_000_001, 268_451_456])
def test_rates_that_only_a_damaged_header_has_are_refused(tmp_path, rate, subtype):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), rate, subtype=subtype)
    expected = rf"^no credible sample rate \({rate} Hz\)$"
    for read in (decoding.decode, lambda path: audio.load(path, RATE, RATE)):
        with pytest.raises(decoding.UnreadableRecordingError, match=expected):
            read(tmp_path / "a.wav")


@pytest.mark.parametrize("rate", [1000, 7919, 44_056, 1_000_000])
def test_odd_rates_that_a_recording_may_have_are_kept(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), rate)
    assert decoding.decode(tmp_path / "a.wav")[1] == rate


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    "make",
    [
        *(plain, extensible, big_endian, truncated, with_other_chunks),
        *(that_claims_four_gigabytes, with_a_chunk_beyond_the_length_told),
    ],
)
def test_16_bit_wav_files_are_decoded_as_soundfile_does(tmp_path, make, channels):
    values = np.random.default_rng(1).integers(-32768, 32768, size=(500, channels), dtype=np.int16)
    make(tmp_path / "a.wav", values)
    samples, rate = decoding.decode(tmp_path / "a.wav")
    expected, _ = soundfile.read(tmp_path / "a.wav", dtype="float32", always_2d=True)
    assert rate == RATE
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, expected)
    np.testing.assert_array_equal(samples, values[: len(samples)] / 32768)
    assert len(samples) == {truncated: 500 - -(-7 // (2 * channels))}.get(make, 500)


def text(path):
    path.write_text("not a recording")


def empty(path):
    path.touch()


def header_only(path):
    write_wave(path, b"")


def cut_header(path):
    content = write_wave(path, bytes(100)).read_bytes()
    path.write_bytes(content[:20])


def rate_of_zero(path):
    content = bytearray(write_wave(path, bytes(100)).read_bytes())
    content[24:28] = bytes(4)
    path.write_bytes(content)


def two_thousand_channels(path):
    write_wave(path, bytes(8000), channels=2000)


def samples_of_nan(path):
    soundfile.write(path, np.array([0.0, np.nan, 0.0]), RATE, subtype="FLOAT")


def infinite_samples(path):
    soundfile.write(path, np.array([0.0, np.inf, 0.0]), RATE, subtype="FLOAT")


def folder(path):
    path.mkdir()


def missing(path):
    pass


def link_to_nowhere(path):
    path.symlink_to("nowhere")


@pytest.mark.parametrize(
    "make",
    [
        *(text, empty, header_only, cut_header, samples_of_nan, infinite_samples, folder, missing),
        *(rate_of_zero, two_thousand_channels),
        link_to_nowhere,
    ],
)
def test_what_cannot_be_decoded_is_unreadable_for_a_reason(tmp_path, make):
    path = tmp_path / "a.wav"
    make(path)
    with pytest.raises(decoding.UnreadableRecordingError) as error:
        decoding.decode(path)
    reason = str(error.value)
    assert reason.strip()
    # It becomes a cell of a table and part of a sentence.
    assert "\n" not in reason
    assert not reason.endswith(".")
    assert str(tmp_path) not in reason
    with pytest.raises(decoding.UnreadableRecordingError):
        audio.load(path, RATE, RATE)

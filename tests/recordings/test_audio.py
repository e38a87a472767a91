"""Loading recordings: samples and tones with known values."""

import wave

import numpy as np
import pytest
import soundfile

from spokenwords.recordings import audio, decoding

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
    assert audio.load(path, RATE, 3, "loudest").tolist() == [0.375, 0.0, -0.125]


@pytest.mark.parametrize(
    ("length", "expected"),
    [(6, [0.25, -0.5, 0.75, 0, 0, 0]), (3, [0.25, -0.5, 0.75]), (2, [0.25, -0.5])],
)
def test_the_end_is_padded_with_zeros_or_cut(tmp_path, length, expected):
    path = write_wave(tmp_path / "a.wav", np.array([8192, -16384, 24576], "<i2").tobytes())
    samples = audio.load(path, RATE, length, "start")
    assert samples.dtype == np.float32
    assert samples.tolist() == expected


def word(seconds=0.4, amplitude=0.1):
    """A sound that swells and fades; float32 [samples]."""
    return tone(440, RATE, seconds, amplitude) * np.hanning(round(seconds * RATE))


def at(onset, sound, seconds=3.0, noise=0.001, seed=0):
    """`sound` from `onset` (s) on in `seconds` of noise; float32 [samples]."""
    samples = np.random.default_rng(seed).normal(scale=noise, size=round(seconds * RATE))
    first = round(onset * RATE)
    samples[first : first + len(sound)] += sound
    return samples.astype(np.float32)


def start_of(samples, length=RATE):
    """Where the loudest window begins, s."""
    part = audio.excerpt(samples, length, "loudest")
    assert part.stop - part.start == length
    assert 0 <= part.start <= len(samples) - length
    return part.start / RATE


# A tenth of the word's amplitude makes it worse near the ends, where windows contain less noise.
@pytest.mark.parametrize(("noise", "tolerance"), [(0, 0.03), (0.001, 0.03), (0.01, 0.16)])
@pytest.mark.parametrize(
    ("onset", "start"),
    # A word of 0.4 s has 0.3 s before and after it, if the recording is long enough.
    [(0.0, 0.0), (0.1, 0.0), (0.3, 0.0), (0.7, 0.4), (1.5, 1.2), (2.3, 2.0), (2.6, 2.0)],
)
def test_a_word_is_in_the_middle_of_the_loudest_window(onset, start, noise, tolerance):
    samples = at(onset, word(), noise=noise)
    assert start_of(samples) == pytest.approx(start, abs=tolerance)


def test_all_of_a_word_at_an_end_is_in_the_loudest_window():
    for onset in np.linspace(0, 2.6, 27):
        samples = at(onset, word(), noise=0)
        part = audio.excerpt(samples, RATE, "loudest")
        inside = np.square(samples[part], dtype=float).sum()
        assert inside >= 0.99 * np.square(samples, dtype=float).sum()


def test_an_offset_does_not_count():
    samples = at(1.5, word(amplitude=0.02))
    for offset in (0.5, -0.9):
        assert start_of(samples + np.float32(offset)) == pytest.approx(start_of(samples), abs=0.001)


@pytest.mark.parametrize("click", [0.0, 0.01, 0.04, 2.94])
def test_a_click_does_not_count(click):
    """One of 10 ms, with a hundred times the energy of the word."""
    samples = at(1.4, word(amplitude=0.01), noise=0.0001)
    first = round(click * RATE)
    samples[first : first + 160] += np.tile(np.float32([0.9, -0.9]), 80)
    assert start_of(samples) == pytest.approx(1.1, abs=0.05)


def test_where_there_is_only_a_click_it_counts():
    samples = np.zeros(3 * RATE, np.float32)
    samples[40_000] = 0.5
    assert start_of(samples) <= 2.5 <= start_of(samples) + 1


def test_of_words_as_loud_the_first_counts():
    samples = at(0.5, word(), noise=0) + at(2.2, -word(), noise=0)
    assert start_of(samples) == pytest.approx(0.2, abs=0.05)
    samples = at(0.5, word(amplitude=0.09), noise=0) + at(2.2, word(), noise=0)
    assert start_of(samples) == pytest.approx(1.9, abs=0.05)


@pytest.mark.parametrize("samples", [np.zeros(40_000), np.full(40_000, 0.3), np.ones(16_001)])
def test_silence_has_a_window_too(samples):
    start_of(samples.astype(np.float32))


@pytest.mark.parametrize("window", ["loudest", "start"])
@pytest.mark.parametrize("length", [1, 100, RATE - 1, RATE])
def test_recordings_up_to_the_windows_length_are_as_they_are(tmp_path, window, length):
    values = np.random.default_rng(1).integers(-32768, 32768, length, dtype=np.int16)
    path = write_wave(tmp_path / "a.wav", values.tobytes())
    samples = audio.load(path, RATE, RATE, window)
    np.testing.assert_array_equal(samples[:length], values / np.float32(32768))
    assert not samples[length:].any()


def test_the_window_is_chosen_at_the_models_rate(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, at(1.5, word())[::2], RATE // 2, subtype="FLOAT")
    samples = audio.load(path, RATE, RATE, "loudest")
    energy = np.square(samples, dtype=float)
    assert np.average(np.arange(RATE), weights=energy) == pytest.approx(RATE / 2, abs=800)
    assert energy.sum() == pytest.approx(np.square(word(), dtype=float).sum(), rel=0.02)
    assert np.abs(audio.load(path, RATE, RATE, "start")).max() < 0.01


def mixed(*channels):
    return audio.mix_down(np.stack(channels, axis=1).astype(np.float32))


@pytest.mark.parametrize("offset", [0, 0.5])
def test_the_louder_of_channels_that_cancel_is_taken(offset):
    """Whatever offset they share."""
    noise = np.random.default_rng(1).normal(scale=0.1, size=(3, 8000)).astype(np.float32)
    left, right, other = noise
    for gain in (1.4, 1.1):
        louder = offset - gain * left
        np.testing.assert_array_equal(mixed(left + offset, louder), louder.astype(np.float32))
        np.testing.assert_array_equal(mixed(louder, left + offset), louder.astype(np.float32))
    np.testing.assert_array_equal(mixed(left, -left), left)
    np.testing.assert_array_equal(mixed(left, -left, right, -1.1 * right), -np.float32(1.1) * right)
    # Uncorrelated channels, one that is silent, one that is half as loud: none of them cancels.
    for kept in ((left, right), (left, 0 * left), (left, -left / 2), (left, left), (left, other)):
        np.testing.assert_array_equal(mixed(*kept), np.mean(kept, axis=0))
    assert not audio.cancel(np.zeros((100, 2), np.float32))
    assert not audio.cancel(np.full((100, 2), 0.5, np.float32))


def test_one_sounding_channel_of_many_does_not_cancel():
    channels = np.zeros((8000, 6), np.float32)
    channels[:, 2] = tone(440, RATE, 0.5)
    assert not audio.cancel(channels)
    np.testing.assert_allclose(audio.mix_down(channels), channels[:, 2] / 6, atol=1e-7)


@pytest.mark.parametrize("own_rate", [8000, 11025, 22050, 44100, 48000])
@pytest.mark.parametrize("frequency", [100, 1000, 3000])
def test_a_resampled_tone_is_the_tone_sampled_at_the_new_rate(tmp_path, own_rate, frequency):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(frequency, own_rate), own_rate, subtype="FLOAT")
    samples = audio.load(path, RATE, RATE, "loudest")
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
    samples = audio.load(path, RATE, RATE, "loudest")
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


def with_a_chunk_beyond_the_length_in_the_header(path, values):
    """As programs leave files whose length they never correct."""
    with_other_chunks(path, values)
    content = bytearray(path.read_bytes())
    content[4:8] = (36).to_bytes(4, "little")
    path.write_bytes(content)


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
@pytest.mark.parametrize("rate", [10, 999, 1_000_001, 268_451_456])
def test_rates_that_only_a_damaged_header_has_are_refused(tmp_path, rate, subtype):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), rate, subtype=subtype)
    expected = rf"^implausible sample rate \({rate} Hz\)$"
    for read in (decoding.decode, lambda path: audio.load(path, RATE, RATE, "loudest")):
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
        *(that_claims_four_gigabytes, with_a_chunk_beyond_the_length_in_the_header),
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
        audio.load(path, RATE, RATE, "loudest")

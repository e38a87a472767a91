"""Acoustic properties of signals with known properties."""

import numpy as np
import pandas as pd
import pytest
from scipy.io import wavfile

from spokenwords.errors import UserError
from spokenwords.recordings import acoustics

RATE = 16_000
POWER = 0.01  # of a voice, −20 dB


def silence(seconds=1.0):
    return np.zeros(round(seconds * RATE))


def noise(power, seconds=1.0, seed=0):
    return np.sqrt(power) * np.random.default_rng(seed).normal(size=round(seconds * RATE))


def tone(seconds, frequency, power=POWER):
    return np.sqrt(2 * power) * np.sin(2 * np.pi * frequency * np.arange(seconds * RATE) / RATE)


def voice(seconds, pitch=120, power=POWER):
    """All harmonics of a pitch up to 4 kHz, equally strong."""
    harmonics = np.arange(pitch, 4000, pitch)
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, len(harmonics))
    time = np.arange(round(seconds * RATE)) / RATE
    waves = np.sin(2 * np.pi * harmonics * time[:, None] + angles)
    return waves.sum(axis=1) * np.sqrt(2 * power / len(harmonics))


def hiss(seconds, power=POWER):
    """Noise above 4 kHz."""
    spectrum = np.fft.rfft(noise(1, seconds))
    spectrum[: len(spectrum) // 2] = 0
    samples = np.fft.irfft(spectrum, round(seconds * RATE))
    return samples * np.sqrt(power / np.mean(samples**2))


def at(onset, sound, background):
    """`sound` from `onset` (s) on, added to `background`."""
    mixed, first = background.copy(), round(onset * RATE)
    mixed[first : first + len(sound)] += sound[: len(mixed) - first]
    return mixed


def measured(samples, rate=RATE):
    return acoustics.of_samples(samples.astype(np.float32), rate)


def of_recording(path, seconds=1.0, window="loudest"):
    return acoustics.of_recording(path, RATE, seconds, window)


def write(path, samples, rate=RATE):
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, rate, np.clip(np.rint(32_768 * samples), -32_768, 32_767).astype(np.int16))


def same(one, other, **tolerances):
    for name, tolerance in tolerances.items():
        assert one[name] == pytest.approx(other[name], abs=tolerance), name


@pytest.mark.parametrize("snr", [5, 10, 20, 30, 40])
def test_signal_to_noise_ratio(snr):
    samples = at(0.3, voice(0.4), noise(POWER / 10 ** (snr / 10)))
    assert measured(samples)["snr_db"] == pytest.approx(snr, abs=1)


def test_signal_to_noise_ratio_is_limited_by_the_rounding_to_16_bits():
    # A voice of −20 dB is 81 dB above rounding noise of −101 dB.
    assert measured(at(0.3, voice(0.4), silence()))["snr_db"] == pytest.approx(81, abs=1)


@pytest.mark.parametrize("power", [1e-6, 1e-4, 0.1])
def test_loudness(power):
    samples = at(0.3, voice(0.4, power=power), noise(power / 1e5))
    assert measured(samples)["level_dbfs"] == pytest.approx(10 * np.log10(power), abs=1)


def test_a_sine_of_full_scale_has_3_db_less_than_full_scale():
    samples = at(0.2, tone(0.6, 440, power=0.5), silence())
    assert measured(samples)["level_dbfs"] == pytest.approx(-3.01, abs=0.5)


@pytest.mark.parametrize("onset", [0.1, 0.303, 0.5])
@pytest.mark.parametrize("snr", [10, 40, 80])
def test_onset(onset, snr):
    samples = at(onset, voice(0.3), noise(POWER / 10 ** (snr / 10)))
    found = measured(samples)
    assert found["onset_seconds"] == pytest.approx(onset, abs=0.02)
    assert (found["cut_at_start"], found["cut_at_end"]) == (False, False)


@pytest.mark.parametrize("pitch", [80, 120, 250, 500])
def test_voiced_duration(pitch):
    samples = at(0.3, voice(0.4, pitch), noise(POWER / 1e4))
    assert measured(samples)["voiced_seconds"] == pytest.approx(0.4, abs=0.04)


def test_noise_has_no_voice():
    found = measured(at(0.3, noise(POWER, 0.4, seed=1), noise(POWER / 1e4)))
    assert found["onset_seconds"] == pytest.approx(0.3, abs=0.02)
    assert found["voiced_seconds"] == 0


@pytest.mark.parametrize(("share", "voiced"), [(0.3, 0), (0.65, 0.4)])
def test_voiced_is_what_is_periodic_for_more_than_045_of_its_power(share, voiced):
    # Boersma 1993: the autocorrelation's peak is the periodic share of the power.
    mixed = voice(0.4, power=share * POWER) + noise((1 - share) * POWER, 0.4)
    found = measured(at(0.3, mixed, noise(POWER / 1e5, seed=1)))
    assert found["voiced_seconds"] == pytest.approx(voiced, abs=0.05)


def test_a_hiss_before_a_vowel_is_part_of_the_word_but_not_voiced():
    sound = np.concatenate([hiss(0.1, POWER / 10), silence(0.05), voice(0.3)])
    found = measured(at(0.2, sound, noise(POWER / 1e4)))
    assert found["onset_seconds"] == pytest.approx(0.2, abs=0.02)
    assert found["voiced_seconds"] == pytest.approx(0.3, abs=0.04)


def test_a_hiss_is_heard_over_a_louder_hum():
    sound = np.concatenate([hiss(0.1, POWER / 100), voice(0.3)])
    found = measured(at(0.3, sound, tone(1, 100, POWER / 10) + noise(POWER / 1e5)))
    assert found["onset_seconds"] == pytest.approx(0.3, abs=0.02)


def test_rumble_is_not_heard():
    samples = at(0.3, voice(0.4), noise(POWER / 1e4))
    shaken = samples + tone(1, 15) + 0.05
    same(measured(shaken), measured(samples), level_dbfs=0.1, snr_db=1.5, onset_seconds=0.01)


def test_an_offset_is_not_heard():
    samples = at(0.15, voice(0.4, power=1e-5), noise(1e-9))
    same(measured(samples + 0.5), measured(samples), level_dbfs=0.01, onset_seconds=0.001)


def test_moments_of_silence_do_not_hide_the_noise():
    samples = at(0.4, voice(0.4), noise(POWER / 1e2))
    samples[:1200] = 0
    assert measured(samples)["snr_db"] == pytest.approx(20, abs=1)


def test_centroid_and_bandwidth_of_a_sine():
    # The spread is the window's: that of a Hann window of T seconds is 1 / (√3 T).
    fade = np.hanning(0.6 * RATE)
    found = measured(at(0.2, fade * tone(0.6, 1000), silence()))
    assert found["centroid_hz"] == pytest.approx(1000, abs=1)
    assert found["bandwidth_hz"] == pytest.approx(1 / (np.sqrt(3) * 0.04), rel=0.05)


def test_centroid_and_bandwidth_of_two_sines():
    # Three quarters of the power at 500 Hz, one at 2,500 Hz.
    fade = np.hanning(0.6 * RATE)
    sound = fade * (tone(0.6, 500, 0.75 * POWER) + tone(0.6, 2500, 0.25 * POWER))
    found = measured(at(0.2, sound, silence()))
    assert found["centroid_hz"] == pytest.approx(0.75 * 500 + 0.25 * 2500, abs=5)
    assert found["bandwidth_hz"] == pytest.approx(np.sqrt(0.75 * 0.25) * 2000, abs=5)


@pytest.mark.parametrize(
    ("onset", "seconds", "start", "end"),
    [
        (0, 0.5, True, False),
        (0.5, 0.5, False, True),
        (0, 0.85, True, False),
        (0.07, 0.84, False, False),
    ],
)
def test_speech_that_is_cut_off(onset, seconds, start, end):
    found = measured(at(onset, voice(seconds), noise(POWER / 1e3)))
    assert (found["cut_at_start"], found["cut_at_end"]) == (start, end)
    assert (found["onset_seconds"] == 0) == start


def test_clicks_are_no_part_of_the_word():
    samples = at(0.5, voice(0.35), noise(POWER / 1e4))
    samples[[6400, 15_680]] = 0.9, -0.9
    found = measured(samples)
    assert found["onset_seconds"] == pytest.approx(0.5, abs=0.02)
    assert not found["cut_at_end"]


@pytest.mark.parametrize(("pause", "onset"), [(0.1, 0.1), (0.3, 0.5)])
def test_what_is_far_from_the_loudest_utterance_is_not_the_word(pause, onset):
    sound = np.concatenate([voice(0.1, power=POWER / 4), silence(pause), voice(0.3)])
    found = measured(at(0.1, sound, noise(POWER / 1e4)))
    assert found["onset_seconds"] == pytest.approx(onset, abs=0.02)


@pytest.mark.parametrize(
    "samples",
    [
        *(silence(), silence(0.01), np.full(RATE, 0.3), noise(1e-9), np.array([0.5])),
        *(noise(1e-3, seed=seed) for seed in range(10)),
    ],
    ids=["zeros", "less than a frame", "constant", "last bits", "one sample", *["noise"] * 10],
)
def test_where_no_word_stands_out_nothing_is_known(samples):
    found = measured(samples)
    assert list(found) == acoustics.ESTIMATES
    assert np.isnan(list(found.values())).all()


@pytest.mark.parametrize("rate", [1000, 8000, 48_000])
def test_any_sample_rate_will_do(rate):
    time = np.arange(rate) / rate
    samples = np.where((time > 0.3) & (time < 0.7), np.sin(2 * np.pi * 200 * time), 0)
    found = measured(0.1 * samples, rate)
    assert found["level_dbfs"] == pytest.approx(-23, abs=0.5)
    assert found["onset_seconds"] == pytest.approx(0.3, abs=0.02)
    assert found["voiced_seconds"] == pytest.approx(0.4, abs=0.05)
    assert found["centroid_hz"] == pytest.approx(200, abs=15)


def test_files_of_another_rate_and_more_channels(tmp_path):
    left, right = at(0.3, voice(0.4), silence()), at(0.3, voice(0.4), noise(POWER / 1e3))
    write(tmp_path / "stereo.wav", np.stack([left, right], axis=1))
    write(tmp_path / "mono.wav", (left + right) / 2)
    write(tmp_path / "slow.wav", ((left + right) / 2)[::2], RATE // 2)
    mono = of_recording(tmp_path / "mono.wav")
    stereo = of_recording(tmp_path / "stereo.wav")
    close = dict.fromkeys(["level_dbfs", "snr_db", "centroid_hz", "onset_seconds"], 0.1)
    same(stereo, mono, **close)
    # The voice has nothing above 4 kHz, where half the noise is.
    slow = of_recording(tmp_path / "slow.wav")
    same(slow, mono, level_dbfs=0.3, onset_seconds=0.011, voiced_seconds=0.03)


def test_the_padding_of_a_short_recording_is_not_measured(tmp_path):
    write(tmp_path / "short.wav", at(0.2, voice(0.3), noise(POWER / 1e3, 0.5)))
    found = of_recording(tmp_path / "short.wav")
    assert found["cut_at_end"] is True
    assert found["snr_db"] == pytest.approx(30, abs=1.5)


def test_what_is_beyond_the_networks_window_is_not_measured(tmp_path):
    samples = at(0.8, voice(0.5), noise(POWER / 1e3, 2))
    samples[[10, 20, 30, 20_000]] = 1, -1, 32_767 / 32_768, 1
    write(tmp_path / "long.wav", samples)
    found = of_recording(tmp_path / "long.wav", window="start")
    assert found["cut_at_end"] is True
    assert found["clipped_samples"] == 3
    # The loudest second has the word in its middle.
    found = of_recording(tmp_path / "long.wav")
    assert found["cut_at_end"] is False
    assert found["onset_seconds"] == pytest.approx(0.25, abs=0.03)
    assert found["clipped_samples"] == 1
    assert of_recording(tmp_path / "long.wav", 2.0)["cut_at_end"] is False


def test_clipped_samples_are_those_of_the_window_at_the_files_rate(tmp_path):
    samples = at(0.8, voice(0.5), noise(POWER / 1e3, 2))[::2]
    samples[[4320, 4480, 12_320, 12_480]] = 1  # at 0.54, 0.56, 1.54 and 1.56 s
    write(tmp_path / "long.wav", samples, RATE // 2)
    assert of_recording(tmp_path / "long.wav")["clipped_samples"] == 2


def test_clipped_samples_are_the_files_own(tmp_path):
    samples = np.zeros((8000, 2))
    samples[[100, 101, 102], 0] = 1, -1, 32_766 / 32_768
    samples[200, 1] = 1
    write(tmp_path / "clipped.wav", samples, 8000)
    assert of_recording(tmp_path / "clipped.wav")["clipped_samples"] == 3


def manifests():
    test = pd.DataFrame(
        {"file": ["NA/001_nohash_0.wav", "NA/NA_nohash_0.wav", "NA/new.wav"]}
    ).assign(speaker=["001", "NA", "NA/new.wav"])
    train = pd.DataFrame({"speaker": ["001", "NA", "001", "1"]}).assign(file="NA/x.wav")
    return test, train


def test_the_table_and_its_file(tmp_path):
    test, train = manifests()
    for file, samples in zip(
        test["file"],
        [at(0.3, voice(0.4), silence()), at(0.6, voice(0.4), silence()), silence()],
        strict=True,
    ):
        write(tmp_path / file, samples)
    table = acoustics.table(test, train, tmp_path, RATE, 1.0, "loudest")
    table.to_csv(tmp_path / "properties.csv", index=False, float_format="%.6g")
    read = acoustics.read(tmp_path / "properties.csv")
    for one in (table, read):
        assert list(one.columns) == acoustics.COLUMNS
        assert list(one["file"]) == list(test["file"])
        # The third has no speaker.
        assert list(one["recordings_of_speaker_in_training"]) == [2, 1, pd.NA]
        assert list(one["cut_at_end"][:2]) == [False, True]
        assert list(one[acoustics.ESTIMATES].isna().any(axis=1)) == [False, False, True]
        assert one["clipped_samples"].sum() == 0
    pd.testing.assert_frame_equal(read, table, rtol=1e-5)


def test_a_recording_that_is_gone_is_reported(tmp_path):
    with pytest.raises(UserError, match="001_nohash_0"):
        acoustics.table(*manifests(), tmp_path, RATE, 1.0, "loudest")

"""Representations, compared with torchaudio, NumPy and the time domain."""

import numpy as np
import pytest
import torch
import torchaudio
from scipy.signal import get_window

from spokenwords.config import input_sizes
from spokenwords.model.representation import REPRESENTATIONS, make_representation
from spokenwords.spectrograms.rounding import to_float16
from spokenwords.spectrograms.stft import STFT

PUBLISHED = STFT(16_000, 512, window_seconds=0.03, stride_seconds=0.01, normalized=True)
COARSE = STFT(8_000, 1_024, window_seconds=0.1, stride_seconds=0.02, normalized=True)
ODD = STFT(8_000, 401, window_seconds=0.05, stride_seconds=0.02, normalized=True)
FLOOR = 1e-6
# Of 128 mel bands, some are narrower than a bin of 512 samples.
narrow_bands = pytest.mark.filterwarnings("ignore:At least one mel filterbank")


@pytest.fixture(params=[PUBLISHED, COARSE], ids=str)
def transform(request):
    return request.param


@pytest.fixture
def waveforms(transform):
    return 0.1 * torch.randn(3, transform.sample_rate, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def spectrograms(transform, waveforms):
    return torch.from_numpy(transform.complex_spectrogram(waveforms.numpy()))


def arguments(transform):
    return {
        "n_fft": transform.n_fft,
        "win_length": transform.window_length,
        "hop_length": transform.hop_length,
        "normalized": True,
    }


def test_complex_keeps_real_and_imaginary_part(transform, spectrograms):
    representation = make_representation("complex", transform)
    assert representation.channels == 2
    torch.testing.assert_close(representation(spectrograms), spectrograms, rtol=0, atol=0)


@pytest.mark.parametrize(("name", "exponent"), [("power", 2), ("magnitude", 1), ("sqrt", 0.5)])
def test_powers_of_the_magnitude(transform, waveforms, spectrograms, name, exponent):
    representation = make_representation(name, transform)
    assert representation.channels == 1
    actual = representation(spectrograms)
    expected = torchaudio.transforms.Spectrogram(**arguments(transform), power=exponent)(waveforms)
    torch.testing.assert_close(actual, expected[:, None], rtol=1e-4, atol=1e-4)
    real, imaginary = np.moveaxis(spectrograms.numpy().astype(float), 1, 0)
    np.testing.assert_allclose(actual[:, 0], np.hypot(real, imaginary) ** exponent, rtol=1e-5)


def mel_spectrogram(transform, waveforms, bands):
    """[recording, 1, band, frame], by torchaudio."""
    mel = torchaudio.transforms.MelSpectrogram(
        transform.sample_rate, **arguments(transform), n_mels=bands
    )
    return mel(waveforms)[:, None]


@narrow_bands
def test_mel(transform, waveforms, spectrograms):
    representation = make_representation("mel", transform)
    assert representation.channels == 1
    actual = representation(spectrograms)
    assert actual.shape == (3, 1, 128, spectrograms.shape[-1])
    expected = mel_spectrogram(transform, waveforms, 128)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-6)


def test_log(transform, waveforms, spectrograms):
    representation = make_representation("log", transform)
    assert representation.channels == 1
    actual = representation(spectrograms)
    power = torchaudio.transforms.Spectrogram(**arguments(transform), power=2)(waveforms)
    torch.testing.assert_close(actual, (power[:, None] + FLOOR).log(), rtol=0, atol=1e-3)
    real, imaginary = np.moveaxis(spectrograms.numpy().astype(float), 1, 0)
    expected = np.log(real**2 + imaginary**2 + FLOOR)
    np.testing.assert_allclose(actual[:, 0], expected, rtol=0, atol=1e-5)


@narrow_bands
def test_log_mel(transform, waveforms, spectrograms):
    representation = make_representation("log_mel", transform)
    assert representation.channels == 1
    actual = representation(spectrograms)
    assert actual.shape == (3, 1, 40, spectrograms.shape[-1])
    expected = (mel_spectrogram(transform, waveforms, 40) + FLOOR).log()
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", ["log", "log_mel"])
def test_noise_of_rounding_does_not_show_in_logarithms(name):
    """Of a recording to 16 bits, and of a store to multiples of 2^-16."""
    representation = make_representation(name, PUBLISHED)
    rounded_away = np.random.default_rng(1).uniform(-0.5, 0.5, (8, 16_000)) / 32_768
    noise = PUBLISHED.complex_spectrogram(rounded_away.astype(np.float32))
    stored = torch.from_numpy(to_float16(np.ascontiguousarray(noise), rounding=16))
    assert stored.count_nonzero() > stored.numel() / 10
    silence = torch.full_like(representation(stored), np.log(FLOOR))
    torch.testing.assert_close(representation(stored), silence, rtol=0, atol=0.01)
    torch.testing.assert_close(representation(0 * stored), silence)


def test_constant_offset_stays_out_of_log_mel():
    """Its bin belongs to no band."""
    spectrograms = torch.zeros(1, 2, 257, 3)
    spectrograms[:, 0, 0] = 10
    silence = torch.full((1, 1, 40, 3), np.log(FLOOR))
    torch.testing.assert_close(make_representation("log_mel", PUBLISHED)(spectrograms), silence)


def compressed(real, imaginary):
    """Square-rooted magnitudes, phases kept, by NumPy's complex numbers."""
    numbers = real.astype(complex) + 1j * imaginary
    return np.sqrt(np.abs(numbers)) * np.exp(1j * np.angle(numbers))


def test_compressed(transform, spectrograms):
    representation = make_representation("compressed", transform)
    assert representation.channels == 2
    spectrograms[0, :, 5] = 0
    actual = representation(spectrograms).numpy()
    assert (actual[0, :, 5] == 0).all()
    expected = compressed(*np.moveaxis(spectrograms.numpy(), 1, 0))
    np.testing.assert_allclose(actual[:, 0], expected.real, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(actual[:, 1], expected.imag, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # By hand: 9 of the direction of 3 and 4 fifths, 25 on an axis, and the ends of float16.
        ((3 * 16.2, 4 * 16.2), (9 * 0.6, 9 * 0.8)),
        ((0, -25), (0, -5)),
        ((0, 0), (0, 0)),
        ((2**-24, 0), (2**-12, 0)),
        ((-65_504, 0), (-(65_504**0.5), 0)),
    ],
)
def test_compressed_numbers(value, expected):
    stored = torch.tensor(value).reshape(1, 2, 1, 1).half()
    actual = make_representation("compressed", PUBLISHED)(stored).flatten()
    torch.testing.assert_close(actual, torch.tensor(expected).float(), rtol=1e-3, atol=0)


def mel_bank(transform, bands=40):
    """[band, frequency], by torchaudio."""
    scale = torchaudio.transforms.MelScale(
        bands, transform.sample_rate, n_stft=transform.n_fft // 2 + 1
    )
    return scale.fb.numpy().astype(float).T


@narrow_bands
def test_log_mel_complex(transform, spectrograms):
    representation = make_representation("log_mel_complex", transform)
    assert representation.channels == 3
    actual = representation(spectrograms)
    assert actual.shape == (3, 3, 40, spectrograms.shape[-1])
    log_mel = make_representation("log_mel", transform)(spectrograms)
    torch.testing.assert_close(actual[:, :1], log_mel, rtol=0, atol=0)
    numbers = compressed(*np.moveaxis(spectrograms.numpy(), 1, 0))
    numbers[:, 1::2] *= -1
    expected = mel_bank(transform) @ numbers
    np.testing.assert_allclose(actual[:, 1], expected.real, rtol=0, atol=1e-4)
    np.testing.assert_allclose(actual[:, 2], expected.imag, rtol=0, atol=1e-4)


@narrow_bands
@pytest.mark.parametrize("transform", [PUBLISHED, COARSE, ODD], ids=str, indirect=True)
def test_filtered_bands_are_band_pass_filters_around_the_middle_of_a_frame(
    transform, waveforms, spectrograms
):
    """Compared with correlations of windowed frames and filters in the time domain."""
    actual = make_representation("log_mel_complex", transform).filtered(spectrograms).numpy()
    size, length, bank = transform.n_fft, transform.window_length, mel_bank(transform)
    before = (size - length) // 2
    window = np.pad(get_window("hann", length), (before, size - length - before))
    window /= np.linalg.norm(window)
    from_middle = np.arange(size) - size / 2  # samples
    filters = bank @ np.exp(-2j * np.pi * np.outer(np.arange(bank.shape[1]), from_middle) / size)
    padded = np.pad(waveforms.numpy().astype(float), ((0, 0), (size // 2, size // 2)), "reflect")
    for frame in (0, 7, actual.shape[-1] - 1):
        first = frame * transform.hop_length
        expected = (padded[:, first : first + size] * window) @ filters.T
        np.testing.assert_allclose(actual[:, 0, :, frame], expected.real, rtol=0, atol=1e-4)
        np.testing.assert_allclose(actual[:, 1, :, frame], expected.imag, rtol=0, atol=1e-4)
    # Each filter is strongest in the middle, where its frequencies are in phase.
    strengths = np.abs(filters)
    np.testing.assert_allclose(strengths[:, size // 2], strengths.max(axis=1), rtol=0.01)


@narrow_bands
def test_phases_of_log_mel_complex_are_a_tones_at_the_middle_of_a_frame(transform):
    """Of cos(2πft + 1), a band around f has the phase 2πft + 1, t being the frame's time."""
    rate, frequency = transform.sample_rate, 2_345.6
    seconds = np.arange(rate) / rate
    tone = np.cos(2 * np.pi * frequency * seconds + 1)
    spectrogram = transform.complex_spectrogram(tone[None].astype(np.float32))
    image = make_representation("log_mel_complex", transform)(torch.from_numpy(spectrogram))[0]
    band = image[0].mean(dim=1).argmax()
    phases = torch.atan2(image[2, band], image[1, band]).numpy()
    expected = 2 * np.pi * frequency * transform.time(rate) + 1
    away = np.angle(np.exp(1j * (phases - expected)))[10:-10]  # where no edge is reflected
    assert np.abs(away).max() < 0.05


@narrow_bands
@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_stored_precision(transform, spectrograms, name):
    """Stored values are float16; all arithmetic on them is single precision."""
    representation = make_representation(name, transform)
    stored = spectrograms.half()
    actual = representation(stored)
    assert actual.dtype == torch.float32
    torch.testing.assert_close(actual, representation(stored.float()), rtol=0, atol=0)
    # Squares of these would be infinite in float16.
    assert representation(torch.full_like(stored, 1_000)).isfinite().all()
    assert representation(torch.zeros_like(stored)).isfinite().all()


@narrow_bands
@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_size_of_images_is_known_in_advance(transform, spectrograms, name):
    representation = make_representation(name, transform)
    assert representation.name == name
    channels, rows = representation(spectrograms).shape[1:3]
    assert representation.channels == channels
    assert input_sizes.rows(name, transform.n_fft) == rows


@narrow_bands
@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_constants_are_not_saved_with_the_weights(name):
    assert not make_representation(name, PUBLISHED).state_dict()


def test_unknown_name():
    with pytest.raises(ValueError, match="cepstrum"):
        make_representation("cepstrum", PUBLISHED)

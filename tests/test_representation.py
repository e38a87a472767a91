"""What the network sees, against torchaudio and NumPy."""

import numpy as np
import pytest
import torch
import torchaudio

from spokenwords.representation import NAMES, Representation
from spokenwords.stft import STFT

PUBLISHED = STFT(16_000, 512, window_seconds=0.03, stride_seconds=0.01, normalized=True)
COARSE = STFT(8_000, 1_024, window_seconds=0.1, stride_seconds=0.02, normalized=True)
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
    representation = Representation("complex", transform)
    assert representation.channels == 2
    torch.testing.assert_close(representation(spectrograms), spectrograms, rtol=0, atol=0)


@pytest.mark.parametrize(("name", "exponent"), [("power", 2), ("magnitude", 1), ("sqrt", 0.5)])
def test_powers_of_the_magnitude(transform, waveforms, spectrograms, name, exponent):
    representation = Representation(name, transform)
    assert representation.channels == 1
    actual = representation(spectrograms)
    expected = torchaudio.transforms.Spectrogram(**arguments(transform), power=exponent)(waveforms)
    torch.testing.assert_close(actual, expected[:, None], rtol=1e-4, atol=1e-4)
    real, imaginary = np.moveaxis(spectrograms.numpy().astype(float), 1, 0)
    np.testing.assert_allclose(actual[:, 0], np.hypot(real, imaginary) ** exponent, rtol=1e-5)


@narrow_bands
def test_mel(transform, waveforms, spectrograms):
    representation = Representation("mel", transform)
    assert representation.channels == 1
    actual = representation(spectrograms)
    expected = torchaudio.transforms.MelSpectrogram(
        transform.sample_rate, **arguments(transform), n_mels=128
    )(waveforms)
    assert actual.shape == (3, 1, 128, spectrograms.shape[-1])
    torch.testing.assert_close(actual, expected[:, None], rtol=1e-4, atol=1e-6)


@narrow_bands
@pytest.mark.parametrize("name", NAMES)
def test_stored_precision(transform, spectrograms, name):
    """Stored values are float16; all arithmetic on them is single precision."""
    representation = Representation(name, transform)
    stored = spectrograms.half()
    actual = representation(stored)
    assert actual.dtype == torch.float32
    torch.testing.assert_close(actual, representation(stored.float()), rtol=0, atol=0)
    # Squares of these would be infinite in float16.
    assert representation(torch.full_like(stored, 1_000)).isfinite().all()


@narrow_bands
@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_it_is_saved_with_the_weights(name):
    assert not Representation(name, PUBLISHED).state_dict()


def test_unknown_name():
    with pytest.raises(ValueError, match="cepstrum"):
        Representation("cepstrum", PUBLISHED)

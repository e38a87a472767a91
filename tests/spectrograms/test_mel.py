"""The mel scale, against values worked out by hand."""

import numpy as np
import pytest

from spokenwords.spectrograms import mel


def test_mels_of_frequencies():
    # 2595 lg 2, and 2595 lg(17/7): the scale has about 1000 mels at 1 kHz.
    assert mel.from_hertz(np.array([0, 700, 1000])) == pytest.approx(
        [0, 781.173, 999.986], abs=1e-3
    )


def test_frequencies_of_mels():
    frequency = np.linspace(0, 8000, 9)
    np.testing.assert_allclose(mel.to_hertz(mel.from_hertz(frequency)), frequency, atol=1e-9)

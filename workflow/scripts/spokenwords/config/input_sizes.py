"""Sizes of the images between representation and network; imports no PyTorch."""

# Rows of the representations on the mel scale: its bands. All others have one row per frequency
# bin. 128 as published, 40 as in keyword spotters (B. Kim et al., "Broadcasted residual
# learning for efficient keyword spotting", 2021).
MEL_BANDS = {"mel": 128, "log_mel": 40, "log_mel_complex": 40}

# Smallest number of rows and of frames for a network. The published one pads neither convolutions
# nor pooling, which would leave nothing of smaller images; the residual one accepts any size.
SMALLEST = {"published": 78, "residual": 1}


def rows(representation: str, n_fft: int) -> int:
    """Rows of the images of a `representation`, for transforms of `n_fft` samples."""
    return MEL_BANDS.get(representation, n_fft // 2 + 1)

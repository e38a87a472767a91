"""Sizes of the images between representation and network, for those who do without PyTorch."""

# Rows of the representations on the mel scale: its bands. All others have one row per frequency
# bin. 128 as published, 40 as in keyword spotters (B. Kim et al., "Broadcasted residual
# learning for efficient keyword spotting", 2021).
MEL_BANDS = {"mel": 128, "log_mel": 40, "log_mel_complex": 40}

# Rows and frames that a network needs at least. The published one neither pads its convolutions nor
# its pooling, which leave nothing of smaller images; the residual one takes any.
SMALLEST = {"published": 78, "residual": 1}


def rows(representation: str, n_fft: int) -> int:
    """Rows of the images that `representation` makes of transforms of `n_fft` samples."""
    return MEL_BANDS.get(representation, n_fft // 2 + 1)

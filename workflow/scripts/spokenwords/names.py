"""Names that several stages share; imports nothing."""

SETS = ("train", "valid", "test")
NOISE = "_background_noise_"  # the folder of long noise recordings in Speech Commands
# Non-word classes: words that are not classified, and background noise. `unknown` is also the
# answer below the confidence threshold, even if a run has no such class.
UNKNOWN = "unknown"
SILENCE = "silence"
SILENCE_SEGMENTS = "_silence_"  # in place of a word, for segments of noise
NEGATIVES = "_negatives_"  # in place of a word, for segments of negatives
# The part of a noise recording for each set: start and end, as shares of its length.
NOISE_PARTS = {"train": (0.0, 0.5), "valid": (0.5, 0.6), "test": (0.6, 1.0)}
# The same for negatives.
NEGATIVE_PARTS = {"train": (0.0, 0.6), "valid": (0.6, 0.8), "test": (0.8, 1.0)}

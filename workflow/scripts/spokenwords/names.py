"""Names with a meaning throughout the workflow; imports nothing."""

SETS = ("train", "valid", "test")
NOISE = "_background_noise_"  # as Speech Commands names its folder of long recordings
# Classes that are no words: words that are not classified, and background noise. The first is also
# the answer below the confidence threshold, whether a run has such a class or not.
UNKNOWN = "unknown"
SILENCE = "silence"
SILENCE_SEGMENTS = "_silence_"  # stands for the word where a recording is a segment of noise
# From where to where, as shares of its length, a recording of noise is used in each set.
NOISE_PARTS = {"train": (0.0, 0.5), "valid": (0.5, 0.6), "test": (0.6, 1.0)}

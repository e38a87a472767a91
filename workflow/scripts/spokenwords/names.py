"""Names with a meaning in data sets; imports nothing, so that no fingerprint grows by it."""

NOISE = "_background_noise_"  # as Speech Commands names its folder of long recordings
SILENCE = "_silence_"  # what stands for the word where a recording is a cut of noise

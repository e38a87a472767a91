"""What a model card says of use: how to, what for, and what to beware of."""

from collections.abc import Mapping
from typing import Any

from spokenwords.answers import KEPT, UNKNOWN
from spokenwords.markdown import code, escaped

SNIPPET = '''\
"""python recognise.py RECORDING.wav"""

import json
import sys

import numpy as np
import onnxruntime  # pip install onnxruntime soundfile
import soundfile

session = onnxruntime.InferenceSession("model.onnx")
about = session.get_modelmeta().custom_metadata_map
classes, no_words = json.loads(about["classes"]), json.loads(about["no_words"])
rate, length = int(about["sample_rate"]), int(about["samples"])

samples, own_rate = soundfile.read(sys.argv[1], dtype="float32", always_2d=True)
if own_rate != rate:
    sys.exit(f"Resample the recording from {own_rate} Hz to {rate} Hz first.")
mono = samples.mean(axis=1)[:length]
waveform = np.pad(mono, (0, length - len(mono)))

[probabilities] = session.run(["probabilities"], {"waveform": waveform[None]})[0]
best = probabilities.argmax()
counts = classes[best] in no_words or probabilities[best] >= float(about["threshold"])
print("answer:", classes[best] if counts else "unknown")
print("likeliest:", classes[best], f"({probabilities[best]:.2%})")
'''


INTENDED = (
    "Made for recognising single words, one at a time, out of the few that it knows: experiments, "
    "teaching, interfaces where a word that is not understood, or wrongly, costs no more than "
    "saying it again.\n\n"
    "Not made for running speech, for other words or languages than those it was trained on, nor "
    "for telling who speaks. Not for security or safety: neither to unlock anything nor to stop a "
    "machine, for a recording or a similar sound can pass for a word, and a word can go unheard."
)


def instructions(exported: Mapping[str, Any]) -> str:
    """What goes in, what comes out, and a program that does it."""
    rate, samples = exported["transform"]["sample_rate"], exported["samples"]
    return (
        f"Input `waveform`: float32 [batch, {samples}], full scale 1, {rate} Hz, one channel; "
        "shorter recordings are followed by zeros, longer ones cut. Output `probabilities`: "
        f"float32 [batch, {len(exported['classes'])}], in the order of `classes`. The metadata of "
        "the file has `classes` and `no_words` (JSON), `threshold`, `sample_rate` and `samples`."
        "\n\n"
        f"{code('python', SNIPPET)}\n\n"
        "Recordings of another rate are resampled by, for example, "
        "`scipy.signal.resample_poly(samples, rate, own_rate)`."
    )


def caveats(exported: Mapping[str, Any]) -> str:
    """A list of what to beware of."""
    threshold, no_words = exported["threshold"], exported["no_words"]
    points = [
        f"It hears {seconds(exported):g} s at a time and expects one word in them, whole; of two "
        "words, or of half a word, it makes one all the same.",
    ]
    if threshold:
        points.append(
            f"An answer with a probability below {threshold:.4g} is to count as `{UNKNOWN}`: "
            f"from there on, {KEPT:.0%} of the right answers to validation recordings count. A "
            "higher threshold has fewer false alarms and leaves more words unheard."
        )
    else:
        points.append("No threshold was found: every answer counts, however unsure.")
    if no_words:
        points.append(
            f"{' and '.join(map(escaped, no_words))} stand for no word, and are answers like the "
            "words. How well they catch other words, and other noise, than was trained on is not "
            "known."
        )
    else:
        points.append(
            "It has no class for silence, noise or other words: it takes them for one of its "
            "words, or is unsure."
        )
    points.append(
        "Microphones, rooms, noise and accents unlike those of the training data cost accuracy. "
        "Try it on recordings of your own before you rely on it."
    )
    return "\n".join(f"- {point}" for point in points)


def seconds(exported: Mapping[str, Any]) -> float:
    """The length of what the model takes."""
    return exported["samples"] / exported["transform"]["sample_rate"]

"""A model card: what an exported model is, its metrics, and its limits.

The sections are those of M. Mitchell et al., "Model cards for model reporting" (2019). The first
block is metadata for Hugging Face's hub.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from spokenwords.export import data, figures
from spokenwords.export.markdown import code, escaped
from spokenwords.recordings import limits
from spokenwords.wording import duration

SNIPPET = '''\
"""python recognise.py RECORDING.wav"""

import json
import sys

import numpy as np
import onnxruntime  # pip install onnxruntime scipy soundfile
import scipy
import soundfile

session = onnxruntime.InferenceSession("model.onnx")
about = {k: json.loads(v) for k, v in session.get_modelmeta().custom_metadata_map.items()}
rate, length, side = about["sample_rate"], about["samples"], about["smoothing"] // 2
samples, own_rate = soundfile.read(sys.argv[1], dtype="float32", always_2d=True)
sound, powers = samples.mean(axis=1), samples.var(axis=0)
if sound.var() < 0.1 * powers.mean() / len(powers):  # The channels cancel.
    sound = samples[:, powers.argmax()]
sound = scipy.signal.resample_poly(sound, rate, own_rate)
end, sound = len(sound), np.pad(sound, (0, max(0, length - len(sound))))

last = (len(sound) - length) // about["hop"] * about["hop"]
starts = [*range(0, last, about["step"]), last]
rows = [session.run(None, {"waveform": sound[None, i : i + length]})[0][0] for i in starts]
means = [np.mean(rows[max(0, i - side) : i + side + 1], axis=0) for i in range(len(rows))]
found = [(i, about["classes"][row.argmax()], row.max()) for i, row in zip(starts, means)]
found = [(i, w, p) for i, w, p in found if w not in about["no_words"] and p >= about["threshold"]]
events = []


def hidden(start, word):  # An earlier event may contain the same utterance.
    gaps = [(start - i, w) for i, w, _ in events]
    return any(gap <= about["suppression"] or (gap < length and w == word) for gap, w in gaps)


for start, word, p in found:
    rivals = [(i, w) for i, w, q in found if 0 < i - start <= about["reach"] and q > p + 1e-6]
    if not hidden(start, word) and all(hidden(i, w) for i, w in rivals):
        events.append((start, word, p))
        print(f"{start / rate:.3f} s to {min(start + length, end) / rate:.3f} s: {word} {p:.4f}")
'''
INTENDED = (
    "The model recognises single words of a small vocabulary, one at a time. It is intended for "
    "experiments, teaching, and interfaces where an error costs no more than saying the word "
    "again.\n\n"
    "It is not intended for continuous speech, for words or languages that it was not trained on, "
    "or for identifying speakers. Do not use it for security or safety, such as unlocking a door "
    "or stopping a machine: a recording or a similar sound can be accepted as a word, and a word "
    "can be missed."
)


def page(
    run: str,
    settings: Mapping[str, Any],
    origin: data.Origin,
    exported: Mapping[str, Any],
    listening: Mapping[str, Any],
    metrics: Mapping[str, Any],
    confusions: pd.DataFrame,
    sets: Mapping[str, pd.DataFrame],
    alarms: pd.DataFrame | None,
) -> str:
    """Return the card in Markdown.

    `settings` are those of the run, with the settings of its features and its split in place of
    their names; `exported` is export.json, `listening` is listen.json; `metrics` and `confusions`
    are those of the evaluation; `sets` has the manifests train, valid and test of the run's
    classes, with the class as word; `alarms` is the table of `false_alarms`, if there is one.
    """
    sections = {
        "Model details": _details(settings, origin, exported, metrics),
        "How to use it": _instructions(exported, listening),
        "Intended use": INTENDED,
        "Factors": origin.speakers,
        "Metrics": figures.explained(settings),
        "Evaluation data": data.tested(sets),
        "Training data": data.trained(settings, origin, sets),
        "Quantitative analyses": figures.analyses(exported, metrics, confusions, sets),
        "Ethical considerations": f"{origin.ethics} The model classifies words, not speakers. A "
        "microphone that is always on records more than these words: inform people about it.",
        "Caveats and recommendations": figures.caveats(exported, alarms),
    }
    return "\n\n".join(
        [
            _front_matter(run, settings["split"], origin, metrics),
            f"# Spoken words: {escaped(run)}",
            _summary(exported, metrics),
            *(f"## {title}\n\n{text}" for title, text in sections.items()),
            "",
        ]
    )


def _front_matter(
    run: str, split: Mapping[str, Any], origin: data.Origin, metrics: Mapping[str, Any]
) -> str:
    """The hub's metadata. Whoever publishes the model adds its licence."""
    tested = {"name": origin.name, "type": origin.hub or "audiofolder"}
    # Another split must not be mistaken for the data set's own.
    if split["method"] == "official":
        tested["split"] = "test"
    results = {
        "task": {"type": "audio-classification"},
        "dataset": tested,
        "metrics": [
            {"type": "accuracy", "value": round(metrics["accuracy"], 4)},
            {"type": "f1", "name": "macro F1", "value": round(metrics["macro_f1"], 4)},
        ],
    }
    block = {
        **({"language": origin.language} if origin.language else {}),
        **({"datasets": [origin.hub]} if origin.hub else {}),
        "library_name": "onnx",
        "pipeline_tag": "audio-classification",
        "tags": ["keyword-spotting", "onnx"],
        "metrics": ["accuracy", "f1"],
        "model-index": [{"name": run, "results": [results]}],
    }
    return f"---\n{yaml.safe_dump(block, sort_keys=False, allow_unicode=True)}---"


def _summary(exported: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    words = [name for name in exported["classes"] if name not in exported["no_words"]]
    low, high = metrics["accuracy_interval"]
    which = f"which of {len(words)} words" if len(words) > 1 else "whether one word"
    return (
        f"A small neural network that recognises {which} is spoken in a recording of "
        f"{figures.seconds(exported):g} s: {', '.join(map(escaped, words))}. Its input is the "
        "waveform, and it runs wherever ONNX models run. Accuracy on "
        f"{metrics['recordings']:,} test recordings: {metrics['accuracy']:.2%} (95 % interval "
        f"{low:.2%} to {high:.2%}). " + escaped(" ".join(limits.of_test(metrics["words"])))
    ).rstrip()


def _details(
    settings: Mapping[str, Any],
    origin: data.Origin,
    exported: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> str:
    latency, parity, training = exported["latency"], exported["parity"], metrics["training"]
    test = exported["test"]
    rows = [
        ("Network", f"{settings['model']}, {exported['parameters']:,} parameters"),
        (
            "Input of the network",
            f"the {settings['representation']} representation of a short-time Fourier transform",
        ),
        (
            "File",
            f"model.onnx, {exported['bytes'] / 1e6:.2f} MB, ONNX opset {exported['opset']}",
        ),
        ("SHA-256", exported["sha256"]),
        ("Time per recording", _time(latency)),
        (
            "Recordings per second",
            f"{latency['recordings_per_second']:,.0f}, with {latency['batch_size']} per call",
        ),
        ("Measured on", f"one core, {escaped(latency['processor'])}"),
        (
            "Largest difference to PyTorch",
            f"{parity['largest_difference']:.1e} of a probability, in {parity['recordings']:,} "
            f"test recordings (limit: {parity['limit']:g})",
        ),
        (
            "Same answer as in the evaluation",
            f"{test['same_answers']:.2%} of them; stored probabilities differ by up to "
            f"{test['largest_difference_to_stored']:.1e}. {_of_the_evaluation(settings, metrics)}",
        ),
        ("Model in 8 bits", _small(exported)),
        (
            "Trained for",
            f"{training['epochs']} epochs (selected: {training['kept_epoch']}), "
            f"{duration(training['seconds'])} on {escaped(training['device'])}",
        ),
        ("Made with", ", ".join(f"{k} {v}" for k, v in exported["versions"].items())),
        ("Licence of the data", escaped(origin.licence)),
        ("Licence and contact of the model", "To be added by whoever publishes it."),
    ]
    described = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True)
    listed = "\n".join(f"- **{name}:** {value}" for name, value in rows)
    return f"{listed}\n\nSettings of the run:\n\n{code('yaml', described)}"


def _time(latency: Mapping[str, Any]) -> str:
    return (
        f"{latency['median_ms']:.2f} ms (median of {latency['calls']} calls; 95 % took at most "
        f"{latency['percentile_95_ms']:.2f} ms)"
    )


def _small(exported: Mapping[str, Any]) -> str:
    """Size, speed and accuracy of the quantised model, or why there is none."""
    small, accuracy = exported["int8"], exported["test"]["accuracy"]
    if not small["written"]:
        return (
            f"none; with convolutions in int8, accuracy on the test set is {small['accuracy']:.2%} "
            f"instead of {accuracy:.2%}, and at most {100 * small['limit']:g} points less are "
            "accepted"
        )
    return (
        f"model.int8.onnx has the same input, output and metadata, and its convolutions in int8, "
        f"calibrated on {small['calibration_recordings']:,} training recordings: "
        f"{small['bytes'] / 1e6:.2f} MB, {_time(small['latency'])}. Accuracy on the test set: "
        f"{small['accuracy']:.2%} instead of {accuracy:.2%}. SHA-256: {small['sha256']}"
    )


def _of_the_evaluation(settings: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """How the evaluation differs from the exported model."""
    how = f"The evaluation used rounded spectrograms, in {metrics['evaluation']['precision']}"
    if settings["test_shift_seconds"]:
        shift = f"{settings['test_shift_seconds']:g} s"
        how += f", and averaged probabilities over shifts of up to {shift} either way"
    return f"{how}."


def _instructions(exported: Mapping[str, Any], listening: Mapping[str, Any]) -> str:
    """The page, input and output, and an example program."""
    if listening["problem"]:
        page = f"There is no page that listens: {escaped(listening['problem'])}"
    else:
        page = (
            f"Open listen.html ({listening['bytes'] / 1e6:.1f} MB) in a browser. It recognises "
            "words from the microphone or in a sound file. It has the model and ONNX Runtime in "
            "it, and needs no network."
        )
    part = {"loudest": "loudest part", "start": "beginning"}[exported["window"]]
    rate, samples = exported["transform"]["sample_rate"], exported["samples"]
    return (
        f"{page}\n\n"
        f"Input `waveform`: float32 [batch, {samples}], full scale 1, {rate} Hz, one channel; "
        f"shorter recordings are padded with zeros. In training, and for all figures here, longer "
        f"ones were cut to their {part}. Output `probabilities`: float32 [batch, "
        f"{len(exported['classes'])}], in the order of `classes`.\n\n"
        "The metadata of the file contain, as JSON, `classes`, `no_words` (the non-word classes), "
        "`sample_rate`, `samples`, and how words are found in longer recordings and streams: "
        "`threshold`; `smoothing`, the number of windows whose probabilities are averaged; and, in "
        "samples, `hop`, `step` (from one window to the next), `suppression` (after a word, before "
        "which no other is reported) and `reach` (in which a more probable window is preferred). "
        "`classes.json` contains the same, for browsers, which cannot read the metadata."
        "\n\n"
        f"{code('python', SNIPPET)}\n\n"
        "The program reads a WAV file of any rate and length and prints the words in it, as the "
        "project's `predict.py` does. Windows begin and end abruptly here, but are parts of one "
        "spectrogram there; so probabilities may differ slightly, and a time by a step."
    )

"""A model card: what an exported model is, how well it does, and what it is not for.

Its sections are those of M. Mitchell et al., "Model cards for model reporting" (2019); the block it
begins with is what Hugging Face's hub reads.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from spokenwords.export import data, figures
from spokenwords.export.markdown import code, escaped
from spokenwords.jobs.progress import duration
from spokenwords.recordings import limits

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
if len(samples) > length:
    sys.exit(f"Cut the recording to the {length / rate:g} s that contain the word first.")
mono, powers = samples.mean(axis=1), samples.var(axis=0)
if mono.var() < 0.1 * powers.mean() / len(powers):  # The channels cancel.
    mono = samples[:, powers.argmax()]
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


def page(
    run: str,
    settings: Mapping[str, Any],
    origin: data.Origin,
    exported: Mapping[str, Any],
    metrics: Mapping[str, Any],
    confusions: pd.DataFrame,
    sets: Mapping[str, pd.DataFrame],
    alarms: pd.DataFrame | None,
) -> str:
    """The card in Markdown.

    `settings` are those of the run that it tells, with those of its features and its split where it
    names them; `exported` is export.json; `metrics` and `confusions` are what `evaluation` made;
    `sets` has the manifests train, valid and test of what the run tells apart, each with the class
    as its word; `alarms` is the table of `false_alarms`, if there is one.
    """
    sections = {
        "Model details": _details(settings, origin, exported, metrics),
        "How to use it": _instructions(exported),
        "Intended use": INTENDED,
        "Factors": origin.speakers,
        "Metrics": figures.explained(settings),
        "Evaluation data": data.tested(sets),
        "Training data": data.trained(settings, origin, sets),
        "Quantitative analyses": figures.analyses(exported, metrics, confusions, sets),
        "Ethical considerations": f"{origin.ethics} The model tells words apart, not speakers. A "
        "microphone that listens all the time hears more than these words: tell people of it.",
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
    """What the hub reads. The licence of the model is for those to state who pass it on."""
    tested = {"name": origin.name, "type": origin.hub or "audiofolder"}
    # Another share of the recordings than the data set's own would go by the same name.
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
    which = f"which of {len(words)} words" if len(words) > 1 else "whether a word"
    return (
        f"A small neural network that tells {which} is said in a recording of "
        f"{figures.seconds(exported):g} s: {', '.join(map(escaped, words))}. It takes sound as it "
        f"is, and runs wherever ONNX models do. Of {metrics['recordings']:,} test recordings it "
        f"gets {metrics['accuracy']:.2%} right (95 % interval {low:.2%} to {high:.2%}). "
        + escaped(" ".join(limits.of_test(metrics["words"])))
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
            "It sees",
            f"the {settings['representation']} representation of a short-time Fourier transform",
        ),
        (
            "File",
            f"model.onnx, {exported['bytes'] / 1e6:.2f} MB, ONNX opset {exported['opset']}",
        ),
        ("SHA-256", exported["sha256"]),
        (
            "Time a recording",
            f"{latency['median_ms']:.2f} ms (median of {latency['calls']} calls; 95 % took at most "
            f"{latency['percentile_95_ms']:.2f} ms)",
        ),
        (
            "Recordings a second",
            f"{latency['recordings_per_second']:,.0f}, {latency['batch_size']} a call",
        ),
        ("Measured on", f"one core, {escaped(latency['processor'])}"),
        (
            "Largest difference to PyTorch",
            f"{parity['largest_difference']:.1e} of a probability, in {parity['recordings']:,} "
            f"test recordings ({parity['limit']:g} is allowed)",
        ),
        (
            "Same answer as in the evaluation",
            f"{test['same_answers']:.2%} of them; the probabilities kept there differ by up to "
            f"{test['largest_difference_to_stored']:.1e}. {_of_the_evaluation(settings, metrics)}",
        ),
        (
            "Trained for",
            f"{training['epochs']} epochs (kept: {training['kept_epoch']}), "
            f"{duration(training['seconds'])} on {escaped(training['device'])}",
        ),
        ("Made with", ", ".join(f"{k} {v}" for k, v in exported["versions"].items())),
        ("Licence of the data", escaped(origin.licence)),
        ("Licence of the model, who answers for it", "To be stated by whoever passes it on."),
    ]
    described = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True)
    listed = "\n".join(f"- **{name}:** {value}" for name, value in rows)
    return f"{listed}\n\nSettings of the run:\n\n{code('yaml', described)}"


def _of_the_evaluation(settings: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """What it did that the exported model does not."""
    how = f"The evaluation took rounded spectrograms, in {metrics['evaluation']['precision']}"
    if settings["test_shift_seconds"]:
        shift = f"{settings['test_shift_seconds']:g} s"
        how += f", and averaged probabilities over shifts of each by up to {shift} either way"
    return f"{how}."


def _instructions(exported: Mapping[str, Any]) -> str:
    """What goes in, what comes out, and a program that does it."""
    heard = {"loudest": "loudest part", "start": "beginning"}[exported["window"]]
    rate, samples = exported["transform"]["sample_rate"], exported["samples"]
    return (
        f"Input `waveform`: float32 [batch, {samples}], full scale 1, {rate} Hz, one channel; "
        f"shorter recordings are followed by zeros. In training, and for all figures here, longer "
        f"ones were cut to their {heard}; the program below leaves that to you. Output "
        f"`probabilities`: float32 [batch, {len(exported['classes'])}], in the order of `classes`. "
        "The metadata of the file has `classes` and `no_words` (JSON), `threshold`, `sample_rate` "
        "and `samples`; so has `classes.json`, for browsers, where the metadata cannot be read."
        "\n\n"
        f"{code('python', SNIPPET)}\n\n"
        "Recordings of another rate are resampled by, for example, "
        "`scipy.signal.resample_poly(samples, rate, own_rate)`."
    )

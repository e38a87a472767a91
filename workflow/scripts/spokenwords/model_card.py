"""A model card: what an exported model is, how well it does, and what it is not for.

Its sections are those of M. Mitchell et al., "Model cards for model reporting" (2019); the block it
begins with is what Hugging Face's hub reads.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from spokenwords import model_card_figures as figures
from spokenwords import model_card_use as use
from spokenwords.markdown import code, escaped
from spokenwords.origins import Origin
from spokenwords.progress import duration

# Settings of a run that are the machine's affair, or its name.
LEFT_OUT = ("run", "device", "compile", "memory_budget")


def page(
    run: str,
    settings: Mapping[str, Any],
    origin: Origin,
    exported: Mapping[str, Any],
    metrics: Mapping[str, Any],
    confusions: pd.DataFrame,
    sets: Mapping[str, pd.DataFrame],
) -> str:
    """The card in Markdown.

    `settings` are the run's, with those of its features and its split where it names them;
    `exported` is export.json; `metrics` and `confusions` are what `evaluation` made; `sets` has the
    manifests train, valid and test of what the run tells apart, each with the class as its word.
    """
    sections = {
        "Model details": _details(settings, origin, exported, metrics),
        "How to use it": use.instructions(exported),
        "Intended use": use.INTENDED,
        "Factors": origin.speakers,
        "Metrics": figures.explained(settings),
        "Evaluation data": figures.evaluation_data(sets),
        "Training data": figures.training_data(settings, origin, sets),
        "Quantitative analyses": figures.analyses(exported, metrics, confusions, sets),
        "Ethical considerations": f"{origin.ethics} The model tells words apart, not speakers. A "
        "microphone that listens all the time hears more than these words: tell people of it.",
        "Caveats and recommendations": use.caveats(exported),
    }
    return "\n\n".join(
        [
            _front_matter(run, origin, metrics),
            f"# Spoken words: {escaped(run)}",
            _summary(exported, metrics),
            *(f"## {title}\n\n{text}" for title, text in sections.items()),
            "",
        ]
    )


def _front_matter(run: str, origin: Origin, metrics: Mapping[str, Any]) -> str:
    """What the hub reads. The licence of the model is for those to state who pass it on."""
    results = {
        "task": {"type": "audio-classification"},
        "dataset": {"name": origin.name, "type": origin.hub or "audiofolder", "split": "test"},
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
    return (
        f"A small neural network that tells which of {len(words)} words is said in a recording of "
        f"{use.seconds(exported):g} s: {', '.join(map(escaped, words))}. It takes sound as it is, "
        "and runs wherever ONNX models do. Of "
        f"{metrics['recordings']:,} test recordings it gets {metrics['accuracy']:.2%} right (95 % "
        f"interval {low:.2%} to {high:.2%})."
    )


def _details(
    settings: Mapping[str, Any],
    origin: Origin,
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
            f"{test['same_answers']:.2%} of them. That took rounded spectrograms, in "
            f"{metrics['evaluation']['precision']}: probabilities differ by up to "
            f"{test['largest_difference_to_stored']:.1e}",
        ),
        (
            "Trained for",
            f"{training['epochs']} epochs (the best: {training['best_epoch']}), "
            f"{duration(training['seconds'])} on {escaped(training['device'])}",
        ),
        ("Made with", ", ".join(f"{k} {v}" for k, v in exported["versions"].items())),
        ("Licence of the data", escaped(origin.licence)),
        ("Licence of the model, who answers for it", "To be stated by whoever passes it on."),
    ]
    chosen = {key: value for key, value in settings.items() if key not in LEFT_OUT}
    described = yaml.safe_dump(chosen, sort_keys=False, allow_unicode=True)
    listed = "\n".join(f"- **{name}:** {value}" for name, value in rows)
    return f"{listed}\n\nSettings of the run:\n\n{code('yaml', described)}"

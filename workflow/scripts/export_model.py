"""The trained model as an ONNX file that takes waveforms, compared with PyTorch and timed."""

import hashlib
import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from spokenwords.evaluation import metrics, predictions
from spokenwords.export import latency, onnx_model, parity
from spokenwords.jobs.device_name import device_name
from spokenwords.jobs.log import job_log
from spokenwords.model import device
from spokenwords.model.classifier import Classifier

with job_log(snakemake.log[0]):
    # Other machines' processors are to run it: it is compared, and timed, on this one's.
    place = device.choose("cpu", snakemake.threads)
    classifier = Classifier.load(Path(snakemake.input.model))
    stored = predictions.read(snakemake.input.predictions)
    folder, files = Path(snakemake.params.folder), list(stored["file"])
    kept, window = snakemake.params.keep, snakemake.params.window
    model = onnx_model.to_onnx(classifier, kept)
    description = onnx_model.description(classifier, kept)
    running = onnx_model.session(model, snakemake.threads)
    found = parity.compare(classifier, running, folder, stored, window)
    difference = parity.check(found.to_pytorch, files)
    summary = {
        "bytes": len(model),
        "sha256": hashlib.sha256(model).hexdigest(),
        "opset": onnx_model.OPSET,
        **description,
        "kept": kept,
        "window": window,
        "transform": asdict(classifier.transform),
        "parameters": classifier.parameter_count(),
        "parity": {
            "recordings": len(files),
            "largest_difference": difference,
            "limit": parity.LIMIT,
        },
        "test": parity.on_test_set(found, stored, classifier.words),
        # Of its threads, which the description goes on with, the timing has one.
        "latency": {"processor": device_name(place).partition(",")[0], "threads": 1}
        | latency.measure(
            model, parity.load(classifier, folder, files[: latency.BATCH_SIZE], window)
        ),
        "versions": metrics.versions()
        | {name: version(name) for name in ("onnx", "onnxscript", "onnxruntime")},
    }
    Path(snakemake.output.model).write_bytes(model)
    # ONNX Runtime for browsers cannot read the metadata in the model.
    Path(snakemake.output.classes).write_text(json.dumps(description, indent=2))
    Path(snakemake.output.summary).write_text(json.dumps(summary, indent=2))

"""The trained model as an ONNX file that takes waveforms, compared with PyTorch and timed."""

import json
from pathlib import Path

from spokenwords.evaluation import predictions
from spokenwords.export.exported import export
from spokenwords.jobs.log import job_log
from spokenwords.model import device
from spokenwords.recordings import manifest

with job_log(snakemake.log[0]):
    small = Path(snakemake.output.model).with_suffix(".int8.onnx")
    # Not an output of the rule, so Snakemake leaves an earlier one.
    small.unlink(missing_ok=True)
    # The exported model is for processors of other machines: compare and time it on this one's.
    classifier = device.load_classifier(
        Path(snakemake.input.model), "cpu", "float32", snakemake.threads
    )
    exported = export(
        classifier,
        predictions.read(snakemake.input.predictions),
        manifest.read(Path(snakemake.input.train)),
        Path(snakemake.params.folder),
        classifier.threshold(snakemake.params.keep, snakemake.params.false_alarms_per_hour),
        snakemake.params.window,
        snakemake.threads,
    )
    Path(snakemake.output.model).write_bytes(exported.model)
    # ONNX Runtime for browsers cannot read the metadata in the model.
    Path(snakemake.output.classes).write_text(json.dumps(exported.description, indent=2))
    Path(snakemake.output.summary).write_text(json.dumps(exported.summary, indent=2))
    if exported.quantized:
        small.write_bytes(exported.quantized)

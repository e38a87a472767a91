"""A classifier as an ONNX model of waveforms, and ONNX Runtime to run it.

The file is complete in itself: the Fourier transform is inside, and what its input and output mean
stands in its metadata: `classes` and `no_words` (JSON lists), `threshold` (see answers.py),
`sample_rate` (Hz) and `samples` (of a recording).
"""

import json
import warnings

import numpy as np
import onnx
import onnxruntime
import torch

from spokenwords import answers
from spokenwords.model import Classifier
from spokenwords.waveforms import WaveformClassifier

INPUT, OUTPUT = "waveform", "probabilities"
# The operators of this version suffice, PyTorch's exporter is written in them, and all runtimes of
# the last years have them (ONNX Runtime since 1.14, of February 2023).
OPSET = 18


def to_onnx(classifier: Classifier) -> bytes:
    """The classifier as an ONNX model, checked by ONNX's checker.

    Input `waveform`, float32 [batch, samples], full scale 1; output `probabilities`, float32
    [batch, class]; batches of any size.
    """
    waveforms = torch.zeros(2, classifier.samples)
    with warnings.catch_warnings():
        # Of PyTorch about its own use of itself.
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.onnx.export(
            WaveformClassifier(classifier),
            (waveforms,),
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=OPSET,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            verbose=False,
        )
    model = program.model_proto
    _tidy(model)
    onnx.helper.set_model_props(model, metadata(classifier))
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def metadata(classifier: Classifier) -> dict[str, str]:
    """What the model's user has to know of it, as text by its name."""
    return {
        "classes": json.dumps(classifier.words, ensure_ascii=False),
        "no_words": json.dumps(classifier.no_words, ensure_ascii=False),
        "threshold": repr(answers.threshold(classifier.confidences)),
        "sample_rate": str(classifier.transform.sample_rate),
        "samples": str(classifier.samples),
    }


def session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    """ONNX Runtime with the model, on so many threads of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def probabilities(running: onnxruntime.InferenceSession, waveforms: np.ndarray) -> np.ndarray:
    """Of waveforms [batch, samples], float32, each class's probability [batch, class]."""
    return running.run([OUTPUT], {INPUT: waveforms})[0]


def _tidy(model: onnx.ModelProto) -> None:
    """Remove what the exporter notes for its developers, paths of source files among it."""
    graph = model.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
    # Shapes between input and output, with notes of their own; they follow from the model.
    del graph.value_info[:]
    graph.name = "spoken words"
    # Without those notes nothing in it is newer than its operators.
    model.ir_version = onnx.helper.find_min_ir_version_for(list(model.opset_import))

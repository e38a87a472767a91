"""A classifier as an ONNX model of waveforms, and ONNX Runtime to run it.

The file is complete in itself: the Fourier transform is inside, as a convolution, so that it runs
everywhere, and what its input and output mean stands in its metadata, as JSON: see `description`.
"""

import copy
import json
import warnings
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn
from torch.nn import functional as F

from spokenwords.model import thresholds
from spokenwords.model.classifier import Classifier
from spokenwords.spectrograms.stft import STFT

INPUT, OUTPUT = "waveform", "probabilities"
# The operators of this version suffice, PyTorch's exporter is written in them, and all runtimes of
# the last years have them (ONNX Runtime since 1.14, of February 2023).
OPSET = 18


class FourierConvolution(nn.Module):
    """`STFT.complex_spectrogram` as a convolution with the windowed Fourier basis.

    Runtimes have convolutions; few have a Fourier transform, or for a power of two alone. Where
    n_fft reaches over the window it would multiply by zeros: the basis is as long as the window.
    """

    basis: torch.Tensor

    def __init__(self, transform: STFT):
        super().__init__()
        length, half = transform.window_length, transform.n_fft // 2
        before = (transform.n_fft - length) // 2
        after = transform.n_fft - length - before
        # Frames are centred: they begin half a transform early, the window `before` samples later.
        self.padding = (half - before, half - after)
        self.hop_length = transform.hop_length
        window = torch.hann_window(length, periodic=True, dtype=torch.float64)
        if transform.normalized:
            window /= window.norm()
        bins, samples = torch.arange(half + 1), torch.arange(before, before + length)
        # Whole turns are taken off in integers, which keeps angles exact; a quotient of integers
        # would be in float32.
        parts = (torch.outer(bins, samples) % transform.n_fft).double()
        angles = 2 * torch.pi * parts / transform.n_fft
        basis = torch.cat([angles.cos(), -angles.sin()]) * window
        self.register_buffer("basis", basis[:, None].float())

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """[batch, samples] to [batch, 2, frequency, time]: real and imaginary part."""
        padded = F.pad(waveforms[:, None], self.padding, mode="reflect")
        return F.conv1d(padded, self.basis, stride=self.hop_length).unflatten(1, (2, -1))


class WaveformClassifier(nn.Module):
    """Waveforms in, probabilities of the classifier's words out, on the CPU and in float32."""

    def __init__(self, classifier: Classifier):
        super().__init__()
        self.transform = FourierConvolution(classifier.transform)
        self.representation = copy.deepcopy(classifier.representation)
        # The order of numbers in memory is the runtime's affair; of another than the usual one an
        # exporter makes operations that follow it.
        network = copy.deepcopy(classifier.network)
        # The hints of PyTorch lack this overload.
        self.network = network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        self.cpu().eval()

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """[batch, samples], float32, full scale 1, to probabilities [batch, words]."""
        return self.network(self.representation(self.transform(waveform))).softmax(dim=1)


def to_onnx(classifier: Classifier, kept: float) -> bytes:
    """The classifier as an ONNX model, checked by ONNX's checker.

    Input `waveform`, float32 [batch, samples], full scale 1; output `probabilities`, float32
    [batch, class]; batches of any size. `kept` is the share of right answers that the threshold in
    its metadata keeps.
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
    assert program  # None only where `dynamo` is off.
    model = program.model_proto
    _tidy(model)
    described = description(classifier, kept).items()
    metadata = {name: json.dumps(value, ensure_ascii=False) for name, value in described}
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def description(classifier: Classifier, kept: float) -> dict[str, Any]:
    """What the model's user has to know of it; `kept` is as in `to_onnx`.

    classes, in the order of probabilities; no_words, those of them that stand for none; threshold
    (see answers.py); sample_rate (Hz); samples (of a recording).
    """
    return {
        "classes": classifier.words,
        "no_words": classifier.no_words,
        "threshold": thresholds.threshold(classifier.confidences, kept),
        "sample_rate": classifier.transform.sample_rate,
        "samples": classifier.samples,
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

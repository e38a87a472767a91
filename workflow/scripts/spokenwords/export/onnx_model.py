"""A classifier as an ONNX model of waveforms, and ONNX Runtime to run it.

The file is self-contained: it includes the Fourier transform, as a convolution that all runtimes
support, and its metadata describes input and output as JSON (see `description`).
"""

import copy
import json
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn
from torch.nn import functional as F

from spokenwords.recognition import detector, sliding_window

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier
    from spokenwords.spectrograms.stft import STFT

INPUT, OUTPUT = "waveform", "probabilities"
# PyTorch's exporter uses the operators of this version, and ONNX Runtime has them since 1.14
# (February 2023).
OPSET = 18


class FourierConvolution(nn.Module):
    """`STFT.complex_spectrogram` as a convolution with the windowed Fourier basis.

    All runtimes have convolutions; few have a Fourier transform, or only for powers of two. The
    basis is as long as the window: the rest of n_fft samples would be multiplied by zeros.
    """

    basis: torch.Tensor

    def __init__(self, transform: "STFT"):
        super().__init__()
        length, half = transform.window_length, transform.n_fft // 2
        before = (transform.n_fft - length) // 2
        after = transform.n_fft - length - before
        # Frames are centred: they begin half an n_fft early, the window `before` samples later.
        self.padding = (half - before, half - after)
        self.hop_length = transform.hop_length
        window = torch.hann_window(length, periodic=True, dtype=torch.float64)
        if transform.normalized:
            window /= window.norm()
        bins, samples = torch.arange(half + 1), torch.arange(before, before + length)
        # The modulo of integers keeps angles exact; a quotient of integers would be in float32.
        parts = (torch.outer(bins, samples) % transform.n_fft).double()
        angles = 2 * torch.pi * parts / transform.n_fft
        basis = torch.cat([angles.cos(), -angles.sin()]) * window
        self.register_buffer("basis", basis[:, None].float())

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """[batch, samples] to [batch, 2, frequency, time]: real and imaginary part."""
        padded = F.pad(waveforms[:, None], self.padding, mode="reflect")
        return F.conv1d(padded, self.basis, stride=self.hop_length).unflatten(1, (2, -1))


class WaveformClassifier(nn.Module):
    """Waveforms to probabilities of the classifier's classes, on the CPU and in float32."""

    def __init__(self, classifier: "Classifier"):
        super().__init__()
        self.transform = FourierConvolution(classifier.transform)
        self.representation = copy.deepcopy(classifier.representation)
        # The memory layout is up to the runtime; the exporter would add operations for another one.
        network = copy.deepcopy(classifier.network)
        # The hints of PyTorch lack this overload.
        self.network = network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        self.cpu().eval()

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """[batch, samples], float32, full scale 1, to probabilities [batch, class]."""
        return self.network(self.representation(self.transform(waveform))).softmax(dim=1)


def to_onnx(classifier: "Classifier", threshold: float) -> bytes:
    """Return the classifier as an ONNX model, checked by ONNX's checker.

    Input `waveform`, float32 [batch, samples], full scale 1; output `probabilities`, float32
    [batch, class]; batches of any size. The metadata contains `threshold`, that of the answers.
    """
    waveforms = torch.zeros(2, classifier.samples)
    with warnings.catch_warnings():
        # PyTorch warns about its own code.
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
    tidy(model)
    described = description(classifier, threshold).items()
    metadata = {name: json.dumps(value, ensure_ascii=False) for name, value in described}
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def description(classifier: "Classifier", threshold: float) -> dict[str, Any]:
    """Return what users of the model need to know.

    classes, in the order of probabilities; no_words, the non-word classes; sample_rate (Hz);
    samples (of a recording). How `recognition` finds words in longer recordings: threshold (of
    `thresholds.answer`); hop and step (of `SlidingWindow`), suppression and reach (of `Detector`),
    all in samples; smoothing, the number of windows in each mean of `detector.smoothed`.
    """
    rate, hop = classifier.transform.sample_rate, classifier.transform.hop_length
    return {
        "classes": classifier.words,
        "no_words": classifier.non_words,
        "threshold": threshold,
        "sample_rate": rate,
        "samples": classifier.samples,
        "hop": hop,
        "step": hop * max(1, round(sliding_window.STEP * rate / hop)),
        "smoothing": 3,
        "suppression": classifier.samples / 2,
        "reach": detector.REACH * classifier.samples,
    }


def tidy(model: onnx.ModelProto) -> None:
    """Remove the exporter's notes for its developers, such as paths of source files."""
    graph = model.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
    # Shapes between input and output, which have notes too; they follow from the model.
    del graph.value_info[:]
    graph.name = "spoken words"
    # Without the notes, no part is newer than its operators.
    model.ir_version = onnx.helper.find_min_ir_version_for(list(model.opset_import))


def session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    """Return ONNX Runtime with the model, on this number of CPU threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def probabilities(running: onnxruntime.InferenceSession, waveforms: np.ndarray) -> np.ndarray:
    """Return the probabilities [batch, class] of waveforms [batch, samples], float32."""
    return running.run([OUTPUT], {INPUT: waveforms})[0]

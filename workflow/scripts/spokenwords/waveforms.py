"""The classifier from waveforms on: the transform as a convolution, so that it runs everywhere."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from spokenwords.model import Classifier
from spokenwords.stft import STFT


class FourierConvolution(nn.Module):
    """`STFT.complex_spectrogram` as a convolution with the windowed Fourier basis.

    Runtimes have convolutions; few have a Fourier transform, or for a power of two alone. Where
    n_fft reaches over the window it would multiply by zeros: the basis is as long as the window.
    """

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
        # Whole turns are taken off in integers, which keeps angles exact.
        turns = torch.outer(bins, samples) % transform.n_fft / transform.n_fft
        angles = 2 * torch.pi * turns.double()
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
        self.network = network.to(memory_format=torch.contiguous_format)
        self.cpu().eval()

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """[batch, samples], float32, full scale 1, to probabilities [batch, words]."""
        return self.network(self.representation(self.transform(waveform))).softmax(dim=1)

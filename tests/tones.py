"""A classifier whose answers are known: its words are tones, and so is `unknown`."""

from collections.abc import Iterable

import numpy as np
import torch
from conftest import SMALL
from torch import nn

from spokenwords.model.classifier import Classifier

RATE = SMALL.sample_rate
TONES = {"low": 125, "middle": 250, "high": 375, "unknown": 450}  # Hz
AMPLITUDE = 0.5
# A classifier's confidences, of which all are kept: the threshold is this.
THRESHOLD = 0.9


class Bands(nn.Module):
    """Scores that grow with the energy near each tone, on and on; silence has a fixed one."""

    def __init__(self, gain: float):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(float(gain)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Power [batch, 1, frequency, time] to scores [batch, class]."""
        energy = images[:, 0].mean(dim=2)
        bins = [int(np.abs(SMALL.frequency() - tone).argmin()) for tone in TONES.values()]
        near = torch.stack([energy[:, row - 1 : row + 2].sum(dim=1) for row in bins], dim=1)
        # A tone that fills the window has about 3.1.
        return torch.cat([self.gain * near, torch.full_like(near[:, :1], 3.0)], dim=1)


def classifier(gain: float = 10.0) -> Classifier:
    """Windows of a second; a tone is a word from a sixth of that on, with the usual gain."""
    words = [*TONES, "silence"]
    made = Classifier(words, "power", SMALL, RATE, "published", non_words=["unknown", "silence"])
    made.network = Bands(gain)
    made.confidences = np.array([THRESHOLD], np.float32)
    return made.eval()


def sound(
    seconds: float, tones: Iterable[tuple[str, float, float]] = (), rate: int = RATE
) -> np.ndarray:
    """So many seconds of silence [samples], but for tones: (which, from when, to when)."""
    time = np.arange(round(seconds * rate)) / rate
    samples = np.zeros(len(time), np.float32)
    for name, start, end in tones:
        sounding = (start <= time) & (time < end)
        samples[sounding] += AMPLITUDE * np.sin(2 * np.pi * TONES[name] * time[sounding])
    return samples

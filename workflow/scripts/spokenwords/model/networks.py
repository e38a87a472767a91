"""Networks that classify images."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

STAGES = (32, 64, 128)
BLOCKS_A_STAGE = 2


def published(channels: int, words: int) -> nn.Sequential:
    """Return the convnet of S. Keydana, "Audio classification with torch" (Posit AI Weblog).

    It maps images [batch, channels, frequency, time] to scores [batch, words]. Five blocks of 3×3
    convolution without padding, batch norm, ReLU, pooling and channel dropout; then two linear
    layers. 1,849,342 parameters for two channels and thirty words. Needs images of at least 78×78.

    Pooling comes before ReLU, which then has a quarter of the numbers to process. Values and
    gradients are the same, because the maximum commutes with ReLU.
    """
    widths = (channels, 32, 64, 128, 256, 512)
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, kernel_size=3), nn.BatchNorm2d(after)]
        if after == widths[-1]:
            layers += [nn.ReLU(), nn.AdaptiveAvgPool2d(1)]
        else:
            layers += [nn.MaxPool2d(2), nn.ReLU()]
        layers.append(nn.Dropout2d(0.2))
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        nn.Linear(512, 512),
        nn.BatchNorm1d(512),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(512, words),
    )


def residual(channels: int, words: int) -> nn.Sequential:
    """Return a residual network for images of any size.

    It maps images [batch, channels, frequency, time] to scores [batch, words]. After K. He et al.,
    "Deep residual learning for image recognition" (2016), and R. Tang and J. Lin, "Deep residual
    learning for small-footprint keyword spotting" (2018), with He's strides, not dilation.

    Batch norm of the image, for any scale; a 3×3 convolution of stride 2; three stages of two
    blocks, each stage with half the size and twice the channels of the one before; the mean over
    the image; dropout and a linear layer. 698,624 parameters for one channel and thirty words.
    """
    layers: list[nn.Module] = [
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, STAGES[0], kernel_size=3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(STAGES[0]),
        nn.ReLU(),
    ]
    before = STAGES[0]
    for width in STAGES:
        for _ in range(BLOCKS_A_STAGE):
            layers.append(Block(before, width))
            before = width
    return nn.Sequential(
        *layers,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(before, words),
    )


class Block(nn.Module):
    """He's basic block: two 3×3 convolutions, to whose output the input is added.

    If it changes the number of channels, it halves the size, rounded up, and a 1×1 convolution
    does the same to the input.
    """

    def __init__(self, before: int, after: int):
        """Take the number of channels before and after."""
        super().__init__()
        stride = 1 if before == after else 2
        self.convolution1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.convolution2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if before != after:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[batch, before, frequency, time] to [batch, after, frequency / stride, time / stride]."""
        values = F.relu(self.norm1(self.convolution1(images)))
        return F.relu(self.norm2(self.convolution2(values)) + self.shortcut(images))


NETWORKS = {"published": published, "residual": residual}

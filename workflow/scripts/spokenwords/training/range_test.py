"""The range test: a short training whose learning rate rises until the loss diverges.

L. N. Smith, "Cyclical learning rates for training neural networks" (2017), in the exponential form
of S. Gugger, "How do you find a good learning rate" (2018), which the published experiment uses.
"""

from itertools import chain, count, islice
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from spokenwords.jobs.progress import Progress
from spokenwords.model.classifier import Classifier
from spokenwords.training import suggested_rate

if TYPE_CHECKING:
    from spokenwords.spectrograms.in_memory import Recordings
    from spokenwords.spectrograms.streamed import StreamedRecordings

# The test ends when the loss exceeds this multiple of its lowest value (Gugger).
DIVERGED = 4


def run(
    classifier: Classifier,
    recordings: "Recordings | StreamedRecordings",
    lowest: float,
    highest: float,
    steps: int,
    batch_size: int,
    seed: int,
) -> pd.DataFrame:
    """Train for up to `steps` batches while the rate rises from `lowest` to `highest`.

    Returns one row per batch: batch, learning_rate, loss, smoothed_loss. Changes the classifier.
    """
    torch.manual_seed(seed)
    classifier.train()
    optimizer = torch.optim.Adam(classifier.network.parameters())
    epochs = (recordings.shuffled(batch_size, seed + epoch) for epoch in count())
    progress = Progress("Learning rate range test", steps, "batches")
    rates, losses = np.geomspace(lowest, highest, steps), []
    batches = islice(chain.from_iterable(epochs), steps)
    for rate, (spectrograms, labels) in zip(rates, batches, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        loss = F.cross_entropy(classifier(spectrograms), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        progress.advance()
        if not np.isfinite(losses[-1]) or losses[-1] > DIVERGED * min(losses):
            break
    table = pd.DataFrame({"learning_rate": rates[: len(losses)], "loss": losses})
    table.insert(0, "batch", range(1, len(losses) + 1))
    return suggested_rate.smooth(table[np.isfinite(table["loss"])])

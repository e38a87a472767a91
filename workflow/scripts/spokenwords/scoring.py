"""A classifier's scores of recordings, and the loss and accuracy that they amount to."""

import torch
from torch.nn import functional as F

from spokenwords.loader import Recordings
from spokenwords.model import Classifier
from spokenwords.streaming import StreamedRecordings

BATCH_SIZE = 256


@torch.inference_mode()
def score(classifier: Classifier, recordings: Recordings | StreamedRecordings) -> torch.Tensor:
    """The classifier's scores of all recordings, float32 [recording, word], on their device."""
    classifier.eval()
    return torch.cat([classifier(batch) for batch, _ in recordings.in_order(BATCH_SIZE)])


def losses(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The cross-entropy (nats) of each recording [recording]."""
    return F.cross_entropy(scores, labels, reduction="none")


def loss_and_accuracy(scores: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Mean cross-entropy (nats), and the share of recordings whose best word is the label."""
    loss = F.cross_entropy(scores, labels).item()
    return loss, (scores.argmax(dim=1) == labels).float().mean().item()

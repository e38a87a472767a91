"""A classifier's scores of recordings, and the loss and accuracy that they amount to."""

import math
from collections.abc import Sequence

import torch
from torch.nn import functional as F

from spokenwords import parallel
from spokenwords.loader import Recordings
from spokenwords.model import Classifier
from spokenwords.stft import STFT
from spokenwords.streaming import StreamedRecordings

BATCH_SIZE = 256
# Over how many shifts probabilities are averaged, where they are.
SHIFTS = 5


def shifts_within(seconds: float, transform: STFT) -> list[int]:
    """`SHIFTS` shifts in frames, evenly spread up to so many seconds either way."""
    most = seconds * transform.sample_rate / transform.hop_length
    return sorted({round(most * i / (SHIFTS // 2)) for i in range(-(SHIFTS // 2), SHIFTS // 2 + 1)})


@torch.inference_mode()
def score(
    classifier: Classifier,
    recordings: Recordings | StreamedRecordings,
    shifts: Sequence[int] = (0,),
) -> torch.Tensor:
    """The classifier's scores of all recordings, float32 [recording, word], on their device.

    With several `shifts` (frames; what comes in is zero) they are the logarithms of the
    probabilities' means over the recording shifted by each.
    """
    classifier.eval()
    batches = (batch for batch, _ in recordings.in_order(BATCH_SIZE))
    if tuple(shifts) == (0,):
        return torch.cat([classifier(batch) for batch in batches])
    return torch.cat([_mean_over(classifier, batch, shifts) for batch in batches])


def _mean_over(
    classifier: Classifier, spectrograms: torch.Tensor, shifts: Sequence[int]
) -> torch.Tensor:
    shifted = (F.pad(spectrograms, (shift, -shift)) for shift in shifts)
    logarithms = torch.stack([classifier(values).log_softmax(dim=1) for values in shifted])
    return logarithms.logsumexp(dim=0) - math.log(len(shifts))


def losses(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The cross-entropy (nats) of each recording [recording]."""
    return F.cross_entropy(scores, labels, reduction="none")


def loss_and_accuracy(scores: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Mean cross-entropy (nats), and the share of recordings whose best word is the label.

    Of the recordings of all processes, where several train together.
    """
    loss = F.cross_entropy(scores.double(), labels, reduction="sum")
    correct = (scores.argmax(dim=1) == labels).double().sum()
    sums = torch.stack([loss, correct, torch.full_like(loss, len(labels))])
    loss_sum, correct, count = parallel.total(sums).tolist()
    return loss_sum / count, correct / count

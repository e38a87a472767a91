"""What a classifier makes of recordings: the likeliest classes, loss and accuracy.

Of each batch only that is kept: of a thousand words, all probabilities of the test recordings would
take gigabytes.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from spokenwords import answers, parallel
from spokenwords.loader import Recordings
from spokenwords.model import Classifier
from spokenwords.stft import STFT
from spokenwords.streaming import StreamedRecordings

BATCH_SIZE = 256
# Over how many shifts probabilities are averaged, where they are.
SHIFTS = 5


@dataclass(frozen=True)
class Outcomes:
    """Of each recording the likeliest classes, by falling probability, and the loss.

    `classes` are their numbers, int64 [recording, place], and `probabilities` theirs, float32
    [recording, place]; `label_probabilities` [recording] are those of the labels, `losses`
    cross-entropies (nats) [recording].
    """

    classes: torch.Tensor
    probabilities: torch.Tensor
    label_probabilities: torch.Tensor
    losses: torch.Tensor


def shifts_within(seconds: float, transform: STFT) -> list[int]:
    """`SHIFTS` shifts in frames, evenly spread up to so many seconds either way."""
    most = seconds * transform.sample_rate / transform.hop_length
    return sorted({round(most * i / (SHIFTS // 2)) for i in range(-(SHIFTS // 2), SHIFTS // 2 + 1)})


@torch.inference_mode()
def scores(
    classifier: Classifier,
    recordings: Recordings | StreamedRecordings,
    shifts: Sequence[int] = (0,),
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batch by batch the scores, float32 [recording, class], and the labels [recording].

    With several `shifts` (frames; what comes in is zero) scores are the logarithms of the
    probabilities' means over the recording shifted by each.
    """
    classifier.eval()
    for batch, labels in recordings.in_order(BATCH_SIZE):
        if tuple(shifts) == (0,):
            yield classifier(batch), labels
        else:
            yield _mean_over(classifier, batch, shifts), labels


def _mean_over(
    classifier: Classifier, spectrograms: torch.Tensor, shifts: Sequence[int]
) -> torch.Tensor:
    shifted = (F.pad(spectrograms, (shift, -shift)) for shift in shifts)
    logarithms = torch.stack([classifier(values).log_softmax(dim=1) for values in shifted])
    return logarithms.logsumexp(dim=0) - math.log(len(shifts))


def likeliest(probabilities: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Classes and probabilities as in `Outcomes`, of probabilities [recording, class]."""
    values, classes = probabilities.topk(min(answers.LIKELIEST, probabilities.shape[1]))
    return classes, values


@torch.inference_mode()
def outcomes(
    classifier: Classifier,
    recordings: Recordings | StreamedRecordings,
    shifts: Sequence[int] = (0,),
) -> Outcomes:
    """What the classifier makes of each recording, on their device; `shifts` as in `scores`."""
    parts = []
    for found, labels in scores(classifier, recordings, shifts):
        probabilities = found.softmax(dim=1)
        own = probabilities.gather(1, labels[:, None])[:, 0]
        losses = F.cross_entropy(found, labels, reduction="none")
        parts.append((*likeliest(probabilities), own, losses))
    return Outcomes(*map(torch.cat, zip(*parts, strict=True)))


def loss_and_accuracy(outcomes: Outcomes, labels: torch.Tensor) -> tuple[float, float]:
    """Mean cross-entropy (nats), and the share of recordings whose likeliest class is the label.

    Of the recordings of all processes, where several train together.
    """
    loss = outcomes.losses.double().sum()
    correct = (outcomes.classes[:, 0] == labels).double().sum()
    sums = torch.stack([loss, correct, torch.full_like(loss, len(labels))])
    loss_sum, correct, count = parallel.total(sums).tolist()
    return loss_sum / count, correct / count

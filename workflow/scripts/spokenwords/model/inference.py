"""What a classifier makes of recordings: the likeliest classes, loss and accuracy.

Of each batch only that is kept: of a thousand words, all probabilities of the test recordings would
take gigabytes.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from spokenwords.model.classifier import Classifier
from spokenwords.spectrograms import level
from spokenwords.spectrograms.in_memory import Recordings
from spokenwords.spectrograms.stft import STFT
from spokenwords.spectrograms.streamed import StreamedRecordings

BATCH_SIZE = 256
# Over how many shifts probabilities are averaged, where they are.
SHIFTS = 5


@dataclass(frozen=True)
class Outcomes:
    """Of each recording its label, the likeliest classes, and the loss.

    `classes` are the numbers of the likeliest, int64 [recording, place], the likeliest first, and
    `probabilities` theirs, float32 [recording, place]; `label_probabilities` [recording] are those
    of the `labels`, `losses` cross-entropies (nats) [recording].
    """

    labels: torch.Tensor
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


def ranked(probabilities: torch.Tensor, places: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Classes and probabilities as in `Outcomes`, of probabilities [recording, class].

    Of equals the first class comes first, as everywhere; `topk` would take any.
    """
    left, ordered = probabilities.clone(), []
    for _ in range(min(places, probabilities.shape[1])):
        ordered.append(left.argmax(dim=1, keepdim=True))
        left.scatter_(1, ordered[-1], -1)
    classes = torch.cat(ordered, dim=1)
    return classes, probabilities.gather(1, classes)


@torch.inference_mode()
def outcomes(
    classifier: Classifier,
    recordings: Recordings | StreamedRecordings,
    shifts: Sequence[int] = (0,),
    places: int = 1,
) -> Outcomes:
    """What the classifier makes of recordings whose labels are classes of its, on their device.

    Of each so many of the likeliest classes as there are `places`; `shifts` as in `scores`.
    """
    # Room for all at first: what is kept between batches would come to lie among freed memory, in
    # which the next batch then finds no place.
    count, places = len(recordings), min(places, len(classifier.words))
    labels, device = recordings.labels, recordings.labels.device
    found = Outcomes(
        labels,
        classes=torch.empty((count, places), dtype=torch.int64, device=device),
        probabilities=torch.empty((count, places), device=device),
        label_probabilities=torch.empty(count, device=device),
        losses=torch.empty(count, device=device),
    )
    start = 0
    for values, own in scores(classifier, recordings, shifts):
        rows = slice(start, start := start + len(own))
        probabilities = values.softmax(dim=1)
        found.classes[rows], found.probabilities[rows] = ranked(probabilities, places)
        found.label_probabilities[rows] = probabilities.gather(1, own[:, None])[:, 0]
        found.losses[rows] = F.cross_entropy(values, own, reduction="none")
    return found


@torch.inference_mode()
def likeliest_classes(
    classifier: Classifier, recordings: Recordings | StreamedRecordings
) -> tuple[torch.Tensor, torch.Tensor]:
    """The likeliest class of each recording, whatever its label, and its probability."""
    classes = torch.empty_like(recordings.labels)
    probabilities = torch.empty(len(recordings), device=recordings.labels.device)
    start = 0
    for values, own in scores(classifier, recordings):
        rows = slice(start, start := start + len(own))
        best, confidences = ranked(values.softmax(dim=1), 1)
        classes[rows], probabilities[rows] = best[:, 0], confidences[:, 0]
    return classes, probabilities


@torch.inference_mode()
def levels(transform: STFT, recordings: Recordings | StreamedRecordings) -> np.ndarray:
    """The level of each recording, whose spectrograms are by `transform`, dBFS [recording]."""
    found = [
        level.of_spectrograms(some, transform).cpu() for some, _ in recordings.in_order(BATCH_SIZE)
    ]
    return torch.cat([torch.empty(0), *found]).numpy()

"""Predictions of a classifier: the likeliest classes, their probabilities, and losses.

Only these are kept of each batch: with a thousand words, all probabilities of the test recordings
would take gigabytes.
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
# Number of shifts over which probabilities are averaged, if they are.
SHIFTS = 5


@dataclass(frozen=True)
class Outcomes:
    """Predictions of recordings.

    - `labels`: true classes [recording]
    - `classes`: numbers of the likeliest classes, int64 [recording, place], the likeliest first
    - `probabilities`: those of `classes`, float32 [recording, place]
    - `label_probabilities`: those of `labels` [recording]
    - `losses`: cross-entropies (nats) [recording]
    """

    labels: torch.Tensor
    classes: torch.Tensor
    probabilities: torch.Tensor
    label_probabilities: torch.Tensor
    losses: torch.Tensor


def shifts_within(seconds: float, transform: STFT) -> list[int]:
    """Return `SHIFTS` shifts in frames, evenly spread up to this many seconds either way."""
    most = seconds * transform.sample_rate / transform.hop_length
    return sorted({round(most * i / (SHIFTS // 2)) for i in range(-(SHIFTS // 2), SHIFTS // 2 + 1)})


@torch.inference_mode()
def scores(
    classifier: Classifier,
    recordings: Recordings | StreamedRecordings,
    shifts: Sequence[int] = (0,),
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield batches of scores, float32 [recording, class], and labels [recording].

    With several `shifts` (frames; gaps are filled with zeros), scores are the logarithms of the
    mean probabilities over the shifted recordings.
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
    """Return `classes` and `probabilities` of `Outcomes`, given probabilities [recording, class].

    Of equal classes the first comes first, as everywhere; `topk` would choose any.
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
    """Return the predictions of recordings whose labels are the classifier's, on their device.

    `places` is the number of likeliest classes of each; `shifts` are as in `scores`.
    """
    # Allocated at first: results of single batches would fragment the freed memory, which then has
    # no room for the next batch.
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
    """Return the likeliest class of each recording, and its probability; labels do not matter."""
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
    """Return the level of each recording, dBFS [recording]; `transform` made its spectrogram."""
    found = [
        level.of_spectrograms(some, transform).cpu() for some, _ in recordings.in_order(BATCH_SIZE)
    ]
    return torch.cat([torch.empty(0), *found]).numpy()

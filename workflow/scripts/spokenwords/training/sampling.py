"""The recordings of an epoch: balanced classes, and a share of negatives and cut words."""

from typing import TYPE_CHECKING

import numpy as np
import torch

from spokenwords.model import inference
from spokenwords.spectrograms.streamed import Sample
from spokenwords.training import distributed

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier
    from spokenwords.spectrograms.in_memory import Recordings
    from spokenwords.spectrograms.streamed import StreamedRecordings

# In place of a class: a recording of a word that is to be cut, and then is `unknown`.
CUT = -1
# Of the recordings that are added, the share of words that are cut. Windows of a stream contain
# parts of words as often as whole ones.
SHARE_OF_CUT = 0.25
# Of the negatives, the share of hard ones: those that the network of the moment predicts as a word.
SHARE_OF_HARD = 0.5
# Hard negatives are searched for after every so many epochs, among at most as many negatives as an
# epoch has recordings, so that a small data set is not scored against thousands of them.
EPOCHS_BETWEEN = 5


class Sampler:
    """Sample the recordings of each epoch."""

    def __init__(
        self, labels: np.ndarray, is_negative: np.ndarray, words: int, share: float, balanced: bool
    ):
        """Take the training set: `labels`, int [recording], and which recordings are negatives.

        - `words`: number of classes that are words, which come first
        - `share`: that of recordings without a word that are added: negatives and cut words, of the
          class `unknown`, which comes after the words
        - `balanced`: whether each class has the same number of the recordings that are not added
        """
        self._labels, self._words, self._balanced = labels, words, balanced
        self._own, self._negatives = np.flatnonzero(~is_negative), np.flatnonzero(is_negative)
        # All processes need the same number of batches.
        self._count = min(distributed.gathered(len(self._own)))
        self._added = round(self._count * share / (1 - share))
        self.hard = np.empty(0, np.int64)

    def __len__(self) -> int:
        """Return the number of recordings in an epoch."""
        return self._count + self._added

    def epoch(self, seed: int) -> Sample:
        """Return the recordings of an epoch, which follow from the seed and the hard negatives.

        A recording is repeated only after all others of its kind.
        """
        generator = np.random.default_rng(seed)
        labels, own = self._labels, self._own
        classes = [own]
        if self._balanced:
            classes = [own[labels[own] == number] for number in np.unique(labels[own])]
        counts = np.diff(np.linspace(0, self._count, len(classes) + 1).round().astype(int))
        positions = [
            _sampled(some, count, generator) for some, count in zip(classes, counts, strict=True)
        ]
        found = [labels[some] for some in positions]
        cut = round(SHARE_OF_CUT * self._added)
        hard = round(SHARE_OF_HARD * (self._added - cut)) if len(self.hard) else 0
        for some, count, label in (
            (own[labels[own] < self._words], cut, CUT),
            (self.hard, hard, self._words),
            (self._negatives, self._added - cut - hard, self._words),
        ):
            positions.append(_sampled(some, count, generator))
            found.append(np.full(count, label))
        return Sample(np.concatenate(positions), torch.from_numpy(np.concatenate(found)))

    def cut(
        self, spectrograms: torch.Tensor, labels: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return a batch whose recordings of class `CUT` are cut, and then `unknown`.

        They are shifted by half to three quarters of their length, towards the edge to which the
        centre of their energy is closer, so that no more than half of the word remains; gaps are
        zero.
        """
        wanted = torch.nonzero(labels == CUT)[:, 0]
        if not len(wanted):
            return spectrograms, labels
        whole, frames = spectrograms[wanted], spectrograms.shape[-1]
        times = torch.arange(frames, device=whole.device)
        energy = whole.float().square().sum(dim=(1, 2))
        before_middle = energy @ (times - (frames - 1) / 2) < 0
        # On the CPU, like all random numbers of the training.
        shares = 0.5 + torch.rand(len(wanted), generator=generator) / 4
        shifts = (shares * frames).round().long().to(whole.device)
        sources = times - torch.where(before_middle, -shifts, shifts)[:, None]
        inside = ((sources >= 0) & (sources < frames))[:, None, None]
        index = sources.clamp(0, frames - 1)[:, None, None].expand(whole.shape)
        spectrograms = spectrograms.index_copy(0, wanted, whole.gather(-1, index) * inside)
        return spectrograms, torch.where(labels == CUT, self._words, labels)

    def search(
        self,
        classifier: "Classifier",
        recordings: "Recordings | StreamedRecordings",
        epoch: int,
        seed: int,
    ) -> None:
        """Find the hard negatives of the training set, if it is time after this epoch."""
        if epoch % EPOCHS_BETWEEN or not self._added:
            return
        generator = np.random.default_rng(seed)
        some = np.sort(_sampled(self._negatives, min(len(self), len(self._negatives)), generator))
        found, _ = inference.likeliest_classes(classifier, recordings.subset(some))
        self.hard = some[found.cpu().numpy() < self._words]


def _sampled(recordings: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Return `count` of the recordings, each as often as another one or once more."""
    if not count:
        return np.empty(0, np.int64)
    whole, rest = divmod(count, len(recordings))
    some = generator.choice(recordings, rest, replace=False)
    return np.concatenate([np.tile(recordings, whole), some])

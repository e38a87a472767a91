"""The recordings of an epoch: balanced classes, negatives, cut words, and hard negatives."""

from collections import Counter

import numpy as np
import pytest
import torch

from spokenwords.model import inference
from spokenwords.training.sampling import CUT, Sampler

# Three words, then the class `unknown` with recordings of its own, then silence.
COUNTS = [10, 20, 30, 12, 8]
NEGATIVES = 200
LABELS = np.concatenate([np.repeat(range(5), COUNTS), np.full(NEGATIVES, 3)])
IS_NEGATIVE = np.arange(len(LABELS)) >= sum(COUNTS)


def make(share=0.0, balanced=False):
    return Sampler(LABELS, IS_NEGATIVE, words=3, share=share, balanced=balanced)


def test_all_recordings_once_and_a_share_of_negatives_and_cut_words():
    sampler = make(share=0.2)
    sample = sampler.epoch(seed=1)
    labels = sample.labels.numpy()
    # 80 recordings, and 20 that are added: 5 cut words, 15 negatives.
    assert len(sampler) == len(labels) == 100
    cut, negatives = sample.positions[labels == CUT], IS_NEGATIVE[sample.positions]
    assert len(cut) == 5 and (LABELS[cut] < 3).all()
    assert negatives.sum() == 15 and (labels[negatives] == 3).all()
    others = sample.positions[~negatives & (labels != CUT)]
    assert sorted(others) == list(range(80))
    np.testing.assert_array_equal(labels[~negatives & (labels != CUT)], LABELS[others])


def test_balanced_classes_repeat_recordings_only_after_all_others():
    sample = make(balanced=True).epoch(seed=1)
    assert Counter(sample.labels.tolist()) == dict.fromkeys(range(5), 16)
    for number, count in enumerate(COUNTS):
        uses = Counter(sample.positions[LABELS[sample.positions] == number].tolist())
        assert sum(uses.values()) == 16
        assert set(uses.values()) <= {16 // count, -(-16 // count)}


def test_an_epoch_follows_from_its_seed():
    sampler = make(share=0.3, balanced=True)
    one, same, other = (sampler.epoch(seed).positions for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_half_of_the_negatives_are_those_that_are_taken_for_a_word(monkeypatch, make_recordings):
    sampler = make(share=0.2)
    searched = []

    def likeliest_classes(classifier, recordings):
        searched.append(len(recordings))
        # A word and no word in turn.
        return torch.arange(len(recordings)) % 2 * 3, None

    monkeypatch.setattr(inference, "likeliest_classes", likeliest_classes)
    recordings = make_recordings(len(LABELS), seed=1)
    for epoch in range(1, 10):
        sampler.search(None, recordings, epoch, seed=epoch)
    # As many as an epoch has recordings, after the fifth one.
    assert searched == [100]
    hard = set(sampler.hard.tolist())
    assert len(hard) == 50 and IS_NEGATIVE[sampler.hard].all()
    sample = sampler.epoch(seed=1)
    used = sample.positions[IS_NEGATIVE[sample.positions]]
    assert len(used) == 15
    # 8 of 15, and by chance some of the others.
    assert sum(position in hard for position in used) >= 8


@pytest.mark.parametrize(("first", "remaining"), [(10, 0), (40, 10), (75, 0)])
def test_at_most_half_of_a_cut_word_remains(first, remaining):
    """A word of 20 frames is shifted out of a recording of 100 over the closer edge."""
    word = torch.zeros(8, 2, 3, 100, dtype=torch.float16)
    word[..., first : first + 20] = 1
    labels = torch.tensor([CUT, 1] * 4)
    generator = torch.Generator().manual_seed(1)
    cut, classes = make().cut(word, labels, generator)
    assert classes.tolist() == [3, 1] * 4
    assert torch.equal(cut[1::2], word[1::2])
    assert (cut[::2, 0, 0].sum(dim=1) <= remaining).all()
    assert torch.equal(word[0], word[1]), "the set's own recordings stay as they are"

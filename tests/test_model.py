"""The published network and the classifier around it."""

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from spokenwords.errors import UserError
from spokenwords.model import Classifier, published_network
from spokenwords.representation import NAMES
from spokenwords.stft import STFT

# Spectrograms of [79, 78]: about the smallest that the network takes.
SMALL = STFT(1_000, 156, window_seconds=0.1, stride_seconds=0.013, normalized=True)
WIDTHS = (32, 64, 128, 256, 512)


def spectrograms(count=4, seed=1):
    return torch.randn(count, 2, 79, 78, generator=torch.Generator().manual_seed(seed)).half()


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def parameters_by_hand(channels, words):
    convolutions = sum(9 * a * b + b for a, b in pairwise((channels, *WIDTHS)))
    batch_norms = 2 * (sum(WIDTHS) + 512)
    return convolutions + batch_norms + (512 * 512 + 512) + (512 * words + words)


@pytest.mark.parametrize(
    ("channels", "words", "expected"), [(2, 30, 1_849_342), (1, 5, 1_836_229), (1, 11, 1_839_307)]
)
def test_parameters(channels, words, expected):
    assert parameters_by_hand(channels, words) == expected
    assert parameters(published_network(channels, words)) == expected


def test_published_input_and_output():
    network = published_network(2, 30).eval()
    assert network(torch.zeros(1, 2, 257, 101)).shape == (1, 30)


def test_pieces_are_the_published_ones():
    pieces = [type(piece) for piece in published_network(2, 30)]
    block = [nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.ReLU, nn.Dropout2d]
    last_block = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.AdaptiveAvgPool2d, nn.Dropout2d]
    head = [nn.Flatten, nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Dropout, nn.Linear]
    assert pieces == 4 * block + last_block + head


def test_pooling_before_relu_changes_no_gradient():
    """Against the same pieces in the published order: ReLU, then pooling."""
    torch.manual_seed(1)
    network = published_network(2, 7)
    published = list(network)
    for i, piece in enumerate(network):
        if isinstance(piece, nn.MaxPool2d):
            published[i : i + 2] = [nn.ReLU(), piece]
    images, labels = spectrograms(6).float(), torch.arange(6)
    gradients = []
    for pieces in (network, nn.Sequential(*published)):
        torch.manual_seed(2)  # of dropout
        network.zero_grad()
        F.cross_entropy(pieces(images), labels).backward()
        gradients.append([parameter.grad.clone() for parameter in network.parameters()])
    assert any(gradient.abs().max() > 0.01 for gradient in gradients[0])
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-7)


def test_dropout_shares():
    network = published_network(2, 30)
    assert [piece.p for piece in network if isinstance(piece, nn.Dropout2d)] == 5 * [0.2]
    assert [piece.p for piece in network if isinstance(piece, nn.Dropout)] == [0.5]


def test_arithmetic():
    """The same as the published description, written out."""
    torch.manual_seed(1)
    network = published_network(2, 7)
    with torch.no_grad():
        network(spectrograms(8).float())  # gives batch norm something to remember
    network.eval()
    weights = [piece.state_dict() for piece in network if piece.state_dict()]

    def batch_norm(values, w):
        return F.batch_norm(values, w["running_mean"], w["running_var"], w["weight"], w["bias"])

    images = values = spectrograms().float()
    for number in range(5):
        convolution, norm = weights[2 * number : 2 * number + 2]
        values = F.conv2d(values, convolution["weight"], convolution["bias"])
        values = batch_norm(values, norm).relu()
        values = F.max_pool2d(values, 2) if number < 4 else values.mean(dim=(2, 3))
    hidden, norm, output = weights[10:]
    values = batch_norm(F.linear(values, hidden["weight"], hidden["bias"]), norm).relu()
    expected = F.linear(values, output["weight"], output["bias"])
    torch.testing.assert_close(network(images), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:At least one mel filterbank")
@pytest.mark.parametrize("representation", NAMES)
def test_saved_classifier_gives_the_same_scores(tmp_path, representation):
    words = ["bird", "NA", "zwölf", "don't", "001"]
    torch.manual_seed(1)
    classifier = Classifier(words, representation, SMALL, samples=1_002)
    classifier(spectrograms(8, seed=2))
    classifier.eval()
    expected = classifier(spectrograms())
    assert expected.shape == (4, 5)
    assert expected.isfinite().all()
    path = tmp_path / "model.pt"
    classifier.save(path)
    torch.manual_seed(2)
    loaded = Classifier.load(path)
    assert not loaded.training
    torch.testing.assert_close(loaded(spectrograms()), expected, rtol=0, atol=0)
    assert loaded.words == words
    assert loaded.representation.name == representation
    assert (loaded.transform, loaded.samples) == (SMALL, 1_002)


def test_saved_classifier_is_data_without_code(tmp_path):
    """It opens where this library is not: words, settings and weights, by plain types."""
    Classifier(["no", "yes"], "complex", SMALL, samples=1_002).save(tmp_path / "model.pt")
    saved = torch.load(tmp_path / "model.pt", weights_only=True)
    network = published_network(2, 2)
    network.load_state_dict(saved["weights"])
    assert saved["words"] == ["no", "yes"]
    assert saved["representation"] == "complex"
    assert STFT(**saved["transform"]) == SMALL
    assert saved["samples"] == 1_002


def test_words_are_those_of_the_stores_in_their_order():
    stores = [
        SimpleNamespace(word=word, transform=SMALL, samples=1_002) for word in ("yes", "no", "up")
    ]
    torch.manual_seed(1)
    classifier = Classifier.for_stores(stores, "power")
    assert classifier.words == ["yes", "no", "up"]
    assert (classifier.transform, classifier.samples) == (SMALL, 1_002)
    assert classifier.eval()(spectrograms()).shape == (4, 3)
    # Torch's seed decides on the weights.
    torch.manual_seed(1)
    same = Classifier.for_stores(stores, "power")
    assert torch.equal(same.eval()(spectrograms()), classifier(spectrograms()))


@pytest.mark.filterwarnings("ignore:At least one mel filterbank")
@pytest.mark.parametrize("name", NAMES)
def test_images_are_exact_whatever_the_networks_precision(name):
    classifier, seen = Classifier(["yes", "no"], name, SMALL, samples=1000), []
    classifier.network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(2))
    classifier.network.register_forward_pre_hook(lambda _, images: seen.append(images[0]))
    classifier.precision = torch.bfloat16
    classifier(spectrograms())
    torch.testing.assert_close(seen[0], classifier.representation(spectrograms()), rtol=0, atol=0)
    assert seen[0].dtype == torch.float32


class Harmful:
    """Unpickled, it would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("kind", ["harmful", "empty", "text", "another dictionary", "truncated"])
def test_a_file_that_is_no_model_is_told_and_never_run(tmp_path, kind):
    path, mark = tmp_path / "model.pt", tmp_path / "run"
    Classifier(["no", "yes"], "complex", SMALL, 1000).save(path)
    if kind == "harmful":
        torch.save({"words": Harmful(mark)}, path)
    elif kind == "another dictionary":
        torch.save({"words": ["no"]}, path)
    else:
        path.write_bytes({"empty": b"", "text": b"text"}.get(kind, path.read_bytes()[:5000]))
    with pytest.raises(UserError, match=r"model\.pt is no model of this workflow.*delete it"):
        Classifier.load(path)
    assert not mark.exists()

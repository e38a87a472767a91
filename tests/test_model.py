"""The classifier: what it is made of, and what is saved of it."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from spokenwords.errors import UserError
from spokenwords.model import Classifier
from spokenwords.networks import published, residual
from spokenwords.representation import REPRESENTATIONS
from spokenwords.stft import STFT

# Spectrograms of [79, 78]: about the smallest that the published network takes.
SMALL = STFT(1_000, 156, window_seconds=0.1, stride_seconds=0.013, normalized=True)
# Representations and networks that fit together on those: 40 bands are too few for the published.
PAIRS = [
    *((name, "published") for name in REPRESENTATIONS if not name.startswith("log_mel")),
    *((name, "residual") for name in REPRESENTATIONS),
]


def spectrograms(count=4, seed=1):
    return torch.randn(count, 2, 79, 78, generator=torch.Generator().manual_seed(seed)).half()


@pytest.mark.filterwarnings("ignore:At least one mel filterbank")
@pytest.mark.parametrize(("representation", "network"), PAIRS)
def test_saved_classifier_gives_the_same_scores(tmp_path, representation, network):
    words = ["bird", "NA", "zwölf", "don't", "001"]
    torch.manual_seed(1)
    classifier = Classifier(words, representation, SMALL, 1_002, network)
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
    assert loaded.network_name == network
    assert loaded.parameter_count() == classifier.parameter_count()
    assert (loaded.transform, loaded.samples) == (SMALL, 1_002)


@pytest.mark.parametrize(("name", "network"), [("published", published), ("residual", residual)])
def test_saved_classifier_is_data_without_code(tmp_path, name, network):
    """It opens where this library is not: words, settings and weights, by plain types."""
    Classifier(["no", "yes"], "complex", SMALL, 1_002, name).save(tmp_path / "model.pt")
    saved = torch.load(tmp_path / "model.pt", weights_only=True)
    network(2, 2).load_state_dict(saved["weights"])
    assert saved["words"] == ["no", "yes"]
    assert saved["representation"] == "complex"
    assert saved["network"] == name
    assert STFT(**saved["transform"]) == SMALL
    assert saved["samples"] == 1_002


def test_words_are_those_of_the_stores_in_their_order():
    stores = [
        SimpleNamespace(word=word, transform=SMALL, samples=1_002) for word in ("yes", "no", "up")
    ]
    torch.manual_seed(1)
    classifier = Classifier.for_stores(stores, "power")
    assert classifier.words == ["yes", "no", "up"]
    assert classifier.network_name == "published"
    assert (classifier.transform, classifier.samples) == (SMALL, 1_002)
    assert classifier.eval()(spectrograms()).shape == (4, 3)
    # Torch's seed decides on the weights.
    torch.manual_seed(1)
    same = Classifier.for_stores(stores, "power")
    assert torch.equal(same.eval()(spectrograms()), classifier(spectrograms()))
    other = Classifier.for_stores(stores, "power", "residual")
    assert (other.words, other.network_name) == (["yes", "no", "up"], "residual")
    assert other.parameter_count() < classifier.parameter_count() / 2


def test_unknown_network():
    with pytest.raises(ValueError, match="perceptron"):
        Classifier(["no", "yes"], "complex", SMALL, 1_002, "perceptron")


@pytest.mark.filterwarnings("ignore:At least one mel filterbank")
@pytest.mark.parametrize("name", REPRESENTATIONS)
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


@pytest.mark.parametrize(
    "kind",
    [
        *("harmful", "empty", "text", "another dictionary", "truncated"),
        *("unknown network", "another network", "no network"),
    ],
)
def test_a_file_that_is_no_model_is_told_and_never_run(tmp_path, kind):
    path, mark = tmp_path / "model.pt", tmp_path / "run"
    Classifier(["no", "yes"], "complex", SMALL, 1000).save(path)
    if kind == "harmful":
        torch.save({"words": Harmful(mark)}, path)
    elif kind == "another dictionary":
        torch.save({"words": ["no"]}, path)
    elif kind.endswith("network"):
        saved = torch.load(path, weights_only=True)
        del saved["network"]
        names = {"unknown network": "perceptron", "another network": "residual"}
        torch.save(saved | ({"network": names[kind]} if kind in names else {}), path)
    else:
        path.write_bytes({"empty": b"", "text": b"text"}.get(kind, path.read_bytes()[:5000]))
    with pytest.raises(UserError, match=r"model\.pt is no model of this workflow.*delete it"):
        Classifier.load(path)
    assert not mark.exists()

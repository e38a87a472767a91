"""The classifier: its parts, its file, and files that are not one."""

import zipfile
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from spokenwords.errors import UserError
from spokenwords.model.classifier import Classifier
from spokenwords.model.networks import published, residual
from spokenwords.model.representation import REPRESENTATIONS
from spokenwords.spectrograms import level
from spokenwords.spectrograms.stft import STFT

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
    """It can be read without this library: words, settings and weights of plain types."""
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
    classifier = Classifier.for_stores(stores, "power", "published")
    assert classifier.words == ["yes", "no", "up"]
    assert classifier.network_name == "published"
    assert (classifier.transform, classifier.samples) == (SMALL, 1_002)
    assert classifier.eval()(spectrograms()).shape == (4, 3)
    # Torch's seed decides on the weights.
    torch.manual_seed(1)
    same = Classifier.for_stores(stores, "power", "published")
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
    classifier, seen = Classifier(["yes", "no"], name, SMALL, 1000, "published"), []
    classifier.network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(2))
    classifier.network.register_forward_pre_hook(lambda _, images: seen.append(images[0]))
    classifier.precision = torch.bfloat16
    classifier(spectrograms())
    torch.testing.assert_close(seen[0], classifier.representation(spectrograms()), rtol=0, atol=0)
    assert seen[0].dtype == torch.float32


class Harmful:
    """If it is unpickled, it writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def saved(content):
    torch.save(content, file := BytesIO())
    return file.getvalue()


def zipped(*names):
    with zipfile.ZipFile(file := BytesIO(), "w") as archive:
        for name in names:
            archive.writestr(name, "content")
    return file.getvalue()


GRAPH = onnx.helper.make_graph([], "nothing", [], [])
FILES = {
    "empty": (b"", "an empty file"),
    "half": (lambda model: model[: len(model) // 2], "a file that is damaged or was not copied"),
    "a byte less": (lambda model: model[:-1], "a file that is damaged or was not copied whole"),
    "text": (
        b"version https://git-lfs.github.com/spec/v1\noid",
        "a text file that begins with 'version",
    ),
    "noise": (bytes(range(128, 256)), "another file"),
    "onnx": (onnx.helper.make_model(GRAPH, producer_name="pytorch"), "an ONNX model"),
    "onnx of nobody": (onnx.helper.make_model(GRAPH), "an ONNX model"),
    "TorchScript": (zipped("m/data.pkl", "m/constants.pkl"), "a TorchScript model"),
    "archive": (zipped("a.csv"), "a ZIP archive"),
    "checkpoint": (
        saved({"identity": "a", "parts": {}, "state": {}}),
        "the checkpoint of an unfinished training",
    ),
    "another dictionary": (saved({"words": ["no"]}), "a PyTorch file with other content"),
    "weights": (saved(nn.Linear(2, 2).state_dict()), "a PyTorch file with other content"),
    "network": (saved(nn.Linear(2, 2)), "a PyTorch file with code of another program"),
    "list": (saved([1]), "a PyTorch file with other content"),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.pt"
    Classifier(["no", "yes"], "complex", SMALL, 1000, "published").save(path)
    return path


def test_a_model_without_a_quietest_level_takes_no_recording_for_too_quiet(path):
    content = torch.load(path)
    del content["quietest"]
    torch.save(content, path)
    assert Classifier.load(path).quietest == level.SILENCE


def test_a_model_that_lacks_a_setting_is_of_another_version(path):
    content = torch.load(path)
    del content["no_words"]
    torch.save(content, path)
    with pytest.raises(UserError, match="but a model of another version of it: "):
        Classifier.load(path)


@pytest.mark.parametrize("name", FILES)
def test_message_names_the_kind_of_a_file_that_is_no_model(path, name):
    content, kind = FILES[name]
    if callable(content):
        content = content(path.read_bytes())
    path.write_bytes(content.SerializeToString() if name.startswith("onnx") else content)
    with pytest.raises(UserError) as fault:
        Classifier.load(path)
    assert str(fault.value).startswith(f"{path} is not a model of this workflow, but {kind}")
    assert str(fault.value).endswith(": delete it and run the workflow again, which retrains it.")
    with pytest.raises(UserError, match=r": name another\.$"):
        Classifier.load(path, "name another")


@pytest.mark.parametrize(
    "change",
    [{"network": "perceptron"}, {"representation": "scent"}, {"transform": {"n_fft": 64}}],
    ids=str,
)
def test_model_of_another_version(path, change):
    torch.save(torch.load(path, weights_only=True) | change, path)
    with pytest.raises(UserError, match="not a model of this workflow, but a model of another"):
        Classifier.load(path)


def test_a_flipped_bit_is_noticed_wherever_it_is(path):
    content = path.read_bytes()
    places = np.random.default_rng(1)
    # Weights fill the file; what describes them is at its start.
    for position in [
        *places.integers(8 * len(content), size=20),
        *places.integers(20_000, size=20),
    ]:
        flipped = bytearray(content)
        flipped[position // 8] ^= 1 << position % 8
        path.write_bytes(flipped)
        with pytest.raises(UserError, match="damaged or was not copied whole"):
            Classifier.load(path)


def test_code_in_a_file_is_never_run(path, tmp_path):
    torch.save({"words": Harmful(tmp_path / "run")}, path)
    with pytest.raises(UserError, match="code of another program"):
        Classifier.load(path)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("place", "raised"),
    [
        (
            "spokenwords.model.classifier.NETWORKS",
            {"published": mock.Mock(side_effect=TypeError("a bug"))},
        ),
        ("torch.load", mock.Mock(side_effect=MemoryError())),
        ("torch.load", mock.Mock(side_effect=RuntimeError("can't allocate memory"))),
        ("pathlib.Path.read_bytes", mock.Mock(side_effect=PermissionError(13, "no", "model.pt"))),
    ],
)
def test_errors_that_do_not_prove_damage_are_passed_on(path, monkeypatch, place, raised):
    """For example a bug in the function that builds the network."""
    monkeypatch.setattr(place, raised)
    error = raised["published"].side_effect if isinstance(raised, dict) else raised.side_effect
    with pytest.raises(type(error)) as fault:
        Classifier.load(path)
    assert fault.value is error

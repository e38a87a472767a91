"""The networks: their parts, their arithmetic, and their smallest images."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from spokenwords.config import input_sizes as image_sizes
from spokenwords.model.networks import NETWORKS, published, residual

WIDTHS = (32, 64, 128, 256, 512)


def images(count=4, channels=2, frequency=79, time=78):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, channels, frequency, time, generator=generator)


def batch_norm(values, w):
    return F.batch_norm(values, w["running_mean"], w["running_var"], w["weight"], w["bias"])


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def parameters_by_hand(channels, words):
    convolutions = sum(9 * a * b + b for a, b in pairwise((channels, *WIDTHS)))
    batch_norms = 2 * (sum(WIDTHS) + 512)
    return convolutions + batch_norms + (512 * 512 + 512) + (512 * words + words)


@pytest.mark.parametrize(
    ("channels", "words", "expected"), [(2, 30, 1_849_342), (1, 5, 1_836_229), (1, 11, 1_839_307)]
)
def test_parameters_of_the_published_network(channels, words, expected):
    assert parameters_by_hand(channels, words) == expected
    assert parameters(published(channels, words)) == expected


def test_published_input_and_output():
    network = published(2, 30).eval()
    assert network(torch.zeros(1, 2, 257, 101)).shape == (1, 30)


def test_pieces_are_the_published_ones():
    pieces = [type(piece) for piece in published(2, 30)]
    block = [nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.ReLU, nn.Dropout2d]
    last_block = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.AdaptiveAvgPool2d, nn.Dropout2d]
    head = [nn.Flatten, nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Dropout, nn.Linear]
    assert pieces == 4 * block + last_block + head


def test_pooling_before_relu_changes_no_gradient():
    """Against the same pieces in the published order: ReLU, then pooling."""
    torch.manual_seed(1)
    network = published(2, 7)
    in_order = list(network)
    for i, piece in enumerate(network):
        if isinstance(piece, nn.MaxPool2d):
            in_order[i : i + 2] = [nn.ReLU(), piece]
    labels = torch.arange(6)
    gradients = []
    for pieces in (network, nn.Sequential(*in_order)):
        torch.manual_seed(2)  # of dropout
        network.zero_grad()
        F.cross_entropy(pieces(images(6)), labels).backward()
        gradients.append([parameter.grad.clone() for parameter in network.parameters()])
    assert any(gradient.abs().max() > 0.01 for gradient in gradients[0])
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-7)


def test_dropout_shares():
    network = published(2, 30)
    assert [piece.p for piece in network if isinstance(piece, nn.Dropout2d)] == 5 * [0.2]
    assert [piece.p for piece in network if isinstance(piece, nn.Dropout)] == [0.5]


def test_arithmetic_of_the_published_network():
    """The same as the published description, written out."""
    torch.manual_seed(1)
    network = published(2, 7)
    with torch.no_grad():
        network(images(8))  # gives batch norm something to remember
    network.eval()
    weights = [piece.state_dict() for piece in network if piece.state_dict()]

    values = images()
    for number in range(5):
        convolution, norm = weights[2 * number : 2 * number + 2]
        values = F.conv2d(values, convolution["weight"], convolution["bias"])
        values = batch_norm(values, norm).relu()
        values = F.max_pool2d(values, 2) if number < 4 else values.mean(dim=(2, 3))
    hidden, norm, output = weights[10:]
    values = batch_norm(F.linear(values, hidden["weight"], hidden["bias"]), norm).relu()
    expected = F.linear(values, output["weight"], output["bias"])
    torch.testing.assert_close(network(images()), expected, rtol=1e-4, atol=1e-5)


# The residual network.


def residual_parameters_by_hand(channels, words):
    def convolution(side, before, after):  # with the batch norm that follows it
        return side**2 * before * after + 2 * after

    stem = 2 * channels + convolution(3, channels, 32)
    blocks = [(32, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128)]
    twice = sum(convolution(3, a, b) + convolution(3, b, b) for a, b in blocks)
    shortcuts = convolution(1, 32, 64) + convolution(1, 64, 128)
    return stem + twice + shortcuts + 128 * words + words


@pytest.mark.parametrize(
    ("channels", "words", "expected"),
    [(1, 11, 696_173), (1, 30, 698_624), (2, 30, 698_914), (3, 30, 699_204)],
)
def test_parameters_of_the_residual_network(channels, words, expected):
    assert residual_parameters_by_hand(channels, words) == expected
    assert parameters(residual(channels, words)) == expected


def test_arithmetic_of_the_residual_network():
    """The same as He's description, written out on the weights by their order."""
    torch.manual_seed(1)
    network = residual(3, 7)
    with torch.no_grad():
        network(images(8, 3, 21, 34))  # gives batch norm something to remember
    network.eval()
    pieces = [piece for piece in network.modules() if not list(piece.children())]
    weights = iter([piece.state_dict() for piece in pieces if piece.state_dict()])

    def convolved(values, stride=1):
        kernel = next(weights)["weight"]
        values = F.conv2d(values, kernel, stride=stride, padding=kernel.shape[-1] // 2)
        return batch_norm(values, next(weights))

    values = batch_norm(images(4, 3, 21, 34), next(weights))
    values = convolved(values, stride=2).relu()
    sizes = [values.shape[1:]]
    for stage in range(3):
        for block in range(2):
            stride = 2 if stage > 0 and block == 0 else 1
            inner = convolved(convolved(values, stride).relu())
            values = (inner + (convolved(values, stride) if stride == 2 else values)).relu()
        sizes.append(values.shape[1:])
    assert sizes == [(32, 11, 17), (32, 11, 17), (64, 6, 9), (128, 3, 5)]
    output = next(weights)
    expected = F.linear(values.mean(dim=(2, 3)), output["weight"], output["bias"])
    assert next(weights, None) is None
    torch.testing.assert_close(network(images(4, 3, 21, 34)), expected, rtol=1e-4, atol=1e-5)


def test_dropout_of_the_residual_network():
    assert [piece.p for piece in residual(1, 2).modules() if isinstance(piece, nn.Dropout)] == [0.2]


def test_the_residual_network_trains_whatever_the_scale_of_images():
    """The first batch norm removes scale and offset."""
    network = residual(1, 5)
    for piece in network.modules():
        if isinstance(piece, nn.Dropout):
            piece.p = 0.0
    some = images(4, 1, 16, 20)
    torch.testing.assert_close(network(1_000 * some - 300), network(some), rtol=1e-2, atol=1e-3)


# Both.


@pytest.mark.parametrize("name", NETWORKS)
def test_smallest_image(name):
    network, size = NETWORKS[name](1, 2).eval(), image_sizes.SMALLEST[name]
    with torch.inference_mode():
        assert network(torch.zeros(1, 1, size, size)).shape == (1, 2)
        for shape in [(size - 1, size), (size, size - 1)]:
            with pytest.raises(RuntimeError):
                network(torch.zeros(1, 1, *shape))


@pytest.mark.parametrize("name", NETWORKS)
def test_images_of_the_smallest_size_can_be_trained_on(name):
    size = image_sizes.SMALLEST[name]
    network = NETWORKS[name](1, 3)
    F.cross_entropy(network(images(2, 1, size, size)), torch.tensor([0, 2])).backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


def test_smallest_image_is_listed_for_all_networks():
    assert list(image_sizes.SMALLEST) == list(NETWORKS)

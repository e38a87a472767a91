"""The device of a job, and the precision of its arithmetic."""

import pytest
import torch

from spokenwords.errors import UserError
from spokenwords.model import device
from spokenwords.model.device import device_name

CPU = torch.device("cpu")


@pytest.fixture
def no_gpu(monkeypatch):
    threads = torch.get_num_threads()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    yield
    torch.set_num_threads(threads)


def test_missing_gpu(no_gpu):
    with pytest.raises(UserError, match=r"\(config key training\.device or .*\)"):
        device.choose("cuda", threads=1)
    with pytest.raises(UserError, match=r"`cuda` is required \(--device\) but"):
        device.choose("cuda", 1, "--device")


@pytest.mark.parametrize(("wanted", "logged"), [("auto", True), ("cpu", False)])
def test_threads_of_a_cpu(no_gpu, messages, wanted, logged):
    assert device.choose(wanted, threads=2) == CPU
    assert torch.get_num_threads() == 2
    assert any("No GPU" in message for message in messages) == logged
    assert "2 threads" in device_name(CPU)


def test_device_is_the_one_that_its_tensors_report(monkeypatch):
    """A tensor made on `cuda` reports `cuda:0`, which is not equal to `cuda`."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    assert device.choose("auto", threads=1) == torch.device("cuda", 0)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": False}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_automatic_precision_is_the_processors(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert device.precision("auto", CPU) == expected
    assert device.precision("float32", CPU) == torch.float32
    assert device.precision("bfloat16", CPU) == torch.bfloat16


def test_precision_of_the_networks_products(make_classifier, make_recordings):
    classifier, seen = make_classifier(), []
    classifier.network[1].register_forward_hook(lambda *_, out=seen: out.append(_[-1].dtype))
    for precision in (torch.float32, torch.bfloat16):
        classifier.precision = precision
        assert classifier(make_recordings(4, seed=1).spectrograms).dtype == torch.float32
    assert seen == [torch.float32, torch.bfloat16]

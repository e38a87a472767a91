"""Whether training is compiled."""

import pytest
import torch

from spokenwords.errors import UserError
from spokenwords.training import compilation
from spokenwords.training.compilation import compiles

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


@pytest.mark.parametrize(
    ("capability", "expected"), [((6, 1), False), ((7, 0), True), ((9, 0), True)]
)
def test_automatic_compilation(monkeypatch, capability, expected):
    monkeypatch.setenv("CC", "cc")
    monkeypatch.setattr(compilation.Path, "is_file", lambda path: True)  # Python.h
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert compiles("auto", GPU) == expected
    assert not compiles("auto", CPU)
    assert not compiles(False, GPU)
    assert compiles(True, GPU)


def test_no_compilation_without_a_compiler(monkeypatch, messages):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(compilation.shutil, "which", lambda name: None)
    monkeypatch.delenv("CC", raising=False)
    assert not compiles("auto", GPU)
    assert any("compiler" in line for line in messages)
    with pytest.raises(UserError, match=r"`compile` is `on` .*no C compiler"):
        compiles(True, GPU)


def test_no_compilation_for_a_cpu():
    """In bfloat16 it would make all scores NaN."""
    with pytest.raises(UserError, match=r"`compile` is `on` .*a CPU"):
        compiles(True, CPU)

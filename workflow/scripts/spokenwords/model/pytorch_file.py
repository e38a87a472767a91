"""Files that PyTorch wrote: read without running what is in them, and told from all others."""

import pickle
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

_DAMAGED = "a file that is damaged or was not copied whole"
# What zipfile raises for archives in memory that are damaged.
FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
# A protobuf's first fields: the version of ONNX, and the producer's name or the graph.
ONNX_FIELDS = (b"\x08", (b"\x12", b"\x3a"))


class ForeignFileError(Exception):
    """A file is damaged or was not written by PyTorch; the message names its kind, as a noun."""


def load(path: Path) -> Any:
    """What `torch.save` wrote to `path`, on the CPU.

    Raises `ForeignFileError`, which is certain: archives have checksums, which PyTorch itself does
    not look at; and `OSError` where the file cannot be read.
    """
    content = path.read_bytes()
    _require_pytorch(content)
    try:
        return torch.load(BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise ForeignFileError("a PyTorch file with code of another program in it") from None
    except RuntimeError as error:
        if "PytorchStreamReader" in str(error):
            raise ForeignFileError(_DAMAGED) from None
        raise


def _require_pytorch(content: bytes) -> None:
    """Raise `ForeignFileError` where `torch.save` did not write this, or it is damaged."""
    if not content.startswith(b"PK\x03\x04"):
        raise ForeignFileError(_kind(content))
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = {name.rpartition("/")[2] for name in archive.namelist()}
            damaged = archive.testzip()
    except FAULTS:
        raise ForeignFileError(_DAMAGED) from None
    if damaged:
        raise ForeignFileError(_DAMAGED)
    if "constants.pkl" in names:
        raise ForeignFileError("a TorchScript model")
    if "data.pkl" not in names:
        raise ForeignFileError("a ZIP archive")


def _kind(content: bytes) -> str:
    """What a file is that is no archive, as a noun."""
    if not content:
        return "an empty file"
    if content[:1] == ONNX_FIELDS[0] and content[2:3] in ONNX_FIELDS[1]:
        return "an ONNX model"
    try:
        start = content[:60].decode().splitlines()[0]
    except UnicodeDecodeError:
        start = ""
    return f"a text that begins with {start!r}" if start.isprintable() and start else "another file"

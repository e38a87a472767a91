"""Read files that PyTorch wrote, without running code in them, and recognise all others."""

import pickle
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

_DAMAGED = "a file that is damaged or was not copied whole"
# What zipfile raises for damaged archives in memory.
FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
# A protobuf's first fields: the version of ONNX, and the producer's name or the graph.
ONNX_FIELDS = (b"\x08", (b"\x12", b"\x3a"))


class ForeignFileError(Exception):
    """A file is damaged or was not written by PyTorch; the message names its kind, as a noun."""


def load(path: Path) -> Any:
    """Return what `torch.save` wrote to `path`, on the CPU.

    Raises `ForeignFileError` if the file is damaged or another program's, and `OSError` if it
    cannot be read. Damage is certain: archives have checksums, which PyTorch does not check.
    """
    content = path.read_bytes()
    _require_pytorch(content)
    try:
        return torch.load(BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise ForeignFileError("a PyTorch file with code of another program") from None
    except RuntimeError as error:
        if "PytorchStreamReader" in str(error):
            raise ForeignFileError(_DAMAGED) from None
        raise


def _require_pytorch(content: bytes) -> None:
    """Raise `ForeignFileError` unless `torch.save` wrote this and it is undamaged."""
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
    """Return the kind of a file that is not an archive, as a noun."""
    if not content:
        return "an empty file"
    if content[:1] == ONNX_FIELDS[0] and content[2:3] in ONNX_FIELDS[1]:
        return "an ONNX model"
    try:
        start = content[:60].decode().splitlines()[0]
    except UnicodeDecodeError:
        start = ""
    if start and start.isprintable():
        return f"a text file that begins with {start!r}"
    return "another file"

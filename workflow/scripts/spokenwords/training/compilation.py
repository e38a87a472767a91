"""Whether training is compiled by PyTorch's compiler."""

import logging
import os
import shutil
import sysconfig
from pathlib import Path

import torch

from spokenwords.errors import UserError
from spokenwords.training import distributed

logger = logging.getLogger("spokenwords")


def compiles(wanted: str | bool, device: torch.device) -> bool:
    """Return whether to compile training on `device`, for the setting `compile` (on, off, auto).

    auto compiles for a single GPU that PyTorch's compiler supports (compute capability 7.0), if it
    finds a C compiler and Python's headers. Raises `UserError` for `on` without these, and on a
    CPU: there `on` gains nothing and, in bfloat16, makes the scores NaN (PyTorch 2.11.0).
    """
    if device.type != "cuda":
        if wanted is True:
            raise UserError(
                "`compile` is `on` (config key of training or of the run), but training runs on "
                "a CPU, where PyTorch's compiler gains nothing: choose `auto` or `off`."
            )
        return False
    # Not measured: compiled batch norms that several processes synchronise.
    alone = distributed.size() == 1
    if wanted == "auto" and not (alone and torch.cuda.get_device_capability(device) >= (7, 0)):
        return False
    compiler = os.environ.get("CC") or any(map(shutil.which, ("gcc", "clang", "cc")))
    possible = bool(compiler and Path(sysconfig.get_paths()["include"], "Python.h").is_file())
    if wanted is True and not possible:
        raise UserError(
            "`compile` is `on` (config key of training or of the run), but there is no C compiler "
            "or no Python.h: install them (Debian: gcc, python3-dev), or choose `off`."
        )
    if wanted and not possible:
        logger.info("Training is not compiled: there is no C compiler or no Python.h.")
    return bool(wanted) and possible

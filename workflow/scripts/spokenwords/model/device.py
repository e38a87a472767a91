"""The device that trains: which one, in which precision, and how its memory is kept."""

import ctypes
import logging
import os
import platform
import shutil
import sysconfig
from pathlib import Path

import torch

from spokenwords.errors import UserError

logger = logging.getLogger("spokenwords")


def choose(
    wanted: str, threads: int, setting: str = "config key training.device, or the run's own"
) -> torch.device:
    """The device for `wanted` (auto, cuda or cpu), made ready; a CPU works with `threads` threads.

    Of several GPUs it is one. Raises `UserError`, which names the `setting` that `wanted` comes
    from, when a GPU is demanded and there is none.
    """
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise UserError(
            f"The device `cuda` is demanded ({setting}) but PyTorch finds no GPU; choose `auto` or "
            "`cpu`."
        )
    if available and wanted != "cpu":
        if (count := torch.cuda.device_count()) > 1:
            logger.info(
                f"{count} GPUs found: one is used, the others stay idle. The environment variable "
                "CUDA_VISIBLE_DEVICES says which."
            )
        torch.backends.cudnn.benchmark = True
        # With its index, as tensors on it report it: without, it would not equal theirs.
        return torch.device("cuda", torch.cuda.current_device())
    if wanted == "auto":
        logger.info(f"No GPU found: working on the CPU with {threads} threads.")
    torch.set_num_threads(threads)
    _keep_freed_memory()
    return torch.device("cpu")


def precision(wanted: str, device: torch.device) -> torch.dtype:
    """The arithmetic of the network for `wanted`: float32, bfloat16, or auto.

    auto takes bfloat16 where the device multiplies it natively: GPUs that do, AVX512-BF16 or AMX.
    """
    if wanted != "auto":
        return getattr(torch, wanted)
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities = torch.cpu.get_capabilities()
        native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    return torch.bfloat16 if native else torch.float32


def compiles(wanted: str | bool, device: torch.device) -> bool:
    """Whether training is to be compiled: on, off, or auto.

    auto compiles for GPUs that PyTorch's compiler supports (compute capability 7.0). Raises
    `UserError` when it is demanded for a CPU, where it gains nothing and, in bfloat16, makes the
    network's scores NaN (PyTorch 2.11.0), or when there is no C compiler, or no header of Python's
    for it.
    """
    if device.type != "cuda":
        if wanted is True:
            raise UserError(
                "`compile: on` is demanded (config key training.compile) and training runs on a "
                "CPU, for which PyTorch's compiler gains nothing: choose `auto` or `off`."
            )
        return False
    compiler = os.environ.get("CC") or any(map(shutil.which, ("gcc", "clang", "cc")))
    possible = bool(compiler and Path(sysconfig.get_paths()["include"], "Python.h").is_file())
    if wanted == "auto":
        gains = torch.cuda.get_device_capability(device) >= (7, 0)
        if gains and not possible:
            logger.info("Not compiled: there is no C compiler, or no Python.h for it.")
        return gains and possible
    if wanted and not possible:
        raise UserError(
            "`compile: on` is demanded (config key training.compile) and there is no C compiler, "
            "or no Python.h for it: install them (Debian: gcc, python3-dev), or choose `off`."
        )
    return wanted


def _keep_freed_memory() -> None:
    """Tell glibc to keep freed memory instead of handing it back to the kernel.

    A training step allocates and frees gigabytes of activations; fetched anew from the kernel, each
    page is zeroed first, which takes longer than the arithmetic. The numbers are mallopt(3)'s
    M_MMAP_MAX, M_TRIM_THRESHOLD and M_TOP_PAD; other C libraries lack them and go without.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL(None)
    for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**30)):
        library.mallopt(option, value)

"""The device that trains: which one, in which precision, and how its memory is kept."""

import contextlib
import ctypes
import logging
import platform

import torch

from spokenwords.errors import UserError

logger = logging.getLogger("spokenwords")


def choose(wanted: str, threads: int) -> torch.device:
    """The device for `wanted` (auto, cuda or cpu), made ready; a CPU works with `threads` threads.

    Raises `UserError` when a GPU is demanded and there is none.
    """
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise UserError(
            "`device: cuda` is demanded (config key training.device) but PyTorch finds no GPU; "
            "choose `auto` or `cpu`."
        )
    if available and wanted != "cpu":
        torch.backends.cudnn.benchmark = True
        # With its index, as tensors on it report it: without, it would not equal theirs.
        return torch.device("cuda", torch.cuda.current_device())
    if wanted == "auto":
        logger.info(f"No GPU found: working on the CPU with {threads} threads.")
    torch.set_num_threads(threads)
    _keep_freed_memory()
    return torch.device("cpu")


def autocast(device: torch.device) -> contextlib.AbstractContextManager:
    """Arithmetic in bfloat16 where the device is faster with it, else in float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=reduced_precision(device))


def reduced_precision(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 natively: GPUs that do, AVX512-BF16 or AMX."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def describe(device: torch.device) -> str:
    """The device in words, for metrics and reports."""
    precision = "bfloat16" if reduced_precision(device) else "float32"
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, {precision}"
    name = torch.cpu.get_capabilities().get("cpu_name") or platform.machine()
    return f"{name}, {torch.get_num_threads()} threads, {precision}"


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

"""The device that a job works on, the precision of its arithmetic, and how its memory is kept."""

import ctypes
import logging
import platform
from pathlib import Path

import torch

from spokenwords.errors import UserError
from spokenwords.model.classifier import Classifier

logger = logging.getLogger("spokenwords")


def load_classifier(
    path: Path,
    wanted: str,
    wanted_precision: str,
    threads: int,
    setting: str | None = None,
    advice: str | None = None,
) -> Classifier:
    """Return the classifier in `path` on the device, and in the precision, of the settings.

    Arguments and errors are those of `choose`, `precision` and `Classifier.load`.
    """
    device = choose(wanted, threads, setting)
    classifier = Classifier.load(path, advice).to(device)
    classifier.precision = precision(wanted_precision, device)
    return classifier


def choose(wanted: str, threads: int, setting: str | None = None) -> torch.device:
    """Return the device for `wanted` (auto, cuda or cpu), ready to use.

    A CPU works with `threads` threads. Of several GPUs it is PyTorch's current one. Raises
    `UserError` if `wanted` is cuda and there is no GPU; it names `setting`, where `wanted` comes
    from if it is not the config.
    """
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise UserError(
            "The device `cuda` is required "
            f"({setting or 'config key training.device or runs.<run>.device'}) but PyTorch finds "
            "no GPU; choose `auto` or `cpu`."
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


def device_name(device: torch.device) -> str:
    """Return the name of a GPU, or of the CPU with its number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = torch.cpu.get_capabilities().get("cpu_name") or platform.machine()
    return f"{name}, {torch.get_num_threads()} threads"


def precision(wanted: str, device: torch.device) -> torch.dtype:
    """Return the data type of the network's arithmetic for `wanted`: float32, bfloat16, or auto.

    auto is bfloat16 if the device multiplies it natively: GPUs that do, AVX512-BF16 or AMX.
    """
    if wanted != "auto":
        return getattr(torch, wanted)
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities = torch.cpu.get_capabilities()
        native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    return torch.bfloat16 if native else torch.float32


def _keep_freed_memory() -> None:
    """Make glibc keep freed memory instead of returning it to the kernel.

    A training step allocates and frees gigabytes of activations. The kernel zeroes each page of new
    memory, which takes longer than the arithmetic. The numbers are mallopt(3)'s M_MMAP_MAX,
    M_TRIM_THRESHOLD and M_TOP_PAD; other C libraries lack them.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL(None)
    for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**30)):
        library.mallopt(option, value)

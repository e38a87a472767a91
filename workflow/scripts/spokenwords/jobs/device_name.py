"""The name of the device that a job used."""

import platform

import torch


def device_name(device: torch.device) -> str:
    """Return the name of a GPU, or of the CPU with its number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = torch.cpu.get_capabilities().get("cpu_name") or platform.machine()
    return f"{name}, {torch.get_num_threads()} threads"

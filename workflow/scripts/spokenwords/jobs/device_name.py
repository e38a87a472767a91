"""The device that a job worked on, in words."""

import platform

import torch


def device_name(device: torch.device) -> str:
    """Return the device in words, for metrics and reports."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = torch.cpu.get_capabilities().get("cpu_name") or platform.machine()
    return f"{name}, {torch.get_num_threads()} threads"

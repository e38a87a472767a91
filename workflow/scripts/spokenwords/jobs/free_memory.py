"""Free memory of the machine, the container or the Slurm job."""

from collections.abc import Iterator
from pathlib import Path

import psutil

GROUPS = Path("/sys/fs/cgroup")
# Share of free memory for spectrograms; the rest is for activations.
SHARE = 0.5


def free() -> int:
    """Return how many bytes this process can still allocate under all limits that apply to it."""
    of_machine = psutil.virtual_memory().available
    return max(0, min([of_machine, *_left_by_groups()]))


def _left_by_groups() -> Iterator[int]:
    """Yield the free bytes of the process's control group (version 2) and of those above it."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:  # no Linux
        return
    own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::")), "")
    for group in (GROUPS / own, *(GROUPS / own).parents):
        if not group.is_relative_to(GROUPS):
            break
        try:
            limit = int((group / "memory.max").read_text())
            used = int((group / "memory.current").read_text())
            figures = dict(
                line.split() for line in (group / "memory.stat").read_text().splitlines()
            )
            # The page cache counts as used, but is released when a process needs memory.
            cached = int(figures["inactive_file"]) + int(figures["active_file"])
        except (OSError, ValueError, KeyError):  # no such group, or no limit (`max`)
            continue
        yield limit - used + cached

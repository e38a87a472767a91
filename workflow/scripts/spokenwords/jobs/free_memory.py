"""The memory that a process may still use, of the machine, its container or its Slurm job."""

from collections.abc import Iterator
from pathlib import Path

import psutil

GROUPS = Path("/sys/fs/cgroup")
# The share of free memory that spectrograms may take; activations need the rest.
SHARE = 0.5


def free() -> int:
    """Bytes that this process may still take: the least of what any limit leaves."""
    of_machine = psutil.virtual_memory().available
    return max(0, min([of_machine, *_left_by_groups()]))


def _left_by_groups() -> Iterator[int]:
    """What the limits of the process's control group (version 2), and of those above, leave."""
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
            # Of what counts as used, the page cache is given back when memory is asked for.
            cached = int(figures["inactive_file"]) + int(figures["active_file"])
        except (OSError, ValueError, KeyError):  # no such group, or `max`: no limit
            continue
        yield limit - used + cached

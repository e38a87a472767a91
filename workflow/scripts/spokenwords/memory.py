"""How much memory spectrograms need, and how much a process may still take: of the machine, or
of what its container or its Slurm job is confined to."""

import json
import math
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import psutil

GROUPS = Path("/sys/fs/cgroup")
# The share of free memory that spectrograms may take; activations need the rest.
SHARE = 0.5
# PyTorch, its libraries for GPUs, activations, the model's copies. On a CPU, training took 1.1 GB
# (residual network) and 2.3 GB (published) besides spectrograms: <results>/benchmarks/train.
PYTORCH = 4_000_000_000


def needed(stores: Iterable[str], tables: Iterable[str], memory_budget: float | str) -> int:
    """Bytes that a job needs for the spectrograms of the recordings that CSV tables list.

    They stay in memory where `memory_budget`, in GB or `auto`, lets them, else so much is streamed.
    `stores` are the zarr.json files of their stores: spectrograms in all of them are of one size.
    Raises `FileNotFoundError` where there is no such table or store yet.
    """
    recordings = sum(_rows(table, Path(table).stat().st_mtime_ns) for table in tables)
    values = recordings * next(filter(None, map(_bytes_of_recording, stores)), 0)
    if memory_budget == "auto":
        return PYTORCH + math.ceil(values / SHARE)
    return PYTORCH + min(values, int(memory_budget * 1e9))


@cache
def _rows(table: str, time: int) -> int:
    """How many rows a CSV table of this time of modification has, but for its header."""
    with Path(table).open("rb") as lines:
        return max(0, sum(1 for _ in lines) - 1)


def _bytes_of_recording(store: str) -> int:
    """Of a spectrogram, float16; 0 where its store is damaged, of which its reader tells."""
    Path(store).stat()  # Snakemake waits for the file where there is none.
    try:
        array = Path(store).parent / "spectrogram" / "zarr.json"
        return 2 * math.prod(json.loads(array.read_text(encoding="utf-8"))["shape"][1:])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


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

"""The memory that a job with spectrograms asks a scheduler for."""

import json
import math
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from spokenwords.jobs.free_memory import SHARE

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
    if isinstance(memory_budget, str):
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

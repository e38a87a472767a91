"""The memory that a job with spectrograms requests from a scheduler."""

import json
import math
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from spokenwords.jobs.free_memory import SHARE

# PyTorch, its GPU libraries, activations and copies of the model. On a CPU, training took 1.1 GB
# (residual network) and 2.3 GB (published) without spectrograms (<results>/benchmarks/train).
PYTORCH = 4_000_000_000


def needed(stores: Iterable[str], tables: Iterable[str], memory_budget: float | str) -> int:
    """Return how many bytes a job needs for the recordings listed in CSV `tables`.

    `memory_budget`, in GB or `auto`, limits the spectrograms in memory; beyond it they are
    streamed. `stores` are the zarr.json files of their stores, whose spectrograms have one size.
    Raises `FileNotFoundError` if a table or store does not exist yet.
    """
    recordings = sum(_rows(table, Path(table).stat().st_mtime_ns) for table in tables)
    values = recordings * next(filter(None, map(_bytes_of_recording, stores)), 0)
    if isinstance(memory_budget, str):
        return PYTORCH + math.ceil(values / SHARE)
    return PYTORCH + min(values, int(memory_budget * 1e9))


@cache
def _rows(table: str, time: int) -> int:
    """Return the number of rows of a CSV table without its header; `time` is of modification."""
    with Path(table).open("rb") as lines:
        return max(0, sum(1 for _ in lines) - 1)


def _bytes_of_recording(store: str) -> int:
    """Return the size of a float16 spectrogram; 0 if its store is damaged, which readers report."""
    Path(store).stat()  # If it raises FileNotFoundError, Snakemake waits for the file.
    try:
        array = Path(store).parent / "spectrogram" / "zarr.json"
        return 2 * math.prod(json.loads(array.read_text(encoding="utf-8"))["shape"][1:])
    except (OSError, ValueError, KeyError, TypeError):
        return 0

"""A contest: several ways to do the same work take turns, and are compared by medians.

Machines are shared and noisy. Taking turns lets whatever else runs slow all of them alike; the
ratio to the first contestant is that of medians.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from statistics import median

import pandas as pd

# For the benchmarks, which import this module first: the library.
sys.path.insert(0, str(Path(__file__).parent.parent / "workflow" / "scripts"))

from spokenwords.spectrograms.stft import STFT

# The published settings, those of `features: standard`.
STANDARD = STFT(16000, n_fft=512, window_seconds=0.03, stride_seconds=0.01, normalized=True)

Contestants = dict[str, Callable[[], object]]


def rates(contestants: Contestants, recordings: int, rounds: int) -> dict[str, list[float]]:
    """Let each contestant do its work, on this many recordings, once a round: recordings/s."""
    found: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for turn in range(rounds):
        # Nobody always comes first.
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = time.perf_counter()
            contestants[name]()
            found[name].append(recordings / (time.perf_counter() - start))
    return found


def table(found: dict[str, list[float]]) -> str:
    """Medians, spread and ratios to the first contestant, as Markdown."""
    first = median(next(iter(found.values())))
    rows = [
        {
            "contestant": name,
            "recordings/s, median": f"{median(values):,.0f}",
            "lowest to highest": f"{min(values):,.0f} to {max(values):,.0f}",
            "ratio to the first": f"{median(values) / first:.2f}",
        }
        for name, values in found.items()
    ]
    return markdown(rows)


def markdown(rows: Iterable[dict]) -> str:
    """Rows of equal keys as a Markdown table."""
    frame = pd.DataFrame(rows)
    lines = [list(frame.columns), ["---"] * len(frame.columns), *frame.astype(str).to_numpy()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """Date, processor, cores and versions, in a line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "zarr", "numcodecs"))
    cores = f"{os.cpu_count()} virtual processors"
    return f"{time.strftime('%Y-%m-%d')}, {processor}, {cores}, {versions}"


def recordings_in(folder: Path, limit: int | None = None) -> list[str]:
    """Recordings (`<word>/<name>`) of a folder; where limited, equally many of each word."""
    words = sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] not in "_.")
    each = None if limit is None else -(-limit // len(words))
    files = [f"{word.name}/{path.name}" for word in words for path in sorted(word.iterdir())[:each]]
    return files[:limit]


def arguments(description: str, **more) -> argparse.Namespace:
    """The command line that benchmarks share, and `more` of it: keyword and default."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--folder", type=Path, required=True, help="recordings, a folder a word")
    parser.add_argument("--rounds", type=int, default=5)
    for name, default in more.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    return parser.parse_args()

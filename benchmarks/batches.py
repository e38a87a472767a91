"""Speed of reading shuffled batches of 128 to the CPU: this project's loaders and common others.

Each contestant (contestants.py) prepares its own copy of the same recordings, and reads epochs in
its own process: one from a cold page cache, then further ones. Contestants take turns.

    make .venv/benchmarks.installed
    .venv/bin/python benchmarks/batches.py --folder data/speech_commands_11words
"""

import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import contest
from contestants import CONTESTANTS, CORES, SHAPE, OnTheFly

from spokenwords.model import device

KB = 1000


def forget(folder: Path) -> None:
    """Drop the folder's files from the page cache."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def run_one(name: str, folder: Path, files: list[str], place: Path, task: str) -> dict:
    """Build, or deliver epochs: a cold one, a warm first one, and later ones."""
    device.choose("cpu", CORES)  # as the workflow's jobs do: freed memory is kept
    contestant = CONTESTANTS[name](folder, files, place)
    if task == "build":
        start = time.perf_counter()
        contestant.build()
        return {"build": time.perf_counter() - start}
    contestant.open()
    seconds = []
    for epoch in range(3):
        start = time.perf_counter()
        count = 0
        for values, labels in contestant.epoch(epoch):
            assert values.shape[1:] == SHAPE
            count += len(labels)
        assert count == len(files), (count, len(files))
        seconds.append(time.perf_counter() - start)
    # Workers count when they have ended.
    del contestant
    gc.collect()
    peak = sum(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {"first": seconds[0], "later": seconds[1:], "peak": peak * 1024}


def main():
    options = contest.arguments(__doc__, limit=5500, only="", place="", task="")
    files = contest.recordings_in(options.folder, options.limit)
    if options.only:
        place = Path(options.place)
        print(json.dumps(run_one(options.only, options.folder, files, place, options.task)))
        return
    found = {name: {"cold": [], "first": [], "later": [], "peak": []} for name in CONTESTANTS}
    with tempfile.TemporaryDirectory() as scratch:
        places = {name: Path(scratch) / kind.__name__ for name, kind in CONTESTANTS.items()}

        def child(name: str, task: str) -> dict:
            command = [sys.executable, __file__, "--folder", options.folder, "--task", task]
            command += ["--limit", str(options.limit), "--only", name, "--place", places[name]]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{name}: {done.stderr}")
            return json.loads(done.stdout.splitlines()[-1])

        for name, place in places.items():
            place.mkdir()
            found[name]["build"] = child(name, "build")["build"]
            size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
            found[name]["size"] = size / len(files)
        for _ in range(options.rounds):
            for name, place in places.items():
                forget(place)
                if CONTESTANTS[name] is OnTheFly:
                    forget(options.folder)
                found[name]["cold"].append(child(name, "epochs")["first"])
                warm = child(name, "epochs")
                found[name]["first"].append(warm["first"])
                found[name]["later"] += warm["later"]
                found[name]["peak"].append(warm["peak"])
    print(f"{contest.machine()}\n{len(files)} recordings; rates are medians, recordings/s\n")

    def rate(seconds: list[float]) -> str:
        return f"{len(files) / median(seconds):,.0f}"

    print(
        contest.markdown(
            {
                "contestant": name,
                "build, s": f"{figures['build']:.1f}",
                "KB an utterance": f"{figures['size'] / KB:.1f}" if figures["size"] else "-",
                "first epoch, cold": rate(figures["cold"]),
                "first epoch, warm": rate(figures["first"]),
                "later epochs": rate(figures["later"]),
                "lowest to highest": f"{len(files) / max(figures['later']):,.0f} to "
                f"{len(files) / min(figures['later']):,.0f}",
                "peak memory, GB": f"{median(figures['peak']) / 1e9:.1f}",
            }
            for name, figures in found.items()
        )
    )


if __name__ == "__main__":
    main()

"""Compare the memory that streaming takes with its budget.

Each budget has its own process, which reads two shuffled epochs of batches from the stores. The
benchmark prints the largest growth of its resident memory.

    python benchmarks/streaming.py --folder results/features/standard
"""

import json
import os
import subprocess
import sys
import threading
import time

import contest
import psutil
from reading import manifest

from spokenwords.model import device
from spokenwords.spectrograms import in_memory
from spokenwords.spectrograms.streamed import StreamedRecordings

BATCH = 128
GB = 1e9


def watch(process: psutil.Process, done: threading.Event) -> list[int]:
    """The resident memory of `process` every few milliseconds until `done`, in bytes."""
    seen = []

    def look():
        while not done.wait(0.005):
            seen.append(process.memory_info().rss)

    threading.Thread(target=look, daemon=True).start()
    return seen


def stream(options) -> dict:
    place = device.choose("cpu", os.cpu_count() or 1)  # as the workflow's jobs do
    stores = in_memory.open_stores(
        sorted(map(str, options.folder.glob("*.zarr/zarr.json"))), os.cpu_count() or 1
    )
    recordings = StreamedRecordings(stores, manifest(stores), place, options.budget * GB)
    stores[0].read(0)  # what the first reading loads are no spectrograms
    process, done = psutil.Process(), threading.Event()
    before = process.memory_info().rss
    seen = watch(process, done)
    for epoch in range(2):
        start = time.perf_counter()
        for _batch in recordings.shuffled(BATCH, epoch):
            pass
        rate = len(recordings) / (time.perf_counter() - start)
    done.set()
    return {
        "recordings": len(recordings),
        "budget, GB": options.budget,
        "memory grew by at most, GB": round((max(seen) - before) / GB, 2),
        "all spectrograms, GB": round(len(recordings) * stores[0].recording_bytes / GB, 2),
        "recordings/s": f"{rate:,.0f}",
    }


def main():
    options = contest.arguments(__doc__, budgets="0.5,1,2", budget=0.0)
    if options.budget:
        print(json.dumps(stream(options)))
        return
    rows = []
    for budget in options.budgets.split(","):
        command = [sys.executable, __file__, "--folder", options.folder, "--budget", budget]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    print(f"{contest.machine()}\n\n{contest.markdown(rows)}")


if __name__ == "__main__":
    main()

"""Time, memory, files and bytes of each stage for a thousand words of a thousand recordings.

Recordings are synthesised: half a second of the word's four tones, with another pitch, level and
noise each time. Snakemake then runs stage by stage, to the report. A training that streams all its
spectrograms is measured for some minutes and interrupted. For the stages after training, a model is
trained on four recordings per word, which fit into memory, and tested on the whole test set. A run
with a tenth of the words shows what grows faster than their number. Use a fresh clone: files in
`.snakemake` are counted, too.

    python benchmarks/many_words.py --words 100
    python benchmarks/many_words.py --words 1000
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import contest
import numpy as np
import pandas as pd
import psutil
import yaml
from scipy.io import wavfile

RATE, SAMPLES, TONES = 16_000, 8_000, 4
TAKES = 20  # recordings of a speaker
FEW = 4  # recordings of a word that a model is trained on in the end, and validated
# Seconds after which what was interrupted is interrupted again, and how often.
PATIENCE, INTERRUPTS = 20, 3
RUN = "streamed"
EVERY = 1.0  # seconds between two looks at memory


def write_word(folder: Path, recordings: int, word: int) -> None:
    """The recordings of a word; they are renamed into their place once they are all there."""
    place, partial = folder / f"word{word:04d}", folder / f".word{word:04d}"
    if place.exists():
        return
    partial.mkdir(exist_ok=True)
    generator = np.random.default_rng(word)
    tones = np.repeat(generator.uniform(200, 4000, TONES), SAMPLES // TONES)
    for number in range(recordings):
        pitch, level = generator.uniform([0.9, 0.05], [1.1, 0.5])
        sound = level * np.sin(2 * np.pi * np.cumsum(pitch * tones) / RATE)
        sound += generator.normal(scale=0.001, size=SAMPLES)
        name = f"{number // TAKES:08x}_nohash_{number % TAKES}.wav"
        wavfile.write(partial / name, RATE, np.rint(32_767 * sound).astype(np.int16))
    partial.rename(place)


def overlay(folder: Path, results: Path) -> dict:
    """On top of config/best.yaml: the folder, and a run that streams what it trains on.

    Spectrograms are the demo's, a quarter as large as the published ones; what those take is known
    from `full_size.py`.
    """
    coarse = {"n_fft": 160, "window_seconds": 0.01, "stride_seconds": 0.0125}
    run = {"like": "best", "features": "coarse", "split": "speaker"}
    run |= {"epochs": 1, "memory_budget": 0.5, "range_test": {"steps": 20}}
    return {
        "pathvars": {"results": str(results)},
        "dataset": {"source": "folder", "folder": str(folder)},
        "features": {"coarse": {"stft": coarse}},
        "runs": {RUN: run},
        "train": [RUN],
    }


@dataclass(frozen=True)
class Stage:
    """What Snakemake is asked for, and after how many seconds it is interrupted, if at all."""

    title: str
    asked: list[str]
    seconds: float | None = None
    shortened: bool = False  # from here on there are `FEW` recordings of each word to train on


def stages(results: Path, minutes: float) -> list[Stage]:
    run, split, plan = f"{results}/runs/{RUN}", f"{results}/splits/speaker", ["--dry-run"]
    return [
        Stage("the plan, all recordings read", plan),
        Stage("the plan again", plan),
        Stage("inventories, check, split", [f"{split}/train.csv"]),
        Stage("stores", [f"{results}/features/coarse/sizes.csv"]),
        Stage("the plan with these there", plan),
        Stage(f"{minutes:g} min of training", [f"{run}/model.pt"], seconds=60 * minutes),
        Stage("range test", [f"{run}/learning_rate.csv"], shortened=True),
        Stage(f"training on {FEW} of each word", [f"{run}/model.pt"]),
        Stage("evaluation", [f"{run}/metrics.json"]),
        Stage("properties of test recordings", [f"{split}/test_properties.csv"]),
        Stage("plots, tables, report", []),
        Stage("the plan with all there", plan),
    ]


def shorten(manifest: Path) -> None:
    """Leave `FEW` recordings of each word in a manifest."""
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    table.groupby("word").head(FEW).to_csv(manifest, index=False)


def watched(command: list[str], seconds: float | None, log: Path) -> dict[str, str]:
    """Run a command, for at most `seconds`; return its time, processor time and memory.

    The memory is the largest measured sum over all its processes; shared memory is counted once.
    """
    # Where this is set, every job compiles all that it imports again.
    environment = {key: os.environ[key] for key in os.environ.keys() - {"PYTHONDONTWRITEBYTECODE"}}
    start, before = time.perf_counter(), os.times()
    # In a group of its own: Snakemake waits for jobs that are not interrupted, too.
    with log.open("a") as file:
        process = subprocess.Popen(
            command, env=environment, stdout=file, stderr=file, start_new_session=True
        )
    watch, most, interrupted = psutil.Process(process.pid), 0, 0
    try:
        while process.poll() is None:
            most = max(most, memory(watch))
            took = time.perf_counter() - start
            # More than once: Snakemake can miss an interrupt.
            if seconds is not None and took > seconds + interrupted * PATIENCE:
                if interrupted == INTERRUPTS:
                    sys.exit(f"{' '.join(command)} cannot be interrupted: see {log}.")
                interrupted += 1
                os.killpg(process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(EVERY)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode and not interrupted:
        sys.exit(f"{' '.join(command)} ended with status {process.returncode}: see {log}.")
    took, after = time.perf_counter() - start, os.times()
    used = sum(after[2:4]) - sum(before[2:4])
    return {
        "seconds": f"{took:,.0f}",
        "processor seconds": f"{used:,.0f}",
        "most memory, GB": f"{most / 1e9:.2f}",
    }


def memory(process: psutil.Process) -> int:
    """What a process and those below it hold now, in bytes."""
    held = 0
    with suppress(psutil.NoSuchProcess):
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):  # it ended meanwhile
                held += one.memory_full_info().pss
    return held


def holdings(*folders: Path) -> dict[str, str]:
    """How many files and folders there are below these, and their bytes."""
    count = size = 0
    waiting = [str(folder) for folder in folders if folder.exists()]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                count += 1
                size += entry.stat(follow_symlinks=False).st_size
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return {"files and folders": f"{count:,}", "GB": f"{size / 1e9:.2f}"}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--words", type=int, default=1000)
    parser.add_argument("--recordings", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=5, help="of training on all recordings")
    options = parser.parse_args()
    # In the background, shells have interrupts ignored, by what is started here as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    folder = Path(f"data/many_words_{options.words}x{options.recordings}")
    results = Path(f"results/{folder.name}")
    if results.exists():
        sys.exit(f"{results} exists, and only new files can be measured: delete it.")
    results.mkdir(parents=True)
    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    with ProcessPoolExecutor() as processes:
        list(processes.map(partial(write_word, folder, options.recordings), range(options.words)))
    seconds = f"{time.perf_counter() - start:,.0f}"
    rows = [
        {"stage": "recordings", "seconds": seconds, "processor seconds": "", "most memory, GB": ""}
    ]
    rows[0] |= holdings(folder)

    config, log = results / "overlay.yaml", results / "output.txt"
    config.write_text(yaml.safe_dump(overlay(folder, results)))
    arguments = ["--cores", "all", "--quiet", "rules"]
    configs = ["--configfile", "config/best.yaml", str(config)]
    for stage in stages(results, options.minutes):
        if stage.shortened:
            for name in ("train", "valid"):
                shorten(results / f"splits/speaker/{name}.csv")
        command = [sys.executable, "-m", "snakemake", *stage.asked, *arguments, *configs]
        row = watched(command, stage.seconds, log) | holdings(results, Path(".snakemake"))
        rows.append({"stage": stage.title, **row})
        print(rows[-1], flush=True)
    print(contest.markdown(rows))


if __name__ == "__main__":
    main()

"""Whether what makes training fast costs accuracy: validation accuracy after the same training.

Float32 in memory is the reference; each other way changes one thing. The same seeds for all, and
coarse spectrograms (those of the demo), so that many trainings end within the hour.

    python benchmarks/parity.py --folder data/speech_commands_11words
"""

import os
import tempfile
from pathlib import Path
from statistics import mean, stdev

import contest
import torch
from reading import manifest, write_stores

from spokenwords.model import device
from spokenwords.model.classifier import Classifier
from spokenwords.model.device import device_name
from spokenwords.spectrograms import in_memory, streamed
from spokenwords.spectrograms.stft import STFT
from spokenwords.training import loop
from spokenwords.training.checkpoint import Checkpoint

SEEDS, EPOCHS, MAX_LR = (1, 2, 3), 15, 0.01
BATCH, CHUNK = 128, 64
CORES = os.cpu_count() or 1
COARSE = STFT(16000, n_fft=160, window_seconds=0.01, stride_seconds=0.0125, normalized=True)
# Precision, compiled (a GPU only), share of the training set that streaming's pool holds.
WAYS = {
    "float32, in memory": (torch.float32, False, None),
    "float32, streamed": (torch.float32, False, 0.2),
    "bfloat16, in memory": (torch.bfloat16, False, None),
    "bfloat16, compiled": (torch.bfloat16, True, None),
}


def main():
    options = contest.arguments(__doc__)
    place = device.choose("auto", CORES)
    print(f"{contest.machine()}, {device_name(place)}", flush=True)
    ways = {way: how for way, how in WAYS.items() if place.type == "cuda" or not how[1]}
    found = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as scratch:
        files = contest.recordings_in(options.folder)
        stores = in_memory.open_stores(
            write_stores(options.folder, files, Path(scratch), transform=COARSE),
            CORES,
        )
        mixed = manifest(stores).sample(frac=1, random_state=1)
        valid = mixed[::4]
        sets = [part.sort_values(["label", "row"]) for part in (mixed.drop(valid.index), valid)]
        for seed in SEEDS:
            for way, (precision, compiled, share) in ways.items():
                budget = None
                if share:
                    pool = int(share * len(sets[0])) + streamed.around(CHUNK, BATCH)
                    budget = pool * stores[0].recording_bytes
                train_set, valid_set = in_memory.load(stores, sets, place, budget)
                torch.manual_seed(seed)
                classifier = Classifier.for_stores(stores, "complex", "published")
                classifier.precision = precision
                settings = loop.Settings(EPOCHS, BATCH, MAX_LR, None, seed, compiled, 0, None)
                log, summary = loop.train(
                    *(classifier.to(place), train_set, valid_set, settings),
                    *(Checkpoint(Path(scratch) / "checkpoint.pt", f"{way}, seed {seed}"), None),
                )
                accuracy = log[log["set"] == "valid"]["accuracy"].iloc[-1]
                found[way].append(accuracy)
                print(f"seed {seed}, {way}: {accuracy:.4f}, {summary['seconds']} s", flush=True)
    print(f"\n{len(sets[0])} recordings to train on, {len(sets[1])} to validate\n")
    reference = found["float32, in memory"]
    rows = []
    for way, accuracies in found.items():
        differences = [a - b for a, b in zip(accuracies, reference, strict=True)]
        rows.append(
            {
                "way": way,
                "validation accuracy, mean": f"{mean(accuracies):.4f}",
                "each seed": ", ".join(f"{accuracy:.4f}" for accuracy in accuracies),
                "standard deviation": f"{stdev(accuracies):.4f}",
                "difference to the first, mean": f"{mean(differences):+.4f}",
            }
        )
    print(contest.markdown(rows))


if __name__ == "__main__":
    main()

"""The published training, written straight from its description: the yardstick of this project.

Reads the recordings one by one in a Dataset, computes each spectrogram on the fly, and trains the
published network in float32 with PyTorch's DataLoader: no cache, no reduced precision, no memory
layout of our choosing. It shares no code with the workflow, only the split manifests.

    python benchmarks/plain_port.py --folder data/<recordings> --split results/splits/random \
        --representation complex --epochs 30 --patience 0
"""

import argparse
import csv
import json
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchaudio.transforms import Spectrogram


class SpokenWords(Dataset):
    def __init__(self, folder: Path, manifest: Path, representation: str):
        self.folder = folder
        self.representation = representation
        with manifest.open(newline="", encoding="utf-8") as file:
            self.rows = list(csv.DictReader(file))
        self.transform = Spectrogram(
            n_fft=512, win_length=480, hop_length=160, power=None, normalized=True
        )

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row = self.rows[index]
        samples, _ = soundfile.read(self.folder / row["file"], dtype="float32")
        padded = np.zeros(16000, dtype=np.float32)
        padded[: len(samples)] = samples[:16000]
        spectrogram = self.transform(torch.from_numpy(padded))
        if self.representation == "power":
            image = spectrogram.abs().square()[None]
        else:
            image = torch.view_as_real(spectrogram).permute(2, 0, 1)
        return image, int(row["label"])


def network(channels: int, words: int) -> nn.Sequential:
    widths = [channels, 32, 64, 128, 256, 512]
    layers = []
    for block, (before, after) in enumerate(pairwise(widths), start=1):
        pool = nn.MaxPool2d(2) if block < 5 else nn.AdaptiveAvgPool2d(1)
        layers += [
            nn.Conv2d(before, after, kernel_size=3),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            pool,
            nn.Dropout2d(0.2),
        ]
    layers += [
        nn.Flatten(),
        nn.Linear(512, 512),
        nn.BatchNorm1d(512),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(512, words),
    ]
    return nn.Sequential(*layers)


@torch.no_grad()
def evaluate(model, batches):
    model.eval()
    loss = correct = count = 0
    for images, labels in batches:
        scores = model(images)
        loss += nn.functional.cross_entropy(scores, labels, reduction="sum").item()
        correct += (scores.argmax(1) == labels).sum().item()
        count += len(labels)
    return loss / count, correct / count


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--representation", choices=["complex", "power"], default="complex")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--patience", type=int, default=3, help="0: never stop early")
    parser.add_argument("--seed", type=int, default=1)
    settings = parser.parse_args()
    torch.manual_seed(settings.seed)
    train, valid, test = (
        SpokenWords(settings.folder, settings.split / f"{name}.csv", settings.representation)
        for name in ("train", "valid", "test")
    )
    words = 1 + max(int(row["label"]) for part in (train, valid, test) for row in part.rows)
    workers = {"batch_size": 128, "num_workers": 2}
    train_batches = DataLoader(train, shuffle=True, persistent_workers=True, **workers)
    model = network(1 if settings.representation == "power" else 2, words)
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.01, epochs=settings.epochs, steps_per_epoch=len(train_batches)
    )
    kept_loss, kept_epoch, kept_weights = float("inf"), 0, None
    start = time.monotonic()
    for epoch in range(1, settings.epochs + 1):
        model.train()
        for images, labels in train_batches:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
            schedule.step()
        loss, accuracy = evaluate(model, DataLoader(valid, **workers))
        elapsed = time.monotonic() - start
        print(
            f"epoch {epoch}: valid loss {loss:.4f}, accuracy {accuracy:.4f}, {elapsed:.0f} s",
            flush=True,
        )
        if loss < kept_loss or not settings.patience:
            kept_loss, kept_epoch = loss, epoch
            kept_weights = {name: value.clone() for name, value in model.state_dict().items()}
        elif epoch - kept_epoch >= settings.patience:
            break
    model.load_state_dict(kept_weights)
    loss, accuracy = evaluate(model, DataLoader(test, **workers))
    print(
        json.dumps(
            {
                "representation": settings.representation,
                "test_accuracy": round(accuracy, 4),
                "test_loss": round(loss, 4),
                "kept_epoch": kept_epoch,
                "epochs": epoch,
                "test_recordings": len(test),
                "training_seconds": round(time.monotonic() - start, 1),
            }
        )
    )


if __name__ == "__main__":
    main()

"""The inventory of a word: a CSV file, whose columns `inventory.of_word` describes.

Without pandas, whose import would take the many short jobs of single words longer than their work.
"""

import csv
from pathlib import Path

USABLE = "usable"
# Digits of peak, rms and energy_left_out.
DECIMALS = 6
COLUMNS = [
    *("file", "status", "speaker", "samples", "sample_rate", "channels", "clipped_samples"),
    *("opposite_phase", "peak", "rms", "energy_left_out", "sha256", "samples_sha256"),
]


def write(rows: list[dict], path: Path) -> None:
    """Write an inventory to its CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def usable_files(path: Path) -> list[str]:
    """The usable recordings of an inventory file, in the order of the rows of the word's store."""
    with path.open(newline="", encoding="utf-8") as file:
        return [row["file"] for row in csv.DictReader(file) if row["status"] == USABLE]

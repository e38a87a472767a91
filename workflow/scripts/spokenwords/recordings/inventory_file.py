"""The CSV file with a word's inventory; `inventory.of_word` describes its columns.

It does without pandas: importing it takes longer than the work of a job on a single word.
"""

import csv
from pathlib import Path

USABLE = "usable"
DECIMALS = 6  # of peak, rms and energy_left_out
COLUMNS = ["file", "status", "speaker", "samples", "sample_rate", "channels", "clipped_samples"]
COLUMNS += ["opposite_phase", "peak", "rms", "energy_left_out", "sha256", "samples_sha256"]


def write(rows: list[dict], path: Path) -> None:
    """Write an inventory to a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def usable_files(path: Path) -> list[str]:
    """Return the usable recordings of an inventory file, in the order of the word's store."""
    with path.open(newline="", encoding="utf-8") as file:
        return [row["file"] for row in csv.DictReader(file) if row["status"] == USABLE]

"""The archive's recordings, in a folder of their own."""

from pathlib import Path

from spokenwords import archive, progress

with progress.job_log(snakemake.log[0]):
    receipt, contents = Path(snakemake.input.receipt), Path(snakemake.output.contents)
    sha256, _, path = receipt.read_text(encoding="utf-8").rstrip("\n").partition("  ")
    archive.verify(Path(path), sha256)
    archive.unpack(Path(path), contents.parent)
    contents.write_text(f"Unpacked from {path}, SHA-256 {sha256}.\n", encoding="utf-8")

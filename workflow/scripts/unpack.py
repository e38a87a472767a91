"""The archive's recordings, in a folder of their own."""

from pathlib import Path

from spokenwords import archive, progress
from spokenwords.errors import UserError

with progress.job_log(snakemake.log[0]):
    receipt, contents = Path(snakemake.input.receipt), Path(snakemake.output.contents)
    sha256, _, path = receipt.read_text(encoding="utf-8").rstrip("\n").partition("  ")
    if not Path(path).is_file():
        raise UserError(f"The archive {path} is gone: delete {receipt} and run again to get it.")
    archive.verify(Path(path), sha256)
    archive.unpack(Path(path), contents.parent)
    contents.write_text(f"Unpacked from {path}, SHA-256 {sha256}.\n", encoding="utf-8")

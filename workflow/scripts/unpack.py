"""Unpack the archive's recordings into a folder."""

import sys
from pathlib import Path

from spokenwords.errors import UserError
from spokenwords.jobs.log import job_log
from spokenwords.recordings import archive, data_folder


def warn(sentences: list[str]) -> None:
    """Print warnings to the log only: the scan of the folder shows them on the terminal."""
    for sentence in sentences:
        print(f"Warning: {sentence}", file=sys.stderr)


with job_log(snakemake.log[0]):
    contents, sha256 = Path(snakemake.output.contents), snakemake.params.sha256
    path = Path(snakemake.params.archive).expanduser()
    if not path.is_file():
        raise UserError(
            f"The archive {path} no longer exists. Delete {snakemake.input.receipt} and run the "
            "workflow again to download it, or name a copy in `dataset.archive.path`."
        )
    archive.verify(path, sha256)
    archive.unpack(path, contents.parent)
    wanted = snakemake.params.words
    data_folder.words(
        contents.parent,
        wanted,
        snakemake.params.min_recordings,
        warn=warn,
    )
    contents.write_text(f"Unpacked from {path}, SHA-256 {sha256}.\n", encoding="utf-8")

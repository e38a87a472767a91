"""The archive's recordings, in a folder of their own."""

import sys
from pathlib import Path

from spokenwords.errors import UserError
from spokenwords.jobs.log import job_log
from spokenwords.recordings import archive, data_folder


def warn(sentences: list[str]) -> None:
    """Print warnings to the log alone: the terminal shows them when the folder is scanned."""
    for sentence in sentences:
        print(f"Warning: {sentence}", file=sys.stderr)


with job_log(snakemake.log[0]):
    contents, sha256 = Path(snakemake.output.contents), snakemake.params.sha256
    path = Path(snakemake.params.archive).expanduser()
    if not path.is_file():
        raise UserError(
            f"The archive {path} is gone: delete {snakemake.input.receipt} and run again to get "
            "it, or name a copy of it in `dataset.archive.path`."
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

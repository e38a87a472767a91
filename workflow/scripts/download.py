"""The data set's archive, fetched or found, its checksum verified."""

from pathlib import Path

from spokenwords.jobs.log import job_log
from spokenwords.recordings import archive, download

with job_log(snakemake.log[0]):
    sha256, source = snakemake.params.sha256, snakemake.params.archive
    if source["path"]:
        path = Path(source["path"]).expanduser()
        archive.verify(path, sha256)
    else:
        path = Path(snakemake.params.download)
        download.fetch(source["urls"], sha256, path)
    # The form that `sha256sum --check` reads.
    Path(snakemake.output.receipt).write_text(f"{sha256}  {path}\n", encoding="utf-8")

"""Download or find the data set's archive, and verify its checksum."""

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
    # The format of `sha256sum --check`.
    Path(snakemake.output.receipt).write_text(f"{sha256}  {path}\n", encoding="utf-8")

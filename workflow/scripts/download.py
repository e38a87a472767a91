"""The data set's archive, fetched or found, its checksum verified."""

from pathlib import Path

from spokenwords.jobs.log import job_log
from spokenwords.recordings import archive, download

with job_log(snakemake.log[0]):
    sha256 = snakemake.params.sha256
    if snakemake.resources.path:
        path = Path(snakemake.resources.path).expanduser()
        archive.verify(path, sha256)
    else:
        path = Path(snakemake.resources.download)
        download.fetch(snakemake.resources.urls.split(), sha256, path)
    # The form that `sha256sum --check` reads.
    Path(snakemake.output.receipt).write_text(f"{sha256}  {path}\n", encoding="utf-8")

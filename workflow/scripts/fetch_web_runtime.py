"""ONNX Runtime for browsers in one file, or the reason why it is missing."""

import json
from pathlib import Path

from spokenwords.errors import UserError
from spokenwords.export import web_runtime
from spokenwords.jobs.log import job_log

with job_log(snakemake.log[0]):
    try:
        found = web_runtime.fetch(Path(snakemake.scriptdir) / "../../envs/web")
    except UserError as error:
        found = {"problem": str(error)}
    Path(snakemake.output.runtime).write_text(json.dumps(found))

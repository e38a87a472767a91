"""A page that recognises words from the microphone, if there is ONNX Runtime for browsers."""

import json
import logging
from pathlib import Path

from spokenwords.export import listen_page
from spokenwords.jobs.log import job_log

with job_log(snakemake.log[0]):
    path = Path(snakemake.output.summary).with_suffix(".html")
    # Not an output of the rule, so Snakemake leaves an earlier one.
    path.unlink(missing_ok=True)
    report = Path(snakemake.scriptdir).parent / "report"
    runtime = json.loads(Path(snakemake.input.runtime).read_text())
    summary = {"problem": runtime.get("problem")}
    if problem := summary["problem"]:
        logging.getLogger("spokenwords").warning(f"listen.html is not written: {problem}")
    else:
        page = listen_page.page(
            (report / "listen.html").read_text(encoding="utf-8"),
            (report / "listen_decoder.js").read_text(encoding="utf-8"),
            runtime,
            json.loads(Path(snakemake.input.classes).read_text()),
            Path(snakemake.input.model).read_bytes(),
        )
        path.write_text(page, encoding="utf-8")
        summary["bytes"] = path.stat().st_size
    Path(snakemake.output.summary).write_text(json.dumps(summary))

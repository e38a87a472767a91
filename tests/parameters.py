"""What rules are given: the parameters and resources of each under a config.

Run as a program in a folder with recordings, this module reads overlays (JSON, a list) and prints
what each leads to (JSON, a list). In one process, and without fingerprints of code, reading the
workflow takes a tenth of a second.
"""

import json
import sys
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.exceptions import IncompleteCheckpointException
from snakemake.iocontainers import Wildcards
from snakemake.resources import Resource
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings

REPOSITORY = Path(__file__).parents[1]
WILDCARDS = {"word": "bird", "features": "standard", "split": "random", "run": "complex"}


def of_rules(overlay: dict) -> dict:
    """Parameters and resources by rule and name; functions are called for `WILDCARDS`."""
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        config = ConfigSettings(config=overlay)
        snakefile = REPOSITORY / "Snakefile"
        rules = api.workflow(ResourceSettings(cores=1), config, snakefile=snakefile)._workflow.rules
        return {
            rule.name: {
                name: value(item)
                for name, item in [*rule.params.items(), *rule.resources.items()]
                # Resources of Snakemake's own, and what is measured on files that there are not.
                if name not in ("_cores", "_nodes", "tmpdir", "mem_mb", "code")
            }
            for rule in rules
        }


def value(item: object) -> object:
    """A parameter or resource for `WILDCARDS`."""
    wildcards = Wildcards(fromdict=WILDCARDS)
    if isinstance(item, Resource):
        return item.evaluate(wildcards).value
    # `lookup` gives texts that stand for functions.
    function = item.callable if getattr(item, "flags", {}).get("callable") else item
    try:
        return function(wildcards) if callable(function) else item
    except IncompleteCheckpointException:
        return "known once the recordings are there"


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY / "workflow/scripts"))
    from spokenwords.jobs import fingerprint

    fingerprint.of_script = str
    json.dump([of_rules(overlay) for overlay in json.load(sys.stdin)], sys.stdout, default=repr)

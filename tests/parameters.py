"""What rules are given: the parameters and resources of each under a config.

Run as a program in a folder with recordings, this module reads overlays (JSON, a list) and prints
what each leads to (JSON, a list). In one process, and without fingerprints of code, reading the
workflow takes a tenth of a second.
"""

import json
import sys
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.common import get_input_function_aux_params
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
    function = getattr(item, "callable", None) or item
    if not callable(function):
        return item
    try:
        # What depends on a job's files only to be left out of comparisons is not asked for them.
        files = get_input_function_aux_params(function, {"input": None, "output": None})
        return function(wildcards, **files)
    except IncompleteCheckpointException:
        return "known once the recordings are there"


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY / "workflow/scripts"))
    from spokenwords.jobs import fingerprint

    fingerprint.of_script = str
    json.dump([of_rules(overlay) for overlay in json.load(sys.stdin)], sys.stdout, default=repr)

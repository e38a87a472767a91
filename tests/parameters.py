"""What rules are given: the params and resources of each under a config.

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
from snakemake.rules import Rule
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings

REPOSITORY = Path(__file__).parents[1]
WILDCARDS = {"word": "bird", "features": "standard", "split": "random", "run": "complex"}


def of_rules(overlay: dict) -> dict:
    """What a rule runs again for (`tracked`), and what it is given besides (`untracked`), by rule.

    Both are by name; functions are called for `WILDCARDS`.
    """
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        config = ConfigSettings(config=overlay)
        snakefile = REPOSITORY / "Snakefile"
        rules = api.workflow(ResourceSettings(cores=1), config, snakefile=snakefile)._workflow.rules
        return {rule.name: of_rule(rule) for rule in rules}


def of_rule(rule: Rule) -> dict:
    given = {"tracked": {}, "untracked": {}}
    for name, item in rule.params.items():
        # The code has tests of its own.
        if name != "code":
            # Snakemake does not compare params that depend on a job's files.
            of_files = bool(files_of(item))
            given["untracked" if of_files else "tracked"][name] = value(item)
    for name, item in rule.resources.items():
        # Resources of Snakemake's own, and what is measured on files that do not exist here.
        if name not in ("_cores", "_nodes", "tmpdir", "mem_mb"):
            given["untracked"][name] = item.evaluate(Wildcards(fromdict=WILDCARDS)).value
    return given


def function_of(item: object) -> object:
    """The function that a param is, or None; `lookup` gives texts that stand for functions."""
    function = getattr(item, "callable", None) or item
    return function if callable(function) else None


def files_of(item: object) -> dict:
    """The arguments of a param's function that are a job's files."""
    function = function_of(item)
    files = {"input": None, "output": None}
    return get_input_function_aux_params(function, files) if function else {}


def value(item: object) -> object:
    """A param for `WILDCARDS`."""
    function = function_of(item)
    if function is None:
        return item
    try:
        return function(Wildcards(fromdict=WILDCARDS), **files_of(item))
    except IncompleteCheckpointException:
        return "known once the recordings are there"


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY / "workflow/scripts"))
    from spokenwords.jobs import fingerprint

    fingerprint.of_script = lambda *_: ""
    json.dump([of_rules(overlay) for overlay in json.load(sys.stdin)], sys.stdout, default=repr)

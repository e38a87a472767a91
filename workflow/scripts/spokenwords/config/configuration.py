"""The config: validated against its schema, then brought into canonical form."""

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema.validators import extend

from spokenwords.config import checks, reading, refusals, runs, schema
from spokenwords.errors import UserError

Validator = extend(Draft202012Validator, type_checker=reading.TYPES)


def canonical(given: Mapping[str, Any]) -> dict[str, Any]:
    """The config as rules use it: defaults filled in, numbers of the schema's type, keys sorted.

    Text is read as YAML if the schema has another type. Each run is merged over the one that it
    names as `like`, and that over `training`. Two configs that mean the same have the same
    canonical form. Raises `UserError` with a sentence that names the key of the first error.
    """
    config: dict[str, Any] = reading.plain(given)
    off = {}
    if isinstance(config.get("runs"), dict):
        # An overlay cannot remove a run, but it can turn it off.
        off = {name: False for name, run in config["runs"].items() if reading.of_yaml(run) is False}
        config["runs"] = {name: run for name, run in config["runs"].items() if name not in off}
    whole = schema.of_config()
    config = reading.typed(config, whole)
    errors = list(Validator(whole).iter_errors(config))
    if errors:
        raise UserError(refusals.sentence(best_match(errors)))
    training = reading.canonical(config.get("training", {}), whole["properties"]["training"])
    config["runs"] = {
        name: runs.merged(training, runs.inherited(name, config["runs"], off))
        for name in config["runs"]
    }
    config = reading.canonical(config, whole)
    for settings in (config["dataset"], config["training"], *config["runs"].values()):
        for key in ("words", "unknown"):
            if isinstance(settings.get(key), list):
                settings[key].sort()
    checks.check(config)
    # The nested report merges this config over config.yaml, where these runs are on.
    config["runs"] |= off
    return config

"""Values of the config: texts read as YAML, and the canonical form of values that mean the same."""

import math
import re
from collections.abc import Mapping
from typing import Any

import yaml
from jsonschema import Draft202012Validator

# YAML's .nan and .inf are not valid numbers for any setting.
TYPES = Draft202012Validator.TYPE_CHECKER.redefine(
    "number",
    lambda checker, value: (
        Draft202012Validator.TYPE_CHECKER.is_type(value, "number") and math.isfinite(value)
    ),
)


def plain(value: Any) -> Any:
    """The value with mappings of any kind, such as Snakemake's own, as dictionaries."""
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value


def typed(value: Any, schema: Mapping[str, Any]) -> Any:
    """The value, its texts read as YAML if the result has a type that the schema allows.

    Snakemake passes all values inside mappings or lists of --config as text. Settings that may be
    text, such as words or folders, stay text; `null` is read only if the setting may be null.
    """
    if isinstance(value, dict):
        return {key: typed(part, _of_key(schema, key)) for key, part in value.items()}
    if isinstance(value, list):
        return [typed(item, _of_items(schema)) for item in value]
    types = set(_types(schema))
    if "string" in types:
        types &= {"null"}
    meant = of_yaml(value) if types else value
    if any(TYPES.is_type(meant, one) for one in types):
        if isinstance(meant, list | dict):
            # By the types of its parts: `yes` may be a word.
            return typed(yaml.load(value, yaml.BaseLoader), schema)
        return meant
    return value


def of_yaml(value: Any) -> Any:
    """What YAML reads a text as; other values as they are."""
    if not isinstance(value, str):
        return value
    # YAML 1.1 reads 1.0e-3 as a number, but 1e-3 as text.
    if re.fullmatch(r"[-+]?[\d.]*\d[eE][-+]?\d+", value):
        return float(value)
    # YAML 1.1 reads 1:30 as a number, 90.
    if re.fullmatch(r"[-+]?[\d_]+(:\d+)+(\.\d*)?", value):
        return value
    try:
        return yaml.safe_load(value)
    except (yaml.YAMLError, ValueError):  # ValueError: dates that do not exist
        return value


def canonical(value: Any, schema: Mapping[str, Any]) -> Any:
    """A valid value with defaults filled in, numbers of the schema's type, and keys sorted."""
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        filled = {
            name: part["default"] for name, part in properties.items() if "default" in part
        } | value
        return {name: canonical(filled[name], _of_key(schema, name)) for name in sorted(filled)}
    if isinstance(value, list):
        return [canonical(item, _of_items(schema)) for item in value]
    types = _types(schema)
    if isinstance(value, float) and "integer" in types and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and "number" in types:
        return float(value)
    return value


def _of_key(schema: Mapping[str, Any], key: Any) -> Mapping[str, Any]:
    """The schema of a mapping's value."""
    others = schema.get("additionalProperties")
    return schema.get("properties", {}).get(key, others if isinstance(others, dict) else {})


def _of_items(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a list's items."""
    kinds = [schema, *schema.get("anyOf", [])]
    return next((kind["items"] for kind in kinds if "items" in kind), {})


def _types(schema: Mapping[str, Any]) -> list[str]:
    """The JSON types that a schema allows; of constants, the switches."""
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    switch = ["boolean"] if isinstance(schema.get("const"), bool) else []
    return [*types, *switch, *(kind for part in schema.get("anyOf", []) for kind in _types(part))]

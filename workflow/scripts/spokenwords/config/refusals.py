"""Errors of the config as sentences: which key, what its value is, and what it must be."""

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any

from jsonschema.exceptions import ValidationError

from spokenwords.errors import UserError


def unknown_name(key: str, name: str, section: str, names: Iterable[str]) -> UserError:
    """The error that a key names an entry that a section of the config does not have."""
    hint = _suggestion(name, list(names))
    return UserError(f"Config key {key} names {name!r}, which is not in `{section}`{hint}")


def sentence(error: ValidationError) -> str:
    """A validation error as one sentence that names the key."""
    key = ".".join(map(_name, error.absolute_path))
    place = f"Config key {key}" if key else "The config"
    expected = error.validator_value
    if "propertyNames" in error.relative_schema_path:
        name = _name(error.instance)
        wanted = "text" if error.validator == "type" else error.schema["form"]
        hint = _hint(error.instance, ["string"])
        return f"Config key {key}.{name} has an invalid name; it must be {wanted}{hint}."
    match error.validator:
        case "additionalProperties":
            known = list(error.schema.get("properties", {}))
            unknown = min(map(_name, set(error.instance) - set(known)))
            full = f"{key}.{unknown}" if key else unknown
            return f"Config key {full} is unknown{_suggestion(unknown, known)}"
        case "required":
            missing = next(name for name in expected if name not in error.instance)
            return f"{place} lacks `{missing}`."
        case "enum" | "const":
            allowed = expected if error.validator == "enum" else [expected]
            return (
                f"{place} is {_shown(error.instance)}; it must be one of "
                f"{', '.join(map(_shown, allowed))}."
            )
        case "type":
            kinds = [expected] if isinstance(expected, str) else expected
            hint = _hint(error.instance, kinds)
            return f"{place} is {_shown(error.instance)}; it must be {_kind(kinds)}{hint}."
        case "anyOf":
            hint = _hint(error.instance, [option.get("type") for option in expected])
            return f"{place} is {_shown(error.instance)}; it must be {error.schema['form']}{hint}."
        case "minimum":
            return f"{place} is {_shown(error.instance)}; it must be at least {expected}."
        case "exclusiveMinimum":
            return f"{place} is {_shown(error.instance)}; it must be above {expected}."
        case "maximum":
            return f"{place} is {_shown(error.instance)}; it must be at most {expected}."
        case "exclusiveMaximum":
            return f"{place} is {_shown(error.instance)}; it must be below {expected}."
        case "minItems" | "minProperties":
            return f"{place} must have at least {expected} entr{'y' if expected == 1 else 'ies'}."
        case "uniqueItems":
            return f"{place} lists an entry twice."
        case "minLength":
            return f"{place} is {_shown(error.instance)}; it must not be empty."
        case "pattern":
            return f"{place} is {_shown(error.instance)}; it must be {error.schema['form']}."
    return f"{place}: {error.message}."


def _suggestion(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean `{close[0]}`?" if close else f" (known: {', '.join(known) or 'none'})."


def _name(key: Any) -> str:
    # Keys in YAML may be numbers or switches.
    return key if isinstance(key, str) else _shown(key)


def _shown(value: Any) -> str:
    # As YAML writes them.
    match value:
        case None:
            return "empty"
        case bool():
            return "on" if value else "off"
        case Mapping():
            return "a mapping"
        case list():
            return "a list"
        case float() if not math.isfinite(value):
            return repr(value).replace("inf", ".inf").replace("nan", ".nan")
    return repr(value)


def _hint(value: Any, kinds: list[str]) -> str:
    """What to do if YAML reads a value as another type than was meant."""
    if isinstance(value, bool) and "string" in kinds:
        return ": put yes, no, on, off, true and false in quotes"
    if isinstance(value, int | float) and "string" in kinds:
        return ": put it in quotes"
    return ""


def _kind(kinds: list[str]) -> str:
    names = {
        "object": "a mapping",
        "array": "a list",
        "string": "text",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "null": "empty",
    }
    return " or ".join(names[kind] for kind in kinds)

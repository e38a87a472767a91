"""The JSON schema of the config, made from the definitions of its settings.

Besides JSON schema's keywords, each setting has a `form`: what it may be, in words.
"""

from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from spokenwords.config import settings
from spokenwords.config.settings import REQUIRED, Section, Setting, Text


def of_config() -> dict[str, Any]:
    """The schema of config.yaml and its overlays."""
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return draft | {"title": "Config of spoken-words"} | _section(settings.Config, True)


def shown(value: object) -> str:
    """A value as it is written in the config."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return "null" if value is None else str(value)


def _section(section: type[Section], total: bool) -> dict[str, Any]:
    """A section's schema; if it is not `total`, nothing is required or has a default."""
    total = total and section.total
    properties = {
        name: _property(kind, settings.definition(section, name), total)
        for name, kind in settings.types(section).items()
    }
    required = [name for name, part in properties.items() if total and "default" not in part]
    schema = _mapping(section, additionalProperties=False, properties=properties)
    return schema | {"required": required} if required else schema


def _property(kind: Any, setting: Setting, total: bool) -> dict[str, Any]:
    if get_origin(kind) is dict:
        entry = get_args(kind)[1]
        names, entries = _values(settings.Name, Setting()), _section(entry, True)
        return _mapping(entry, minProperties=1, propertyNames=names, additionalProperties=entries)
    if isinstance(kind, type) and issubclass(kind, Section):
        schema = _section(kind, total)
        return schema | {"default": {}} if total and "required" not in schema else schema
    schema = {"description": setting.meaning} | _values(kind, setting)
    if total and setting.default is not REQUIRED:
        schema["default"] = setting.default
    return schema


def _mapping(section: type[Section], **keywords: Any) -> dict[str, Any]:
    return {"description": " ".join((section.__doc__ or "").split()), "type": "object", **keywords}


def _values(kind: Any, setting: Setting) -> dict[str, Any]:
    """The schema of values of a type, numbers being within the setting's limits."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        text = arguments[1]
        pattern = {"pattern": text.pattern} if text.pattern else {}
        return {"type": "string", "minLength": 1, **pattern, "form": text.form}
    if origin is Literal:
        values = {"enum": list(arguments)} if len(arguments) > 1 else {"const": arguments[0]}
        return values | {"form": _either([shown(value) for value in arguments])}
    if origin is list:
        texts = [note for note in get_args(arguments[0]) if isinstance(note, Text)]
        form = f"a list of different {texts[0].plural if texts else 'ones'}"
        schema = {"type": "array", "items": _values(arguments[0], setting), "uniqueItems": True}
        return schema | ({"minItems": setting.fewest} if setting.fewest else {}) | {"form": form}
    if kind is bool:
        return {"type": "boolean", "form": "on or off"}
    if kind is str:
        return {"type": "string", "form": "text"}
    if kind in (int, float):
        limits = {
            "minimum": setting.minimum,
            "exclusiveMinimum": setting.above,
            "maximum": setting.maximum,
            "exclusiveMaximum": setting.below,
        }
        limits = {name: limit for name, limit in limits.items() if limit is not None}
        name, form = ("integer", "a whole number") if kind is int else ("number", "a number")
        return {"type": name, **limits, "form": form + _range(setting)}
    # A union. JSON schema has a shorter form for what may be empty.
    if NoneType in arguments:
        other = _values(arguments[0], setting)
        return other | {"type": [other["type"], "null"], "form": _either([other["form"], "null"])}
    options = [_values(argument, setting) for argument in arguments]
    return {"anyOf": options, "form": _either([option["form"] for option in options])}


def _range(setting: Setting) -> str:
    if setting.minimum is not None and setting.maximum is not None:
        return f" from {setting.minimum} to {setting.maximum}"
    limits = {
        "of at least": setting.minimum,
        "above": setting.above,
        "at most": setting.maximum,
        "below": setting.below,
    }
    parts = [f"{words} {limit}" for words, limit in limits.items() if limit is not None]
    return " " + " and ".join(parts) if parts else ""


def _either(forms: list[str]) -> str:
    """`a, b or c`; with a comma before `or` where a form is of several words."""
    forms = [part for form in forms for part in form.split(" or ")] if len(forms) > 1 else forms
    comma = "," if any(" " in form for form in forms) else ""
    return f"{', '.join(forms[:-1])}{comma} or {forms[-1]}" if len(forms) > 1 else forms[0]

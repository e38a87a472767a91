"""The config: validated against its schema, then brought into canonical form."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend

from spokenwords.config import input_sizes
from spokenwords.errors import UserError

# YAML's .nan and .inf are no numbers that a setting could have.
Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "number",
        lambda checker, value: (
            Draft202012Validator.TYPE_CHECKER.is_type(value, "number") and math.isfinite(value)
        ),
    ),
)


def canonical(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The config as rules use it: defaults filled in, numbers of the schema's type, keys sorted.

    Text is read as YAML where the schema has another type. Each run is merged over the one that it
    names as `like`, and that over `training`. Two configs that mean the same have the same
    canonical form. Raises `UserError` with a sentence that names the key of the first fault.
    """
    # Snakemake keeps values that it was given on the command line in mappings of its own.
    config = _plain(config)
    off = {}
    if isinstance(config.get("runs"), dict):
        # An overlay cannot take a run away, but it can turn it off.
        off = {name: False for name, run in config["runs"].items() if _of_yaml(run) is False}
        config["runs"] = {name: run for name, run in config["runs"].items() if name not in off}
    config = _read(config, schema, schema["$defs"])
    errors = list(Validator(schema).iter_errors(config))
    if errors:
        raise UserError(_sentence(best_match(errors)))
    of_training = schema["properties"]["training"]
    training = _canonical(config.get("training", {}), of_training, schema["$defs"])
    runs = {name: _merged(training, _whole(name, config["runs"], off)) for name in config["runs"]}
    config = _canonical(config | {"runs": runs}, schema, schema["$defs"])
    for settings in (config["dataset"], config["training"], *config["runs"].values()):
        for key in ("words", "unknown"):
            if isinstance(settings.get(key), list):
                settings[key].sort()
    _check_references(config)
    # Else this config would bring them back where it is laid over the one that has them.
    config["runs"] |= off
    return config


def _whole(name: str, runs: Mapping[str, Any], off: Iterable[str]) -> dict[str, Any]:
    """A run with what it takes over from others, which `like` names. Raises `UserError`."""
    chain = [name]
    while like := runs[chain[-1]].get("like"):
        key = f"runs.{chain[-1]}.like"
        if like in off:
            raise UserError(f"Config key {key} names {like!r}, a run that is off.")
        _known(key, like, "runs", runs)
        if like in chain:
            raise UserError(f"Config key {key} goes in a circle: {' -> '.join([*chain, like])}.")
        chain.append(like)
    whole = {}
    for place in reversed(chain):
        whole = _merged(whole, runs[place])
    whole.pop("like", None)
    if missing := [key for key in ("features", "split", "representation") if key not in whole]:
        raise UserError(f"Config key runs.{name} lacks `{missing[0]}`.")
    return whole


def of_each_seed(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The runs of a canonical config that are not off, those with several seeds as one run a seed.

    A run `complex` with the seeds 1 and 2 becomes `complex-seed1` and `complex-seed2`; their
    settings name it as `run`. Raises `UserError` where such a name is another run's.
    """
    single = {}
    runs = {name: run for name, run in runs.items() if run is not False}
    for name, run in runs.items():
        seeds = run["seed"] if isinstance(run["seed"], list) else [run["seed"]]
        for seed in seeds:
            of_seed = f"{name}-seed{seed}" if isinstance(run["seed"], list) else name
            if of_seed != name and of_seed in runs:
                raise UserError(
                    f"Config key runs.{of_seed} has the name that run {name} has with its seed "
                    f"{seed}: rename one of them."
                )
            single[of_seed] = {**run, "run": name, "seed": seed}
    return single


def _check_references(config: dict[str, Any]) -> None:
    """What a schema cannot say: names that must exist elsewhere, values that must fit together."""
    for name, run in config["runs"].items():
        for key, catalogue in (("features", "features"), ("split", "splits")):
            _known(f"runs.{name}.{key}", run[key], catalogue, config[catalogue])
    for name in config["train"]:
        _known("train", name, "runs", config["runs"])
    of_each_seed(config["runs"])
    for name, split in config["splits"].items():
        if split["method"] != "official" and split["train"] + split["valid"] >= 1:
            raise UserError(
                f"In config key splits.{name}, train ({split['train']:g}) and valid "
                f"({split['valid']:g}) leave nothing to test on: their sum must be below 1."
            )
    for name, features in config["features"].items():
        _check_transform(f"features.{name}.stft", features["stft"], config["audio"])
    _check_training("training", config["training"])
    for name, run in config["runs"].items():
        _check_training(f"runs.{name}", run)
        stft = config["features"][run["features"]]["stft"]
        _check_sizes(f"runs.{name}", run, stft, config["audio"])
    archive = config["dataset"]["archive"]
    if config["dataset"]["source"] == "archive":
        if not (archive["path"] or archive["urls"]):
            raise UserError("Config key dataset.archive needs `urls` or `path` (source: archive).")
        if "sha256" not in archive:
            raise UserError("Config key dataset.archive needs `sha256` (source: archive).")


def _check_transform(key: str, stft: Mapping[str, Any], audio: Mapping[str, Any]) -> None:
    rate = audio["sample_rate"]
    window = round(stft["window_seconds"] * rate)
    if not 2 <= window <= stft["n_fft"]:
        raise UserError(
            f"In config key {key}, window_seconds makes a window of {window} samples; it must be "
            f"at least 2 and at most n_fft, {stft['n_fft']}."
        )
    if round(stft["stride_seconds"] * rate) < 1:
        raise UserError(f"Config key {key}.stride_seconds is less than one sample.")
    if round(audio["seconds"] * rate) <= stft["n_fft"] // 2:
        raise UserError(
            f"Config key audio.seconds is {audio['seconds']:g}, too short for {key}.n_fft, "
            f"{stft['n_fft']} samples at {rate} Hz."
        )


def _check_training(key: str, settings: Mapping[str, Any]) -> None:
    """Settings of `training`, or of a run, by themselves."""
    named = [] if settings["words"] == "all" else settings["words"]
    if both := sorted(set(settings["unknown"]).intersection(named)):
        raise UserError(
            f"Config keys {key}.words and {key}.unknown both name {', '.join(both)}: name a word "
            "in one of them."
        )
    range_test, ratios = settings["range_test"], settings["augmentation"]["noise_snr_db"]
    if range_test["lowest"] >= range_test["highest"]:
        raise UserError(
            f"In config key {key}.range_test, lowest ({range_test['lowest']:g}) must be below "
            f"highest ({range_test['highest']:g})."
        )
    if ratios["lowest"] > ratios["highest"]:
        raise UserError(
            f"In config key {key}.augmentation.noise_snr_db, lowest ({ratios['lowest']:g}) "
            f"must not be above highest ({ratios['highest']:g})."
        )


def _check_sizes(
    key: str, run: Mapping[str, Any], stft: Mapping[str, Any], audio: Mapping[str, Any]
) -> None:
    """Settings of a run beside those of the spectrograms that it is trained on."""
    rate, hop = audio["sample_rate"], round(stft["stride_seconds"] * audio["sample_rate"])
    # An odd n_fft takes a sample more to reach over the end.
    frames = (round(audio["seconds"] * rate) - stft["n_fft"] % 2) // hop + 1
    rows = input_sizes.rows(run["representation"], stft["n_fft"])
    smallest = input_sizes.SMALLEST[run["model"]]
    if min(frames, rows) < smallest:
        raise UserError(
            f"Config key {key} makes images of {rows} frequencies by {frames} frames; the "
            f"{run['model']} network needs {smallest} of each: raise audio.seconds, change "
            f"features.{run['features']}.stft, or take another model or representation."
        )
    if run["test_shift_seconds"] >= audio["seconds"]:
        raise UserError(
            f"Config key {key}.test_shift_seconds is {run['test_shift_seconds']:g}; it must be "
            f"below audio.seconds, {audio['seconds']:g}."
        )
    varied, bins = run["augmentation"], stft["n_fft"] // 2
    frame, bin_hz = hop / rate, rate / stft["n_fft"]
    for name, frames_or_bins in (
        ("test_shift_seconds", run["test_shift_seconds"] / frame),
        ("augmentation.shift_seconds", varied["shift_seconds"] / frame),
        ("augmentation.time_stretch", varied["time_stretch"] * frames / 2),
        ("augmentation.frequency_warp", varied["frequency_warp"] * bins),
    ):
        if 0 < frames_or_bins < 0.5:
            raise UserError(
                f"Config key {key}.{name} is too small to have an effect: it comes to "
                f"{frames_or_bins:.2g} frames, or bins, of {frame:.3g} s and {bin_hz:.3g} Hz."
            )


def _known(key: str, name: str, catalogue: str, entries: Mapping[str, Any]) -> None:
    if name not in entries:
        raise UserError(
            f"Config key {key} names {name!r}, which `{catalogue}` does not have"
            f"{_suggestion(name, list(entries))}"
        )


def _sentence(error: ValidationError) -> str:
    """A validation error as one sentence that names the key."""
    key = ".".join(map(_name, error.absolute_path))
    place = f"Config key {key}" if key else "The config"
    expected = error.validator_value
    if "propertyNames" in error.relative_schema_path:
        name = _name(error.instance)
        wanted = "text" if error.validator == "type" else error.schema["description"]
        hint = _hint(error.instance, ["string"])
        return f"Config key {key}.{name} is ill named; a name must be {wanted}{hint}."
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
        case "anyOf" | "oneOf":
            wanted = error.schema.get("description", "something else")
            hint = _hint(error.instance, [option.get("type") for option in expected])
            return f"{place} is {_shown(error.instance)}; it must be {wanted}{hint}."
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
            return f"{place} names something twice."
        case "minLength":
            return f"{place} is {_shown(error.instance)}; it must not be empty."
        case "pattern":
            wanted = error.schema.get("description", f"text of the form {expected}")
            return f"{place} is {_shown(error.instance)}; it must be {wanted}."
    return f"{place}: {error.message}."


def _suggestion(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean `{close[0]}`?" if close else f" (known: {', '.join(known) or 'none'})."


def _name(key: Any) -> str:
    # YAML has keys that are no text.
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
    """What to do where YAML takes a value for another type than was meant."""
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


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in schema:
        return definitions[schema["$ref"].removeprefix("#/$defs/")] | schema
    return schema


def _of_key(schema: Mapping[str, Any], key: Any) -> Mapping[str, Any]:
    """The schema of a mapping's value."""
    others = schema.get("additionalProperties")
    return schema.get("properties", {}).get(key, others if isinstance(others, dict) else {})


def _of_items(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a list's items."""
    kinds = [schema, *schema.get("anyOf", [])]
    return next((kind["items"] for kind in kinds if "items" in kind), {})


def _types(schema: Mapping[str, Any]) -> list[str]:
    """The JSON types that a schema names, or has values of."""
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    values = [*schema.get("enum", []), *([schema["const"]] if "const" in schema else [])]
    types = [*types, *("boolean" for value in values if isinstance(value, bool))]
    return [*types, *(kind for option in schema.get("anyOf", []) for kind in _types(option))]


def _read(value: Any, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    """The value, its texts read as YAML where the schema has the type that they then have.

    Snakemake takes all values of --config that are in mappings or lists for text. What may be text,
    such as the name of a word or a folder, stays text; only what may be empty can be `null`.
    """
    schema = _resolved(schema, definitions)
    if isinstance(value, dict):
        return {key: _read(part, _of_key(schema, key), definitions) for key, part in value.items()}
    if isinstance(value, list):
        return [_read(item, _of_items(schema), definitions) for item in value]
    types = set(_types(schema))
    if "string" in types:
        types &= {"null"}
    meant = _of_yaml(value) if types else value
    if any(Validator.TYPE_CHECKER.is_type(meant, one) for one in types):
        if isinstance(meant, list | dict):
            # By the types of its parts: `yes` may be a word.
            return _read(yaml.load(value, yaml.BaseLoader), schema, definitions)
        return meant
    return value


def _of_yaml(value: Any) -> Any:
    """What YAML reads a text as; other values as they are."""
    if not isinstance(value, str):
        return value
    # In YAML 1.1, 1e-3 is text; 1.0e-3 is a number.
    if re.fullmatch(r"[-+]?[\d.]*\d[eE][-+]?\d+", value):
        return float(value)
    # And 1:30 is a number, 90.
    if re.fullmatch(r"[-+]?[\d_]+(:\d+)+(\.\d*)?", value):
        return value
    try:
        return yaml.safe_load(value)
    except (yaml.YAMLError, ValueError):  # The latter comes of impossible dates.
        return value


def _canonical(value: Any, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    schema = _resolved(schema, definitions)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        filled = {
            name: part["default"] for name, part in properties.items() if "default" in part
        } | value
        return {
            name: _canonical(filled[name], _of_key(schema, name), definitions)
            for name in sorted(filled)
        }
    if isinstance(value, list):
        return [_canonical(item, _of_items(schema), definitions) for item in value]
    kinds = _types(schema)
    if isinstance(value, float) and "integer" in kinds and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and "number" in kinds:
        return float(value)
    return value


def _merged(value: Any, changes: Any) -> Any:
    if not (isinstance(value, dict) and isinstance(changes, dict)):
        return changes
    return value | {
        key: _merged(value[key], part) if key in value else part for key, part in changes.items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value

"""The runs of a config: inheritance from each other and from `training`, one run per seed."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

from spokenwords.config import refusals
from spokenwords.errors import UserError

Runs = Mapping[str, Mapping[str, Any]]  # settings by name, one run per seed


def merged(value: Any, changes: Any) -> Any:
    """A value with changes merged into it, at any depth."""
    if not (isinstance(value, dict) and isinstance(changes, dict)):
        return changes
    return value | {
        key: merged(value[key], part) if key in value else part for key, part in changes.items()
    }


def inherited(name: str, runs: Mapping[str, Any], off: Container[str]) -> dict[str, Any]:
    """A run with the settings that it inherits through `like`. Raises `UserError`."""
    chain = [name]
    while like := runs[chain[-1]].get("like"):
        key = f"runs.{chain[-1]}.like"
        if like in off:
            raise UserError(f"Config key {key} is {like!r}, but this run is off: name another run.")
        if like not in runs:
            raise refusals.unknown_name(key, like, "runs", runs)
        if like in chain:
            raise UserError(
                f"Config key {key} is circular ({' -> '.join([*chain, like])}): remove one `like`."
            )
        chain.append(like)
    whole: dict[str, Any] = {}
    for place in reversed(chain):
        whole = merged(whole, runs[place])
    whole.pop("like", None)
    if missing := [key for key in ("features", "split", "representation") if key not in whole]:
        raise UserError(f"Config key runs.{name} lacks `{missing[0]}`.")
    return whole


def of_each_seed(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The runs of a canonical config that are not off, one per seed.

    A run `complex` with the seeds 1 and 2 becomes `complex-seed1` and `complex-seed2`; `run` in
    their settings is the name in the config. Raises `UserError` if another run has such a name.
    """
    single = {}
    runs = {name: run for name, run in runs.items() if run is not False}
    for name, run in runs.items():
        seeds = run["seed"] if isinstance(run["seed"], list) else [run["seed"]]
        for seed in seeds:
            of_seed = f"{name}-seed{seed}" if isinstance(run["seed"], list) else name
            if of_seed != name and of_seed in runs:
                raise UserError(
                    f"Config key runs.{of_seed} has the name of run {name} with seed {seed}: "
                    "rename one of them."
                )
            single[of_seed] = {**run, "run": name, "seed": seed}
    return single


def trained(names: Iterable[str], runs: Runs) -> dict[str, Mapping[str, Any]]:
    """The runs of these names in the config, in that order, each with all its seeds."""
    return {run: runs[run] for name in names for run in runs if runs[run]["run"] == name}


def used(runs: Runs, key: str) -> list[str]:
    """The `features`, or the `split`, that runs use, sorted."""
    return sorted({run[key] for run in runs.values()})


def with_noise(runs: Runs) -> Runs:
    """Those of the runs whose training recordings get noise added."""
    return {name: run for name, run in runs.items() if run["augmentation"]["noise_share"]}


def with_silence(runs: Runs) -> Runs:
    """Those of the runs with a class for silence."""
    return {name: run for name, run in runs.items() if run["silence"]}


def with_negatives(runs: Runs) -> Runs:
    """Those of the runs that are trained with negatives."""
    return {name: run for name, run in runs.items() if run["negatives"]}


def with_false_alarms(runs: Runs) -> Runs:
    """Those of the runs that are to recognise sounds which are none of their words."""
    return {
        name: run
        for name, run in runs.items()
        if run["words"] != "all" or run["unknown"] or run["silence"] or run["negatives"]
    }

"""Checks that a schema cannot express: names that must exist, values that must fit together."""

from collections.abc import Collection, Mapping
from typing import Any

from spokenwords.config import input_sizes, refusals, runs
from spokenwords.errors import UserError


def check(config: dict[str, Any]) -> None:
    """Raise `UserError` for the first name that does not exist or value that does not fit."""
    for name, run in config["runs"].items():
        for key, section in (("features", "features"), ("split", "splits")):
            _check_name(f"runs.{name}.{key}", run[key], section, config[section])
    for name in config["train"]:
        _check_name("train", name, "runs", config["runs"])
    runs.of_each_seed(config["runs"])
    for name, split in config["splits"].items():
        if split["method"] != "official" and split["train"] + split["valid"] >= 1:
            raise UserError(
                f"In config key splits.{name}, train ({split['train']:g}) and valid "
                f"({split['valid']:g}) leave no test set: their sum must be below 1."
            )
    for name, features in config["features"].items():
        _check_transform(f"features.{name}.stft", features["stft"], config["audio"])
    _check_training("training", config["training"])
    for name, run in config["runs"].items():
        _check_training(f"runs.{name}", run)
        _check_negatives(f"runs.{name}", run, config["dataset"]["negatives"])
        stft = config["features"][run["features"]]["stft"]
        _check_sizes(f"runs.{name}", run, stft, config["audio"])
    if config["predict"]["false_alarms_per_hour"]:
        for name in config["train"]:
            if not config["runs"][name]["negatives"]:
                raise UserError(
                    f"Config key predict.false_alarms_per_hour needs runs with negatives, but run "
                    f"{name} has none: set runs.{name}.negatives, or leave it out of `train`."
                )
    archive = config["dataset"]["archive"]
    if config["dataset"]["source"] == "archive":
        if not (archive["path"] or archive["urls"]):
            raise UserError("Config key dataset.archive needs `urls` or `path` (source: archive).")
        if not archive["sha256"]:
            raise UserError("Config key dataset.archive needs `sha256` (source: archive).")


def _check_name(key: str, name: str, section: str, names: Collection[str]) -> None:
    if name not in names:
        raise refusals.unknown_name(key, name, section, names)


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
            f"Config key audio.seconds is {audio['seconds']:g}, too short for {key}.n_fft "
            f"({stft['n_fft']} samples at {rate} Hz): raise it, or lower n_fft."
        )


def _check_training(key: str, settings: Mapping[str, Any]) -> None:
    """Settings of `training` or of a run that depend on each other."""
    named = [] if settings["words"] == "all" else settings["words"]
    if both := sorted(set(settings["unknown"]).intersection(named)):
        raise UserError(
            f"Config keys {key}.words and {key}.unknown both contain {', '.join(both)}: "
            "remove each word from one of them."
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


def _check_negatives(key: str, run: Mapping[str, Any], negatives: Collection[str]) -> None:
    """Settings of a run that need negatives."""
    if run["negatives"] and not negatives:
        raise UserError(
            f"Config key {key}.negatives is {run['negatives']:g}, but dataset.negatives is empty: "
            "name folders there, or `synthetic`."
        )
    if run["select_by"] == "false_alarms" and not (run["negatives"] or run["unknown"]):
        raise UserError(
            f"Config key {key}.select_by is false_alarms, but the run has no class `unknown`: set "
            "`negatives` or `unknown`, or select by loss."
        )


def _check_sizes(
    key: str, run: Mapping[str, Any], stft: Mapping[str, Any], audio: Mapping[str, Any]
) -> None:
    """Settings of a run that depend on those of its spectrograms."""
    rate, hop = audio["sample_rate"], round(stft["stride_seconds"] * audio["sample_rate"])
    # With an odd n_fft, a frame needs one more sample after its middle than before it.
    frames = (round(audio["seconds"] * rate) - stft["n_fft"] % 2) // hop + 1
    rows = input_sizes.rows(run["representation"], stft["n_fft"])
    smallest = input_sizes.SMALLEST[run["model"]]
    if min(frames, rows) < smallest:
        raise UserError(
            f"Config key {key} makes images of {rows} frequencies by {frames} frames; the "
            f"{run['model']} network needs {smallest} of each: raise audio.seconds, change "
            f"features.{run['features']}.stft, or choose another model or representation."
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
            unit = f"a bin ({bin_hz:.3g} Hz)" if "frequency" in name else f"a frame ({frame:.3g} s)"
            raise UserError(
                f"Config key {key}.{name} is too small to have an effect: it changes a spectrogram "
                f"by {frames_or_bins:.2g} of {unit} at most. Raise it, or set it to 0."
            )

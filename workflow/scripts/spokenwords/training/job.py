"""A model from files to files: what rule `train` does; several processes can do it together."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from spokenwords.errors import UserError
from spokenwords.model import augmentation, device, inference, thresholds
from spokenwords.model.classifier import Classifier
from spokenwords.recordings import classes, manifest
from spokenwords.spectrograms import in_memory, level
from spokenwords.spectrograms.read import Store
from spokenwords.spectrograms.read_noise import read_noise_store, training_part
from spokenwords.training import distributed, loop, suggested_rate


@dataclass(frozen=True)
class Job:
    """What is trained, from what, and where it goes; but for `settings` and `code`, paths.

    `settings` are those of a run of the config; `code` tells this code from others. `stores` are
    zarr.json files, one a word, and those of `silence` and `noise`; `rates` is a range test's
    table, for a rate that is `auto`; `segments` is the table of silence. `inputs` are all files
    that the model depends on.
    """

    settings: Mapping[str, Any]
    code: str
    threads: int
    inputs: Sequence[str]
    stores: Sequence[str]
    train: str
    valid: str
    model: str
    log: str
    summary: str
    silence: Sequence[str] = ()
    segments: Sequence[str] = ()
    noise: Sequence[str] = ()
    rates: str | None = None


def make_model(job: Job) -> None:
    """Train a classifier and write it, the log and the summary.

    A training that was cut off is taken up. With several processes (parallel.py) each has its share
    of the recordings, and the first one writes. Raises `UserError`.
    """
    settings = dict(job.settings)
    place = device.choose(settings.pop("device"), job.threads)
    # A checkpoint belongs to these settings, this code and these data, and to no others.
    identity = loop.identity([settings, job.code, place.type, distributed.size()], job.inputs)
    budget = in_memory.as_bytes(settings.pop("memory_budget"))
    settings["patience"] = settings["patience"] or None
    if settings["max_lr"] == "auto":
        settings["max_lr"] = _suggested(job.rates)
    of_classes = {key: settings.pop(key) for key in classes.SETTINGS}
    chosen = classes.of_stores(job.stores, of_classes)
    stores = in_memory.open_stores([*job.stores, *job.silence], job.threads)
    variation = augmentation.settings_of(settings.pop("augmentation"))
    varied = _augmentation(variation, job, stores[0], place, len(chosen.names))
    train_set, valid_set = in_memory.load(
        stores,
        [
            distributed.share(manifest.of_classes(Path(path), chosen, job.segments), equal)
            for path, equal in ((job.train, True), (job.valid, False))
        ],
        *(place, budget, chosen.number, distributed.size()),
    )
    torch.manual_seed(settings["seed"])
    kinds = settings.pop("representation"), settings.pop("model")
    classifier = Classifier.for_stores(stores, *kinds, chosen).to(place)
    classifier.precision = device.precision(settings.pop("precision"), place)
    settings["compile"] = device.compiles(settings["compile"], place)
    settings["weight_averaging"] = settings["weight_averaging"] or None
    checkpoint = Path(job.model).with_name("checkpoint.pt")
    log, summary = loop.train(
        *(classifier, train_set, valid_set, loop.Settings(**settings)),
        *(checkpoint, identity, varied),
    )
    outcomes = inference.outcomes(classifier, valid_set)
    numbers, probabilities, labels = (
        np.concatenate(distributed.each(values.cpu().numpy()))
        for values in (outcomes.classes[:, 0], outcomes.probabilities[:, 0], outcomes.labels)
    )
    levels = np.concatenate(distributed.each(inference.levels(classifier.transform, valid_set)))
    if distributed.rank():
        return
    words = labels < len(chosen.names) - len(chosen.no_words)
    classifier.quietest = level.quietest(levels[words], variation.gain_db)
    classifier.confidences = thresholds.confidences(
        numbers, probabilities, labels, chosen.names, chosen.no_words
    )
    log.to_csv(job.log, index=False)
    Path(job.summary).write_text(json.dumps(summary, indent=2))
    classifier.save(Path(job.model))
    checkpoint.unlink()


def _suggested(rates: str) -> float:
    rate = suggested_rate.suggestion(pd.read_csv(rates))
    if rate is None:
        raise UserError(
            "The loss did not fall at any learning rate of the range test, so `auto` finds none: "
            "set `max_lr` to a number, or change `range_test` (config keys of training)."
        )
    return rate


def _augmentation(
    settings: augmentation.Settings, job: Job, store: Store, place: torch.device, words: int
) -> augmentation.Augmentation | None:
    """What varies spectrograms like the store's, where anything does."""
    if not augmentation.acts(settings):
        return None
    background = None
    if settings.noise_share:
        recordings = read_noise_store(Path(job.noise[0]).parent, store.transform)
        parts = list(map(training_part, recordings))
        background = augmentation.Noise(parts, store.array.shape[-1], place)
    return augmentation.Augmentation(settings, store.transform, background, words)

"""A model: the run's network, trained from the stores."""

import json
from pathlib import Path

import pandas as pd
import torch

from spokenwords import (
    answers,
    augment,
    classes,
    device,
    learning_rate,
    loader,
    manifest,
    noise,
    progress,
    scoring,
    training,
)
from spokenwords.errors import UserError
from spokenwords.model import Classifier

with progress.job_log(snakemake.log[0]):
    settings = dict(snakemake.params.settings)
    model_path = Path(snakemake.output.model)
    place = device.choose(settings.pop("device"), snakemake.threads)
    # A checkpoint belongs to these settings, this code and these data, and to no others.
    identity = training.identity([settings, snakemake.params.code, place.type], snakemake.input)
    budget = loader.as_bytes(settings.pop("memory_budget"))
    settings["patience"] = settings["patience"] or None
    if settings["max_lr"] == "auto":
        settings["max_lr"] = learning_rate.suggestion(pd.read_csv(snakemake.input.rates))
        if settings["max_lr"] is None:
            raise UserError(
                "The loss did not fall at any learning rate of the range test, so `auto` finds "
                "none: set `max_lr` to a number, or change `range_test` (config keys of training)."
            )
    of_classes = {key: settings.pop(key) for key in classes.SETTINGS}
    chosen = classes.of_stores(snakemake.input.stores, of_classes)
    stores = loader.open_stores([*snakemake.input.stores, *snakemake.input.get("silence", [])])
    variation, augmentation = augment.settings_of(settings.pop("augmentation")), None
    if augment.acts(variation):
        transform, frames, background = stores[0].transform, stores[0].array.shape[-1], None
        if variation.noise_share:
            store = Path(snakemake.input.noise[0]).parent
            recordings = map(noise.training_part, noise.read(store, transform))
            background = augment.Noise(list(recordings), frames, place)
        augmentation = augment.Augmentation(variation, transform, background, len(chosen.names))
    segments = snakemake.input.get("segments", [])
    manifests = [
        manifest.of_classes(Path(snakemake.input[name]), chosen, segments)
        for name in ("train", "valid")
    ]
    train_set, valid_set = loader.load(stores, manifests, place, budget, chosen.number)
    torch.manual_seed(settings["seed"])
    kinds = settings.pop("representation"), settings.pop("model")
    classifier = Classifier.for_stores(stores, *kinds, chosen).to(place)
    classifier.precision = device.precision(settings.pop("precision"), place)
    settings["compile"] = device.compiles(settings["compile"], place)
    settings["weight_averaging"] = settings["weight_averaging"] or None
    checkpoint = model_path.with_name("checkpoint.pt")
    log, summary = training.train(
        *(classifier, train_set, valid_set, training.Settings(**settings)),
        *(checkpoint, identity, augmentation),
    )
    probabilities = scoring.score(classifier, valid_set).softmax(dim=1).cpu().numpy()
    classifier.confidences = answers.confidences(
        probabilities, valid_set.labels.cpu().numpy(), chosen.names, chosen.no_words
    )
    log.to_csv(snakemake.output.log, index=False)
    Path(snakemake.output.summary).write_text(json.dumps(summary, indent=2))
    classifier.save(model_path)
    checkpoint.unlink()

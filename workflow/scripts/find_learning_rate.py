"""The loss of a short training whose learning rate rises: the range test."""

from pathlib import Path

import torch

from spokenwords.jobs.log import job_log
from spokenwords.model import device
from spokenwords.model.classifier import Classifier
from spokenwords.recordings import classes, manifest
from spokenwords.spectrograms import in_memory
from spokenwords.training import range_test

with job_log(snakemake.log[0]):
    settings = snakemake.params.settings
    place = device.choose(settings["device"], snakemake.threads)
    chosen = classes.of_stores(snakemake.input.stores, settings)
    names = [*snakemake.input.stores, *snakemake.input.get("silence", [])]
    stores = in_memory.open_stores(names, snakemake.threads)
    segments = snakemake.input.get("segments", [])
    manifests = [manifest.of_classes(Path(snakemake.input.train), chosen, segments)]
    budget = in_memory.as_bytes(settings["memory_budget"])
    [train] = in_memory.load(stores, manifests, place, budget, chosen.number)
    torch.manual_seed(settings["seed"])
    kinds = settings["representation"], settings["model"]
    classifier = Classifier.for_stores(stores, *kinds, chosen).to(place)
    classifier.precision = device.precision(settings["precision"], place)
    rates = range_test.run(
        classifier,
        train,
        **settings["range_test"],
        batch_size=settings["batch_size"],
        seed=settings["seed"],
    )
    rates.to_csv(snakemake.output.rates, index=False)

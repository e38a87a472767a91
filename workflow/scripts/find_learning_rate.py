"""Measure the loss of a short training whose learning rate rises: the range test."""

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
    target = device.choose(settings["device"], snakemake.threads)
    chosen = classes.of_stores(snakemake.input.stores, settings)
    stores = in_memory.open_stores(
        [*snakemake.input.stores, *snakemake.input.silence, *snakemake.input.negatives],
        snakemake.threads,
    )
    recordings = manifest.of_classes(
        Path(snakemake.input.train),
        chosen,
        snakemake.input.segments,
        snakemake.input.negative_segments,
        settings["negatives"],
    )
    budget = in_memory.as_bytes(settings["memory_budget"])
    [train_set] = in_memory.load(stores, [recordings], target, budget, chosen.number)
    torch.manual_seed(settings["seed"])
    classifier = Classifier.for_stores(
        stores, settings["representation"], settings["model"], chosen
    ).to(target)
    classifier.precision = device.precision(settings["precision"], target)
    rates = range_test.run(
        classifier,
        train_set,
        **settings["range_test"],
        batch_size=settings["batch_size"],
        seed=settings["seed"],
    )
    rates.to_csv(snakemake.output.rates, index=False)

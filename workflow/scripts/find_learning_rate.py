"""The loss of a short training whose learning rate rises: the range test."""

import torch

from spokenwords import device, loader, manifest, progress, range_test
from spokenwords.model import Classifier

with progress.job_log(snakemake.log[0]):
    settings = snakemake.params.settings
    place = device.choose(settings["device"], snakemake.threads)
    stores = loader.open_stores(snakemake.input.stores)
    manifests = [manifest.read(snakemake.input.train)]
    [train] = loader.load(stores, manifests, place, loader.as_bytes(settings["memory_budget"]))
    torch.manual_seed(settings["seed"])
    kinds = settings["representation"], settings["model"]
    classifier = Classifier.for_stores(stores, *kinds).to(place)
    classifier.precision = device.precision(settings["precision"], place)
    rates = range_test.run(
        classifier,
        train,
        **settings["range_test"],
        batch_size=settings["batch_size"],
        seed=settings["seed"],
    )
    rates.to_csv(snakemake.output.rates, index=False)

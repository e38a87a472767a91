"""Rule `train`: a model from files to files, by one process or by several."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from spokenwords.errors import UserError
from spokenwords.model import augmentation, device, inference, thresholds
from spokenwords.model.classifier import Classifier
from spokenwords.names import NEGATIVES
from spokenwords.recognition import alarms
from spokenwords.recordings import classes, manifest, negatives, tables
from spokenwords.spectrograms import in_memory, level
from spokenwords.spectrograms.read import Store
from spokenwords.spectrograms.read_noise import read_noise_store, training_part
from spokenwords.training import checkpoint, distributed, loop, sampling, suggested_rate
from spokenwords.training.compilation import compiles

# False alarms are counted in so much of the negatives at most, s.
SECONDS_SEARCHED = 3600


@dataclass(frozen=True)
class Job:
    """What to train, from which files, and which files to write; all values have a form in JSON.

    - `settings`: those of a run of the config
    - `code`: fingerprint of the code that trains
    - `inputs`: all files that the model depends on, among them those below
    - `stores`, `silence`, `noise`, `negatives`: zarr.json files of the words' stores and of those
    - `segments`, `negative_segments`: the tables of silence and of negatives
    - `negative_parts`: the table of the parts of negatives, which are in `folders_of_negatives`
    - `train`, `valid`: manifests
    - `rates`: table of the range test, if `max_lr` is `auto`
    - `model`, `log`, `summary`: the files to write
    """

    settings: Mapping[str, Any]
    code: str
    threads: int
    inputs: Sequence[str]
    stores: Sequence[str]
    silence: Sequence[str]
    segments: Sequence[str]
    noise: Sequence[str]
    negatives: Sequence[str]
    negative_segments: Sequence[str]
    negative_parts: Sequence[str]
    folders_of_negatives: Sequence[str]
    train: str
    valid: str
    rates: str | None
    model: str
    log: str
    summary: str


def run(job: Job) -> None:
    """Train in this process, or with several GPUs in new processes, one per GPU.

    Raises `UserError`.
    """
    processes = distributed.processes(job.settings["device"], job.settings["batch_size"])
    if processes == 1:
        make_model(job)
    else:
        threads = max(1, job.threads // processes)
        distributed.run(__name__, asdict(replace(job, threads=threads)), processes, threads)


def main(path: Path) -> None:
    """Do the job that is described at `path`, as one of several processes."""
    job = Job(**json.loads(path.read_text(encoding="utf-8")))
    with distributed.joined(path, job.settings["device"]):
        make_model(job)


def make_model(job: Job) -> None:
    """Train a classifier, or resume an interrupted training; write it, its log and its summary.

    With several processes, each trains on its share of the recordings, and the first one writes.
    Raises `UserError`.
    """
    settings = job.settings
    target = device.choose(settings["device"], job.threads)
    # A checkpoint belongs to these settings, this code and these data, and to no others.
    of_training = {key: value for key, value in settings.items() if key != "device"}
    saved = checkpoint.Checkpoint(
        Path(job.model).with_name("checkpoint.pt"),
        checkpoint.identity([of_training, job.code, target.type, distributed.size()], job.inputs),
    )
    training = loop.Settings(
        epochs=settings["epochs"],
        batch_size=settings["batch_size"],
        max_lr=_suggested(job.rates) if job.rates else settings["max_lr"],
        patience=settings["patience"] or None,
        seed=settings["seed"],
        compile=compiles(settings["compile"], target),
        label_smoothing=settings["label_smoothing"],
        weight_averaging=settings["weight_averaging"] or None,
        select_by_false_alarms=settings["select_by"] == "false_alarms",
    )
    chosen = classes.of_stores(job.stores, settings)
    stores = in_memory.open_stores([*job.stores, *job.silence, *job.negatives], job.threads)
    variation = augmentation.settings_of(settings["augmentation"])
    varied = _augmentation(variation, job, stores[0], target, len(chosen.names))
    segments = job.segments, job.negative_segments
    train = manifest.of_classes(Path(job.train), chosen, *segments)
    is_negative = train["word"] == NEGATIVES
    # Every process has all negatives: there may be fewer than processes.
    own = distributed.share(train[~is_negative], equal=True)
    train = pd.concat([own, train[is_negative]], ignore_index=True)
    valid = manifest.of_classes(Path(job.valid), chosen, *segments, settings["negatives"])
    train_set, valid_set = in_memory.load(
        stores,
        [train, distributed.share(valid, equal=False)],
        target,
        in_memory.as_bytes(settings["memory_budget"]),
        chosen.number,
        distributed.size(),
    )
    torch.manual_seed(settings["seed"])
    classifier = Classifier.for_stores(
        stores, settings["representation"], settings["model"], chosen
    ).to(target)
    classifier.precision = device.precision(settings["precision"], target)
    sampler = None
    if settings["negatives"] or settings["balanced"]:
        sampler = sampling.Sampler(
            train["word"].map(chosen.number).to_numpy(np.int64),
            (train["word"] == NEGATIVES).to_numpy(),
            len(chosen.names) - len(chosen.non_words),
            settings["negatives"],
            settings["balanced"],
        )
    log, summary = loop.train(classifier, train_set, valid_set, training, saved, varied, sampler)
    outcomes = inference.outcomes(classifier, valid_set)
    predictions = distributed.joint(outcomes.classes[:, 0].cpu().numpy())
    probabilities = distributed.joint(outcomes.probabilities[:, 0].cpu().numpy())
    labels = distributed.joint(outcomes.labels.cpu().numpy())
    levels = distributed.joint(inference.levels(classifier.transform, valid_set))
    if distributed.rank():
        return
    words = labels < len(chosen.names) - len(chosen.non_words)
    classifier.quietest = level.quietest(levels[words], variation.gain_db)
    classifier.confidences = thresholds.confidences(
        predictions, probabilities, labels, chosen.names, chosen.non_words
    )
    if job.negative_parts:
        _count_false_alarms(classifier, job)
    log.to_csv(job.log, index=False)
    Path(job.summary).write_text(json.dumps(summary, indent=2))
    classifier.save(Path(job.model))
    saved.path.unlink()


def _count_false_alarms(classifier: Classifier, job: Job) -> None:
    """Find words in the validation part of the negatives, of which there are none."""
    rate = classifier.transform.sample_rate
    parts = tables.read_table(Path(job.negative_parts[0]), ["file", "set"])
    folders = [Path(folder) for folder in job.folders_of_negatives]
    sound = negatives.stream(parts, folders, "valid", rate, SECONDS_SEARCHED)
    if len(sound):
        classifier.false_alarms = alarms.count(classifier, sound)


def _suggested(rates: str) -> float:
    rate = suggested_rate.suggestion(pd.read_csv(rates))
    if rate is None:
        raise UserError(
            "The loss did not fall at any learning rate of the range test, so there is no rate for "
            "`max_lr: auto`. Set `max_lr` to a number, or change `range_test` (config keys of "
            "training or of the run)."
        )
    return rate


def _augmentation(
    settings: augmentation.Settings, job: Job, store: Store, target: torch.device, words: int
) -> augmentation.Augmentation | None:
    """Return the augmentation of spectrograms like the store's, or None if all of it is off."""
    if not augmentation.acts(settings):
        return None
    background = None
    if settings.noise_share:
        recordings = read_noise_store(Path(job.noise[0]).parent, store.transform)
        parts = [training_part(recording) for recording in recordings]
        background = augmentation.Noise(parts, store.array.shape[-1], target)
    return augmentation.Augmentation(settings, store.transform, background, words)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

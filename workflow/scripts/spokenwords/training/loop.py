"""The training loop: one-cycle learning rate, early stopping, averaged weights, checkpoints."""

import logging
import math
import time
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from spokenwords.errors import UserError
from spokenwords.jobs.progress import Progress
from spokenwords.model import inference, thresholds
from spokenwords.model.augmentation import Augmentation
from spokenwords.model.classifier import Classifier
from spokenwords.model.device import device_name
from spokenwords.spectrograms.in_memory import Recordings, batches_per_epoch
from spokenwords.spectrograms.streamed import StreamedRecordings
from spokenwords.training import distributed
from spokenwords.training.checkpoint import Checkpoint
from spokenwords.training.sampling import Sampler

logger = logging.getLogger("spokenwords")

# Share of the one-cycle schedule in which the rate rises: torch's and the published experiment's.
RISING_SHARE = 0.3
# Share of words that are recognised where epochs are compared by false alarms.
RECALL = 0.95


@dataclass(frozen=True)
class Settings:
    """Settings of the training loop.

    - `batch_size`: recordings per step, of all processes together
    - `max_lr`: highest learning rate of the one-cycle schedule
    - `patience`: stop after this many epochs without a lower validation loss, and select the epoch
      with the lowest. None: train all epochs and select the last, to which the schedule leads. A
      low loss while the rate is high is luck, and smoothed labels raise the loss as accuracy rises.
    - `compile`: whether PyTorch compiles the model, for whole batches
    - `label_smoothing`: share of each target that is spread evenly over all classes (Szegedy et al.
      2016, arXiv:1512.00567)
    - `weight_averaging`: share of the last average in an exponential moving average of the weights
      over the steps, which is validated and saved (after Polyak and Juditsky 1992, who average
      evenly). None: use the weights of the last step.
    - `select_by_false_alarms`: select the epoch with the smallest share of validation recordings
      without a word that are predicted as one, if `RECALL` of those of words are recognised, and of
      equals the one with the lowest loss; also if `patience` is None
    """

    epochs: int
    batch_size: int
    max_lr: float
    patience: int | None
    seed: int
    compile: bool
    label_smoothing: float
    weight_averaging: float | None
    select_by_false_alarms: bool = False


@dataclass
class State:
    """Progress of a training at the end of an epoch, besides weights, optimizer and schedule."""

    log: list[dict] = field(default_factory=list)
    epoch: int = 0
    selected_epoch: int = 0
    selected_loss: float = math.inf
    selected_alarms: float = math.inf
    # The hard negatives of each process.
    hard: list[list[int]] = field(default_factory=list)
    selected_weights: dict = field(default_factory=dict)
    seconds: float = 0.0


def train(
    classifier: Classifier,
    train_set: Recordings | StreamedRecordings,
    valid_set: Recordings | StreamedRecordings,
    settings: Settings,
    checkpoint: Checkpoint,
    augmentation: Augmentation | None,
    sampler: Sampler | None = None,
) -> tuple[pd.DataFrame, dict]:
    """Train `classifier`, which ends with the weights of the selected epoch.

    An epoch has all recordings of `train_set`, or those that `sampler` chooses.

    After each epoch the training is saved to `checkpoint`; an interrupted one is resumed from it
    and ends with the same weights. With several processes (distributed.py), each calls this with
    its share of both sets, and batches are divided among them.

    Returns the log (epoch, set, loss, accuracy, learning_rate: the last batch's) and a summary.
    Raises `UserError` if the loss is not finite, or with fewer than two recordings.
    """
    device, processes = train_set.device, distributed.size()
    torch.manual_seed(distributed.own_seed(settings.seed))
    batch_size = settings.batch_size // processes
    own_recordings = len(sampler or train_set)
    recordings = own_recordings * processes
    patience = settings.patience or math.inf

    model = distributed.parallel(classifier, device)
    compiled = torch.compile(model) if settings.compile else model
    network = classifier.network
    optimizer = torch.optim.Adam(network.parameters(), fused=device.type == "cuda" or None)
    schedule = OneCycleLR(
        optimizer,
        max_lr=settings.max_lr,
        epochs=settings.epochs,
        steps_per_epoch=batches_per_epoch(own_recordings, batch_size),
        pct_start=RISING_SHARE,
    )
    parts = {"network": network, "optimizer": optimizer, "schedule": schedule}
    average = None
    if settings.weight_averaging:
        averaging = get_ema_multi_avg_fn(settings.weight_averaging)
        average = AveragedModel(network, multi_avg_fn=averaging, use_buffers=True)
        parts["average"] = average

    state = State(**checkpoint.resume(parts, device))
    if sampler and state.hard:
        sampler.hard = np.array(state.hard[distributed.rank()], np.int64)
    progress = Progress("Training", (settings.epochs - state.epoch) * recordings, "recordings")
    while state.epoch < settings.epochs and state.epoch - state.selected_epoch < patience:
        start, epoch = time.monotonic(), state.epoch + 1
        # Depends on the epoch alone, so that a resumed training samples the same numbers.
        seed = distributed.own_seed(settings.seed * 1_000_003 + epoch)
        # Augmentation must not use the numbers that choose the order, which come from this seed.
        generator = torch.Generator().manual_seed(~seed & 0x7FFF_FFFF_FFFF_FFFF)
        # Summed on the device: reading a value after each batch would make a GPU wait.
        loss_sum = torch.zeros((), device=device)
        correct = torch.zeros((), dtype=torch.int64, device=device)
        count = 0

        classifier.train()
        sample = sampler.epoch(seed) if sampler else None
        for spectrograms, targets in train_set.shuffled(batch_size, seed, sample):
            if sampler:
                spectrograms, targets = sampler.cut(spectrograms, targets, generator)
            if augmentation:
                spectrograms, targets = augmentation(spectrograms, targets, generator)
            # The last batch may be smaller, for which the model would be compiled again.
            scores = (compiled if len(targets) == batch_size else model)(spectrograms)
            loss = F.cross_entropy(scores, targets, label_smoothing=settings.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rate = float(schedule.get_last_lr()[0])
            schedule.step()
            if average:
                average.update_parameters(network)
            # After mixup, targets are probabilities.
            labels = targets if targets.dim() == 1 else targets.argmax(dim=1)
            loss_sum += loss.detach() * len(labels)
            correct += (scores.argmax(dim=1) == labels).sum()
            count += len(labels)
            progress.advance(len(labels) * processes, f"epoch {epoch}")
        train_loss, train_accuracy = _means(loss_sum, correct, count)

        classifier.network = validated = average.module if average else network
        found = inference.outcomes(classifier, valid_set)
        valid_loss, valid_accuracy = loss_and_accuracy(found)
        if sampler:
            sampler.search(classifier, train_set, epoch, seed)
            state.hard = distributed.gathered(sampler.hard.tolist())
        classifier.network = network

        if not (math.isfinite(train_loss) and math.isfinite(valid_loss)):
            raise UserError(
                f"The loss is not a finite number after epoch {epoch}: lower `max_lr` (config key "
                f"of training or of the run), which is {settings.max_lr:g}."
            )
        state.log += [
            _row(epoch, "train", train_loss, train_accuracy, rate),
            _row(epoch, "valid", valid_loss, valid_accuracy, rate),
        ]
        state.epoch = epoch
        alarms = _false_alarms(classifier, found) if settings.select_by_false_alarms else 0.0
        takes_last = settings.patience is None and not settings.select_by_false_alarms
        if takes_last or (alarms, valid_loss) < (state.selected_alarms, state.selected_loss):
            state.selected_alarms, state.selected_loss = alarms, valid_loss
            state.selected_epoch = epoch
            weights = validated.state_dict()
            state.selected_weights = {name: value.clone() for name, value in weights.items()}
        state.seconds += time.monotonic() - start
        logger.info(
            f"Epoch {epoch}: validation accuracy {valid_accuracy:.4f}, loss {valid_loss:.4f}; "
            f"training accuracy {train_accuracy:.4f}, loss {train_loss:.4f}"
        )
        checkpoint.save(parts, vars(state), device)

    network.load_state_dict(state.selected_weights)
    summary = {
        "epochs": state.epoch,
        "kept_epoch": state.selected_epoch,
        "kept_valid_loss": state.selected_loss,
        "max_lr": settings.max_lr,
        "stopped_early": state.epoch < settings.epochs,
        "warning": _warning(state.epoch, settings.epochs),
        "seconds": round(state.seconds, 2),
        "recordings_per_second": round(recordings * state.epoch / state.seconds, 1),
        "device": device_name(device),
        "processes": processes,
        "precision": str(classifier.precision).removeprefix("torch."),
        "compiled": settings.compile and own_recordings >= batch_size,
        "recordings": "streamed" if isinstance(train_set, StreamedRecordings) else "in memory",
    }
    return pd.DataFrame(state.log), summary


def loss_and_accuracy(found: inference.Outcomes) -> tuple[float, float]:
    """Return the mean cross-entropy (nats) and the share of recordings predicted as their label.

    With several processes, both are of the recordings of all.
    """
    correct = (found.classes[:, 0] == found.labels).sum()
    return _means(found.losses.double().sum(), correct, len(found.labels))


def _false_alarms(classifier: Classifier, found: inference.Outcomes) -> float:
    """Return the share of recordings without a word that are predicted as one (see `Settings`).

    It is infinite if fewer words are recognised even if all answers are accepted, and 0 if all
    recordings have a word.
    """
    classes, probabilities, labels = (
        distributed.joint(values.cpu().numpy())
        for values in (found.classes[:, 0], found.probabilities[:, 0], found.labels)
    )
    names, non_words = classifier.words, classifier.non_words
    right = thresholds.confidences(classes, probabilities, labels, names, non_words)
    spoken = labels < len(names) - len(non_words)
    wanted = RECALL * spoken.sum()
    if len(right) < wanted:
        return math.inf
    threshold = thresholds.threshold(right, wanted / max(1, len(right)))
    accepted = (classes < len(names) - len(non_words)) & (probabilities >= threshold)
    return float(accepted[~spoken].mean()) if (~spoken).any() else 0.0


def _means(loss_sum: torch.Tensor, correct: torch.Tensor, count: int) -> tuple[float, float]:
    """Return loss and accuracy per recording, given each process's sums."""
    sums = torch.stack([loss_sum.double(), correct.double(), loss_sum.new_tensor(count).double()])
    loss, right, recordings = distributed.total(sums).tolist()
    return loss / recordings, right / recordings


def _row(epoch: int, name: str, loss: float, accuracy: float, rate: float) -> dict:
    return {
        "epoch": epoch,
        "set": name,
        "loss": loss,
        "accuracy": accuracy,
        "learning_rate": rate,
    }


def _warning(epoch: int, epochs: int) -> str:
    """Warn of a training that stopped while its learning rate was still rising."""
    if epoch >= RISING_SHARE * epochs:
        return ""
    warning = (
        f"Training stopped at epoch {epoch} of {epochs}, while the learning rate was still rising: "
        "the model is far from its best accuracy. Raise `patience`, or turn early stopping off "
        "with `patience: off` (config keys of training or of the run)."
    )
    logger.warning(f"Warning: {warning}")
    return warning

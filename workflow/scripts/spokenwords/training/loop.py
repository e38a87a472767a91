"""Training a classifier: one-cycle rate, early stopping, resumed if cut off."""

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from spokenwords.errors import UserError
from spokenwords.jobs import atomic
from spokenwords.jobs.device_name import device_name
from spokenwords.jobs.progress import Progress
from spokenwords.model import inference, pytorch_file
from spokenwords.model.augmentation import Augmentation
from spokenwords.model.classifier import Classifier
from spokenwords.spectrograms.in_memory import Recordings, batches_per_epoch
from spokenwords.spectrograms.streamed import StreamedRecordings
from spokenwords.training import distributed

logger = logging.getLogger("spokenwords")

# Share of the one-cycle schedule in which the rate rises: torch's and the published experiment's.
RISING_SHARE = 0.3


@dataclass(frozen=True)
class Settings:
    """`patience` counts epochs without a lower validation loss, and has the epoch of the lowest
    kept. None trains all epochs and keeps the last, to which the schedule leads: while the rate is
    high a low loss is luck, and with smoothed labels it rises as accuracy does.

    `compile` has PyTorch's compiler prepare the training step for whole batches. `label_smoothing`
    is the share of each target that is spread evenly over all words (Szegedy et al. 2016,
    arXiv:1512.00567). With `weight_averaging` the model that is validated and kept has the
    exponential moving average of weights over the steps, of which each keeps this share of the last
    average (after Polyak and Juditsky 1992, who average evenly); None keeps those of the last step.
    """

    epochs: int
    batch_size: int
    max_lr: float
    patience: int | None
    seed: int
    compile: bool = False
    label_smoothing: float = 0
    weight_averaging: float | None = None


@dataclass
class State:
    """Where a training stands at the end of an epoch, besides weights, optimiser and schedule."""

    log: list[dict]
    epoch: int = 0
    kept_epoch: int = 0
    kept_loss: float = float("inf")
    kept_weights: dict | None = None
    seconds: float = 0.0


def train(
    classifier: Classifier,
    train_set: Recordings | StreamedRecordings,
    valid_set: Recordings | StreamedRecordings,
    settings: Settings,
    checkpoint: Path,
    identity: str,
    augmentation: Augmentation | None = None,
) -> tuple[pd.DataFrame, dict]:
    """Train `classifier`, which ends with the weights of the epoch that the settings have kept.

    Training recordings are varied by `augmentation`, each time they are seen.

    After each epoch all that training depends on is saved to `checkpoint` with `identity`, a digest
    of settings, data and code; a checkpoint of the same identity that lies there is taken up.

    Where several processes train together (parallel.py), each calls this with its share of both
    sets. A batch, of which each has its part, is as large as with one process; so the learning
    rate, what batch norm sees, and the figures are those of one.

    Returns the log (epoch, set, loss, accuracy, learning_rate: the last batch's) and a summary.
    Raises `UserError` when the loss stops being a finite number, or with fewer than two recordings.
    """
    device, processes = train_set.device, distributed.size()
    torch.manual_seed(_own(settings.seed))
    batch_size = settings.batch_size // processes
    model: nn.Module = classifier
    if processes > 1:
        distributed.synchronized(classifier.network)
        # Buffers are those of batch norms, which are the same everywhere.
        model = DistributedDataParallel(classifier, broadcast_buffers=False)
    optimizer = torch.optim.Adam(
        classifier.network.parameters(), fused=device.type == "cuda" or None
    )
    schedule = OneCycleLR(
        optimizer,
        max_lr=settings.max_lr,
        epochs=settings.epochs,
        steps_per_epoch=batches_per_epoch(len(train_set), batch_size),
        pct_start=RISING_SHARE,
    )
    parts = {"network": classifier.network, "optimizer": optimizer, "schedule": schedule}
    average = None
    if settings.weight_averaging:
        average = AveragedModel(
            classifier.network,
            multi_avg_fn=get_ema_multi_avg_fn(settings.weight_averaging),
            use_buffers=True,
        )
        parts["average"] = average

    def follow() -> None:
        if average:
            average.update_parameters(classifier.network)

    compiled = torch.compile(model) if settings.compile else model
    state = _resume(checkpoint, identity, parts, device) or State(log=[])
    recordings = len(train_set) * processes
    progress = Progress("Training", (settings.epochs - state.epoch) * recordings, "recordings")
    while state.epoch < settings.epochs and not _out_of_patience(state, settings.patience):
        start = time.monotonic()
        epoch = state.epoch + 1
        batches = train_set.shuffled(batch_size, _seed_of(settings.seed, epoch))
        if augmentation:
            batches = _varied(batches, augmentation, _seed_of(settings.seed, epoch))
        classifier.train()
        rate, train_loss, train_accuracy = _train_epoch(
            # The last batch, of another size, would have all compiled anew.
            lambda batch: (compiled if len(batch) == batch_size else model)(batch),
            *(batches, optimizer, schedule, settings.label_smoothing, follow),
            *(progress, f"epoch {epoch}"),
        )
        with _averaged(classifier, average):
            valid_loss, valid_accuracy = loss_and_accuracy(
                inference.outcomes(classifier, valid_set)
            )
        if not (math.isfinite(train_loss) and math.isfinite(valid_loss)):
            raise UserError(
                f"The loss is no finite number after epoch {epoch}: lower `max_lr` (config key "
                f"training.max_lr, or the run's own), which is {settings.max_lr:g}."
            )
        state.log += [
            _row(epoch, "train", train_loss, train_accuracy, rate),
            _row(epoch, "valid", valid_loss, valid_accuracy, rate),
        ]
        state.epoch = epoch
        if settings.patience is None or valid_loss < state.kept_loss:
            state.kept_loss, state.kept_epoch = valid_loss, epoch
            with _averaged(classifier, average):
                state.kept_weights = {
                    name: value.detach().clone()
                    for name, value in classifier.network.state_dict().items()
                }
        state.seconds += time.monotonic() - start
        logger.info(
            f"Epoch {epoch}: validation accuracy {valid_accuracy:.4f}, loss {valid_loss:.4f}; "
            f"training accuracy {train_accuracy:.4f}, loss {train_loss:.4f}"
        )
        _save(checkpoint, identity, parts, state, device)
    classifier.network.load_state_dict(state.kept_weights)
    summary = {
        "epochs": state.epoch,
        "kept_epoch": state.kept_epoch,
        "kept_valid_loss": state.kept_loss,
        "max_lr": settings.max_lr,
        "stopped_early": state.epoch < settings.epochs,
        "warning": _warning(state, settings),
        "seconds": round(state.seconds, 2),
        "recordings_per_second": round(recordings * state.epoch / state.seconds, 1),
        "device": device_name(device),
        "processes": processes,
        "precision": str(classifier.precision).removeprefix("torch."),
        "compiled": settings.compile and len(train_set) >= batch_size,
        "recordings": "streamed" if isinstance(train_set, StreamedRecordings) else "in memory",
    }
    return pd.DataFrame(state.log), summary


def _train_epoch(
    score: Callable[[torch.Tensor], torch.Tensor],
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
    optimizer: torch.optim.Optimizer,
    schedule: OneCycleLR,
    label_smoothing: float,
    after_step: Callable[[], None],
    progress: Progress,
    detail: str,
) -> tuple[float, float, float]:
    """Step through `batches` of spectrograms and targets, which are labels or probabilities.

    Returns the last step's rate, the mean loss, and the accuracy: the share of recordings whose
    best word is that of the target, or the likeliest one of it.
    """
    # Summed on the device: reading a value after each batch would make a GPU wait.
    loss_sum = correct = count = 0
    for spectrograms, targets in batches:
        scores = score(spectrograms)
        loss = F.cross_entropy(scores, targets, label_smoothing=label_smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        after_step()
        rate = schedule.get_last_lr()[0]
        schedule.step()
        labels = targets if targets.dim() == 1 else targets.argmax(dim=1)
        loss_sum += loss.detach() * len(labels)
        correct += (scores.argmax(dim=1) == labels).sum()
        count += len(labels)
        progress.advance(len(labels) * distributed.size(), detail)
    sums = torch.stack([loss_sum.double(), correct.double(), torch.full_like(loss_sum, count)])
    loss_sum, correct, count = distributed.total(sums).tolist()
    return rate, loss_sum / count, correct / count


def loss_and_accuracy(found: inference.Outcomes) -> tuple[float, float]:
    """Mean cross-entropy (nats), and the share of recordings whose likeliest class is the label.

    Of the recordings of all processes, where several train together.
    """
    loss = found.losses.double().sum()
    correct = (found.classes[:, 0] == found.labels).double().sum()
    sums = torch.stack([loss, correct, torch.full_like(loss, len(found.labels))])
    loss_sum, correct, count = distributed.total(sums).tolist()
    return loss_sum / count, correct / count


def _row(epoch: int, name: str, loss: float, accuracy: float, rate: float) -> dict:
    return {
        "epoch": epoch,
        "set": name,
        "loss": loss,
        "accuracy": accuracy,
        "learning_rate": rate,
    }


def _warning(state: State, settings: Settings) -> str:
    """What is to be said of a training that early stopping ended while its rate still rose."""
    if state.epoch >= RISING_SHARE * settings.epochs:
        return ""
    warning = (
        f"Training stopped at epoch {state.epoch} of {settings.epochs}, while the learning rate "
        "was still rising: the model is far from what it can be. Raise `patience`, or turn early "
        "stopping off with `patience: off` (config keys of training or of the run)."
    )
    logger.warning(f"Warning: {warning}")
    return warning


def identity(settings: list, inputs: Iterable[str]) -> str:
    """A digest of settings (as JSON) and of the inputs' content: whose checkpoint is whose."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in inputs:
        digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return digest.hexdigest()


def _out_of_patience(state: State, patience: int | None) -> bool:
    return patience is not None and state.epoch - state.kept_epoch >= patience


def _seed_of(seed: int, epoch: int) -> int:
    """The seed of what is drawn in an epoch: a training that is taken up draws the same."""
    return _own(seed * 1_000_003 + epoch)


def _own(seed: int) -> int:
    """A seed of this process's own: others draw other numbers."""
    return seed + (distributed.rank() << 56)


def _varied(
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]], augmentation: Augmentation, seed: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    # Not the numbers that chose the order, which are drawn from this seed.
    generator = torch.Generator().manual_seed(~seed & 0x7FFF_FFFF_FFFF_FFFF)
    for spectrograms, labels in batches:
        yield augmentation(spectrograms, labels, generator)


@contextmanager
def _averaged(classifier: Classifier, average: AveragedModel | None) -> Iterator[None]:
    """Have the classifier score with the averaged weights, where there are any."""
    own = classifier.network
    classifier.network = average.module if average else own
    try:
        yield
    finally:
        classifier.network = own


def _save(checkpoint: Path, identity: str, parts: dict, state: State, device: torch.device) -> None:
    """Write the checkpoint whole: a kill leaves the last epoch's or this one.

    Of several processes the first writes it, with the random state of each.
    """
    random_states = distributed.each(_random_state(device))
    if distributed.rank():
        return
    saved = {
        "identity": identity,
        "parts": {name: part.state_dict() for name, part in parts.items()},
        "state": vars(state),
        "random": random_states,
    }
    partial = atomic.beside(checkpoint)
    try:
        # Given a path, PyTorch would not say why it cannot write.
        with partial.open("wb") as file:
            torch.save(saved, file)
        partial.replace(checkpoint)
    except BaseException:
        atomic.remove(partial)
        raise


def _random_state(device: torch.device) -> torch.Tensor:
    """The state of the generator that dropout draws from."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _resume(checkpoint: Path, identity: str, parts: dict, device: torch.device) -> State | None:
    """Take up the training that `checkpoint` holds, if it is this one."""
    try:
        saved = pytorch_file.load(checkpoint)
    except (FileNotFoundError, pytorch_file.ForeignFileError):
        return None
    if not isinstance(saved, dict) or saved.get("identity") != identity:
        return None
    for name, part in parts.items():
        part.load_state_dict(saved["parts"][name])
    random_state = saved["random"][distributed.rank()]
    if device.type == "cuda":
        torch.cuda.set_rng_state(random_state, device)
    else:
        torch.set_rng_state(random_state)
    logger.info(f"Taking up the training after epoch {saved['state']['epoch']}.")
    return State(**saved["state"])

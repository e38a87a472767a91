"""Several processes that train one model together, each on its own share of the recordings.

They exchange sums by torch.distributed. Where there is one process, nothing is exchanged.
"""

import logging
import pickle
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from logging.handlers import QueueHandler, QueueListener
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import torch.distributed as distributed
import torch.distributed.nn.functional as differentiable
import torch.multiprocessing as multiprocessing
from torch import nn
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException
from torch.nn.modules.batchnorm import _BatchNorm

from spokenwords.errors import UserError

logger = logging.getLogger("spokenwords")

# The file in which the process that fails first leaves its exception.
FAULT = "fault.pickle"


def size() -> int:
    """How many processes there are."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """This process's number, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def run(function: Callable, processes: int, backend: str, *arguments: Any) -> None:
    """Call `function` with `arguments` in so many new processes, or here if it is one; and wait.

    `backend` is how they exchange numbers: nccl between GPUs, of which each process has one; gloo
    between CPUs. Messages of the first are told here. What one raises is raised here, once the
    others have been ended.
    """
    if processes == 1:
        function(*arguments)
        return
    messages = multiprocessing.get_context("spawn").Queue()
    listener = QueueListener(messages, *logger.handlers)
    with tempfile.TemporaryDirectory() as folder:
        listener.start()
        try:
            multiprocessing.spawn(
                _enter,
                (processes, backend, Path(folder), messages, function, arguments),
                processes,
            )
        except (ProcessRaisedException, ProcessExitedException):
            if (fault := Path(folder, FAULT)).exists():
                raise pickle.loads(fault.read_bytes()) from None
            raise
        finally:
            listener.stop()


def _enter(
    number: int,
    processes: int,
    backend: str,
    folder: Path,
    messages: Queue,
    function: Callable,
    arguments: tuple,
) -> None:
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.handlers = [logging.NullHandler() if number else QueueHandler(messages)]
    if backend == "nccl":
        torch.cuda.set_device(number)
    place = f"file://{folder}/rendezvous"
    distributed.init_process_group(backend, place, rank=number, world_size=processes)
    try:
        function(*arguments)
    except Exception as error:
        # The others will fail too, as this one no longer answers: the first one's fault counts.
        with suppress(FileExistsError), Path(folder, FAULT).open("xb") as file:
            # Faults that are told in a sentence as they are; others with their traceback.
            told = isinstance(error, UserError | OSError)
            file.write(pickle.dumps(error if told else RuntimeError(traceback.format_exc())))
        raise
    finally:
        distributed.destroy_process_group()


def share(manifest: pd.DataFrame, equal: bool) -> pd.DataFrame:
    """This process's rows of a set; `equal` leaves a few out so that all have as many."""
    own = manifest.iloc[rank() :: size()]
    return own.head(len(manifest) // size()) if equal else own


def total(values: torch.Tensor) -> torch.Tensor:
    """The sum over processes of each value."""
    if size() == 1:
        return values
    values = values.clone()
    distributed.all_reduce(values)
    return values


def each(value: Any) -> list[Any]:
    """What each process has as `value`, in the order of their numbers."""
    values = [value] * size()
    if size() > 1:
        distributed.all_gather_object(values, value)
    return values


class SynchronizedBatchNorm(_BatchNorm):
    """Batch norm by the statistics of all processes' batches, which must be equally large.

    With them two halves of a batch are normalised as the whole is. `nn.SyncBatchNorm` does the
    same, on GPUs alone.
    """

    def _check_input_dim(self, values: torch.Tensor) -> None:
        """Any number of dimensions will do."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """[batch, channels, ...] to the same."""
        if not self.training:
            return super().forward(values)
        axes = [axis for axis in range(values.dim()) if axis != 1]
        shape = [1, -1, *[1] * (values.dim() - 2)]
        exact = values.float()
        mean = _mean(exact.mean(axes))
        deviations = exact - mean.view(shape)
        variance = _mean(deviations.square().mean(axes))
        with torch.no_grad():
            count = values.numel() // values.shape[1] * size()
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        factors = self.weight * (variance + self.eps).rsqrt()
        return (deviations * factors.view(shape) + self.bias.view(shape)).to(values.dtype)


def synchronized(network: nn.Module) -> nn.Module:
    """The network, its batch norms replaced by synchronized ones of the same weights."""
    for name, child in network.named_children():
        if isinstance(child, _BatchNorm):
            replaced = SynchronizedBatchNorm(
                child.num_features, eps=child.eps, momentum=child.momentum
            )
            replaced.load_state_dict(child.state_dict())
            setattr(network, name, replaced.to(child.weight.device))
        else:
            synchronized(child)
    return network


def _mean(values: torch.Tensor) -> torch.Tensor:
    """The mean over processes, of which gradients follow."""
    return differentiable.all_reduce(values) / size() if size() > 1 else values

"""Several processes that train one model together: one per GPU, started by torchrun.

Each has its share of the recordings and of every batch; gradients are averaged. With one process,
these functions change nothing.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
import torch.distributed as distributed
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from spokenwords.errors import UserError
from spokenwords.jobs.machine_errors import OUT_OF_MEMORY, machine_error

if TYPE_CHECKING:
    from spokenwords.model.classifier import Classifier

logger = logging.getLogger("spokenwords")

LIBRARY = Path(__file__).parents[2]
# For tests: how many processes to start on a CPU. One is faster there, so it is not a setting.
PROCESSES_ON_CPU = "SPOKEN_WORDS_PROCESSES"
# The file next to the job's in which the process that fails first leaves its error.
ERROR = "error.txt"


def gpus(device: str) -> int:
    """Return how many GPUs the setting `device` uses; CUDA_VISIBLE_DEVICES limits them."""
    return 0 if device == "cpu" else torch.cuda.device_count()


def processes(device: str, batch_size: int) -> int:
    """Return how many processes train with these settings: one per GPU, or one on a CPU.

    Raises `UserError` if they cannot divide a batch into equal parts.
    """
    count = gpus(device) or int(os.environ.get(PROCESSES_ON_CPU, 1))
    if batch_size % count:
        below = batch_size // count * count
        advice = f"{below} or {below + count}" if below else count
        raise UserError(
            f"`batch_size` (config key of training or of the run) is {batch_size}, which {count} "
            f"processes, one per GPU, cannot divide equally: set it to {advice}, or choose the "
            "GPUs with the environment variable CUDA_VISIBLE_DEVICES."
        )
    return count


def run(module: str, job: Mapping[str, Any], processes: int, threads: int) -> None:
    """Run `module` in `processes` new processes with the path of `job` as JSON, and wait.

    The module calls `joined`. The first process's messages are logged here; whatever else the
    processes write goes to this one's standard error. However this process ends, they end too.
    Raises `UserError` with the error of the process that fails first.
    """
    logger.info(f"Training in {processes} processes.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "job.json")
        path.write_text(json.dumps(job), encoding="utf-8")
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        # The machine's own name cannot be resolved everywhere.
        command += ["--local-addr=localhost", f"--nproc-per-node={processes}"]
        search_path = os.pathsep.join(filter(None, [str(LIBRARY), os.environ.get("PYTHONPATH")]))
        environment = {"PYTHONPATH": search_path, "OMP_NUM_THREADS": str(threads)}
        with subprocess.Popen(
            [*command, "-m", module, str(path)],
            stdin=subprocess.PIPE,  # which `joined` watches
            stdout=subprocess.PIPE,
            # Only this process answers signals to its group; its end closes `stdin`.
            start_new_session=True,
            env=os.environ | environment,
            encoding="utf-8",
            errors="backslashreplace",
        ) as launcher:
            for line in launcher.stdout or ():
                logger.info(line.rstrip("\n"))
        if launcher.returncode:
            error = path.with_name(ERROR)
            raise UserError(
                error.read_text(encoding="utf-8")
                if error.exists()
                # A scheduler may try again with more memory.
                else f"{OUT_OF_MEMORY}, or something else killed a training process; the job's log "
                "names the signal. Run the workflow again to resume the training."
            )


@contextmanager
def joined(path: Path, device: str) -> Iterator[None]:
    """Join the other processes that `run` started with the job at `path`, for the block.

    `device` is the setting. An exception is reported to `run` and ends the process.
    """
    threading.Thread(target=_end_with_starter, daemon=True).start()
    first = os.environ["RANK"] == "0"
    logger.handlers = [logging.StreamHandler(sys.stdout) if first else logging.NullHandler()]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        if gpus(device):
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        distributed.init_process_group("nccl" if gpus(device) else "gloo")
        yield
        distributed.destroy_process_group()
    except Exception as error:
        _leave(error, path.with_name(ERROR))
        # An orderly exit could wait for the other processes.
        os._exit(1)


def _end_with_starter() -> None:
    """End this process when the one that called `run` ends, or stops waiting.

    Processes inherit the standard input of torchrun; its other end closes then. Signals to that
    process or its group do not reach this one, because torchrun starts it in its own session.
    """
    os.read(0, 1)
    os._exit(1)


def _leave(error: Exception, path: Path) -> None:
    """Write the error for `run`, unless another process was first: others fail as a consequence."""
    sentence = str(error) if isinstance(error, UserError) else machine_error(error)
    with suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
        if not sentence:
            traceback.print_exception(error)
            sentence = f"{type(error).__name__}: {error} (traceback in the job's log)"
        file.write(sentence)


def size() -> int:
    """Return the number of processes."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """Return this process's number, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def own_seed(seed: int) -> int:
    """Return a seed for this process, from which the others sample other numbers."""
    return seed + (rank() << 56)


def share(manifest: pd.DataFrame, equal: bool) -> pd.DataFrame:
    """Return this process's rows of a set.

    `equal` leaves out the last rows of the set, fewer than there are processes, so that all
    processes have the same number of batches.
    """
    own = manifest.iloc[rank() :: size()]
    return own.head(len(manifest) // size()) if equal else own


def total(values: torch.Tensor) -> torch.Tensor:
    """Return the sum over processes of each value."""
    if size() == 1:
        return values
    values = values.clone()
    distributed.all_reduce(values)
    return values


def gathered(value: Any) -> list[Any]:
    """Return the `value` of each process, in the order of their numbers."""
    values = [value] * size()
    if size() > 1:
        distributed.all_gather_object(values, value)
    return values


def joint(values: np.ndarray) -> np.ndarray:
    """Return the values of all processes, one process's after another's."""
    return np.concatenate(gathered(values))


def parallel(classifier: "Classifier", device: torch.device) -> nn.Module:
    """Return the classifier as a module whose gradients are means over the processes.

    On GPUs, its batch norms take the statistics of the whole batch. `nn.SyncBatchNorm` does not
    work on CPUs; there, where only tests start several processes, each normalises its own part of
    the batch, and the running statistics are the first process's. So figures differ slightly from
    those of one process.
    """
    if size() == 1:
        return classifier
    if device.type != "cuda":
        return DistributedDataParallel(classifier)
    classifier.network = nn.SyncBatchNorm.convert_sync_batchnorm(classifier.network)
    # Synchronised, the running statistics are the same everywhere.
    return DistributedDataParallel(classifier, broadcast_buffers=False)

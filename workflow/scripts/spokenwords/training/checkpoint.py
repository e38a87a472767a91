"""The checkpoint of a training: everything that it needs to resume after an interruption."""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from spokenwords.jobs import atomic
from spokenwords.model import pytorch_file
from spokenwords.training import distributed

logger = logging.getLogger("spokenwords")

# Network, optimizer and others, by name: what has `state_dict` and `load_state_dict`.
Parts = Mapping[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """The file `path`, which is resumed only by the training of the same `identity`."""

    path: Path
    identity: str

    def save(
        self, parts: Mapping[str, Any], state: Mapping[str, Any], device: torch.device
    ) -> None:
        """Replace the file by the states of `parts` (network, optimizer, …) and `state`.

        If the process is killed meanwhile, the former checkpoint remains. With several processes,
        the first one writes; the file has the random state of each.
        """
        random_states = distributed.gathered(_random_state(device))
        if distributed.rank():
            return
        saved = {
            "identity": self.identity,
            "parts": {name: part.state_dict() for name, part in parts.items()},
            "state": dict(state),
            "random": random_states,
        }
        # Given a path, PyTorch would not report why it cannot write.
        with atomic.written(self.path) as partial, partial.open("wb") as file:
            torch.save(saved, file)

    def resume(self, parts: Parts, device: torch.device) -> dict[str, Any]:
        """Restore `parts` and the random state, and return the saved `state`.

        Returns an empty dictionary if the file is missing, damaged or has another identity.
        """
        try:
            saved = pytorch_file.load(self.path)
        except (FileNotFoundError, pytorch_file.ForeignFileError):
            return {}
        if not isinstance(saved, dict) or saved.get("identity") != self.identity:
            return {}
        for name, part in parts.items():
            part.load_state_dict(saved["parts"][name])
        random_state = saved["random"][distributed.rank()]
        if device.type == "cuda":
            torch.cuda.set_rng_state(random_state, device)
        else:
            torch.set_rng_state(random_state)
        logger.info(f"Resuming the training after epoch {saved['state']['epoch']}.")
        return saved["state"]


def identity(settings: list[Any], inputs: Iterable[str]) -> str:
    """Return a digest of `settings` (as JSON) and of the content of the files `inputs`."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in inputs:
        digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return digest.hexdigest()


def _random_state(device: torch.device) -> torch.Tensor:
    """The state of the generator that dropout samples from."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()

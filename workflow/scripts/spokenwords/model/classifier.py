"""The classifier: words, representation and network."""

from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from spokenwords.errors import UserError
from spokenwords.model import pytorch_file
from spokenwords.model.networks import NETWORKS
from spokenwords.model.representation import REPRESENTATIONS, make_representation
from spokenwords.recordings.classes import Classes
from spokenwords.spectrograms import level
from spokenwords.spectrograms.read import Store
from spokenwords.spectrograms.stft import STFT

# What `Classifier.save` saves.
SAVED = (
    *("words", "no_words", "confidences", "representation", "transform", "samples", "network"),
    "weights",
)


class Classifier(nn.Module):
    """Complex spectrograms of a given transform and length in, scores of `words` out.

    Of `words`, `no_words` are classes that stand for none, such as `unknown`. `confidences` are
    those of the right answers to validation recordings of words, from which a threshold follows
    (see answers.py). Recordings below the level `quietest` (dBFS) are far quieter than those it was
    trained on (see level.py). `precision` is that of the network's arithmetic, torch.float32 or
    torch.bfloat16; weights and scores are always float32. It follows from the device; not saved.
    """

    def __init__(
        self,
        words: list[str],
        representation: str,
        transform: STFT,
        samples: int,
        network: str,
        no_words: Iterable[str] = (),
    ):
        """`samples` is the length of the recordings, at the transform's sample rate.

        Representation and network are given by name. Raises `ValueError` where there is no such.
        """
        super().__init__()
        if network not in NETWORKS:
            raise ValueError(f"No network {network!r}; there are {', '.join(NETWORKS)}.")
        self.words, self.transform, self.samples = words, transform, samples
        self.no_words = list(no_words)
        self.confidences = np.empty(0, np.float32)
        self.quietest = level.SILENCE
        self.precision = torch.float32
        self.representation = make_representation(representation, transform)
        self.network_name = network
        self.network: nn.Module = NETWORKS[network](self.representation.channels, len(words))
        # Convolutions are faster with the channels of a pixel side by side, on CPUs and GPUs.
        # The hints of PyTorch lack this overload.
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def for_stores(
        cls,
        stores: list[Store],
        representation: str,
        network: str,
        classes: Classes | None = None,
    ) -> "Classifier":
        """A new classifier, its weights drawn by torch's generator, of the classes or all words."""
        words = classes.names if classes else [store.word for store in stores]
        no_words = classes.no_words if classes else []
        transform, samples = stores[0].transform, stores[0].samples
        return cls(words, representation, transform, samples, network, no_words)

    def forward(self, spectrograms: torch.Tensor) -> torch.Tensor:
        """[batch, 2, frequency, time] to scores [batch, words] (logits), float32."""
        images = self.representation(spectrograms).contiguous(memory_format=torch.channels_last)
        reduced = self.precision != torch.float32
        with torch.autocast(images.device.type, self.precision, enabled=reduced):
            return self.network(images).float()

    @property
    def device(self) -> torch.device:
        """The device of the network's weights."""
        return next(self.network.parameters()).device

    def parameter_count(self) -> int:
        """How many numbers training adjusts."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def save(self, path: Path) -> None:
        """Write all that predicting takes: weights and what `__init__` was given."""
        saved = {
            "words": self.words,
            "no_words": self.no_words,
            "confidences": torch.from_numpy(self.confidences),
            "representation": self.representation.name,
            "transform": asdict(self.transform),
            "samples": self.samples,
            "quietest": self.quietest,
            "network": self.network_name,
            "weights": {name: value.cpu() for name, value in self.network.state_dict().items()},
        }
        # Given a path, PyTorch would not say why it cannot write.
        with path.open("wb") as file:
            torch.save(saved, file)

    @classmethod
    def load(cls, path: Path, advice: str | None = None) -> "Classifier":
        """The classifier that `save` wrote, on the CPU and in evaluation mode.

        Nothing in the file is run. Raises `UserError`, which ends with the `advice`, when it is
        damaged or no such classifier, and `OSError` when it cannot be read.
        """
        try:
            saved = pytorch_file.load(path)
            _require_model(saved)
        except pytorch_file.ForeignFileError as kind:
            raise UserError(
                f"{path} is no model of this workflow but {kind}: "
                f"{advice or 'delete it and run the workflow again, which trains it anew'}."
            ) from None
        classifier = cls(
            saved["words"],
            saved["representation"],
            STFT(**saved["transform"]),
            saved["samples"],
            saved["network"],
            saved["no_words"],
        )
        classifier.confidences = saved["confidences"].numpy()
        classifier.quietest = saved.get("quietest", level.SILENCE)
        classifier.network.load_state_dict(saved["weights"])
        return classifier.eval()


def _require_model(saved: Any) -> None:
    """Raise `ForeignFileError` if this is not what `Classifier.save` saves."""
    keys = set(saved) if isinstance(saved, dict) else set()
    if {"identity", "parts"} <= keys:
        raise pytorch_file.ForeignFileError("the checkpoint of a training that has not ended")
    if not keys.issuperset({"words", "network", "weights"}):
        raise pytorch_file.ForeignFileError("a PyTorch file with something else in it")
    if (
        not keys.issuperset(SAVED)
        or saved["network"] not in NETWORKS
        or saved["representation"] not in REPRESENTATIONS
        or set(saved["transform"]) != {field.name for field in fields(STFT)}
    ):
        raise pytorch_file.ForeignFileError("one of another version of it")

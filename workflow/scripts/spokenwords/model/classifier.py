"""The classifier: classes, representation and network."""

from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from spokenwords.errors import UserError
from spokenwords.model import pytorch_file, thresholds
from spokenwords.model.networks import NETWORKS
from spokenwords.model.representation import REPRESENTATIONS, make_representation
from spokenwords.recordings.classes import Classes
from spokenwords.spectrograms import level
from spokenwords.spectrograms.stft import STFT

if TYPE_CHECKING:
    from spokenwords.spectrograms.read import Store

# What every saved classifier has; `non_words` is called `no_words` there.
SAVED = {
    "words",
    "no_words",
    "confidences",
    "representation",
    "transform",
    "samples",
    "network",
    "weights",
}


class Classifier(nn.Module):
    """Classify complex spectrograms of a given transform and length.

    - `words`: names of the classes, in the order of the scores
    - `non_words`: those of them that are not words, such as `unknown`
    - `confidences`: those of the correct answers to validation recordings of words, from which a
      threshold follows (thresholds.py)
    - `false_alarms`: number in the validation part of the negatives at each threshold of
      `thresholds.COUNTED` [threshold], and the hours of sound there; None if the training had none
    - `quietest`: level in dBFS; recordings below are much quieter than those of the training
      (level.py)
    - `precision`: of the network's arithmetic, torch.float32 or torch.bfloat16. Weights and scores
      are float32. It is chosen by the device, and not saved.
    """

    def __init__(
        self,
        words: list[str],
        representation: str,
        transform: STFT,
        samples: int,
        network: str,
        non_words: Iterable[str] = (),
    ):
        """Take the length of the recordings, `samples`, at the transform's sample rate.

        Representation and network are names. Raises `ValueError` if there is no such.
        """
        super().__init__()
        if network not in NETWORKS:
            names = ", ".join(NETWORKS)
            raise ValueError(f"No network is named {network!r}; choose of {names}.")
        self.words, self.transform, self.samples = words, transform, samples
        self.non_words = list(non_words)
        self.confidences = np.empty(0, np.float32)
        self.false_alarms: tuple[np.ndarray, float] | None = None
        self.quietest = level.SILENCE
        self.precision = torch.float32
        self.representation = make_representation(representation, transform)
        self.network_name = network
        self.network: nn.Module = NETWORKS[network](self.representation.channels, len(words))
        # Convolutions are faster if the channels of a pixel are adjacent, on CPUs and GPUs.
        # The hints of PyTorch lack this overload.
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def for_stores(
        cls,
        stores: list["Store"],
        representation: str,
        network: str,
        classes: Classes | None = None,
    ) -> "Classifier":
        """Return a classifier with random weights for `classes`, or for the words of the stores."""
        words = classes.names if classes else [store.word for store in stores]
        non_words = classes.non_words if classes else []
        transform, samples = stores[0].transform, stores[0].samples
        return cls(words, representation, transform, samples, network, non_words)

    def forward(self, spectrograms: torch.Tensor) -> torch.Tensor:
        """Return scores [batch, words] (logits), float32, of [batch, 2, frequency, time]."""
        images = self.representation(spectrograms).contiguous(memory_format=torch.channels_last)
        reduced = self.precision != torch.float32
        with torch.autocast(images.device.type, self.precision, enabled=reduced):
            return self.network(images).float()

    @property
    def device(self) -> torch.device:
        """The device of the network's weights."""
        return next(self.network.parameters()).device

    def threshold(self, keep: float, false_alarms_per_hour: float | None = None) -> float:
        """Return the confidence threshold.

        It accepts the share `keep` of the correct validation answers or, if that is given, has at
        most so many false alarms per hour. Raises `UserError` if those were not counted.
        """
        if not false_alarms_per_hour:
            return thresholds.threshold(self.confidences, keep)
        if not self.false_alarms:
            raise UserError(
                "The model contains no false alarms per hour, since its run was trained without "
                "negatives: train it with some (config keys dataset.negatives, and `negatives` of "
                "the run), or choose the share of correct answers to accept (`keep`)."
            )
        return thresholds.of_target(*self.false_alarms, false_alarms_per_hour)

    def parameter_count(self) -> int:
        """Return the number of trained parameters."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def save(self, path: Path) -> None:
        """Write everything that prediction needs: weights and the arguments of `__init__`."""
        saved = {
            "words": self.words,
            "no_words": self.non_words,
            "confidences": torch.from_numpy(self.confidences),
            "representation": self.representation.name,
            "transform": asdict(self.transform),
            "samples": self.samples,
            "quietest": self.quietest,
            "network": self.network_name,
            "weights": {name: value.cpu() for name, value in self.network.state_dict().items()},
        }
        if self.false_alarms:
            counts, hours = self.false_alarms
            saved["false_alarms"] = {"counts": torch.from_numpy(counts), "hours": hours}
        # Given a path, PyTorch would not report why it cannot write.
        with path.open("wb") as file:
            torch.save(saved, file)

    @classmethod
    def load(cls, path: Path, advice: str | None = None) -> "Classifier":
        """Return the classifier that `save` wrote, on the CPU and in evaluation mode.

        Code in the file is not run. Raises `UserError`, which ends with `advice`, if the file is
        damaged or not such a classifier, and `OSError` if it cannot be read.
        """
        try:
            saved = pytorch_file.load(path)
            _require_model(saved)
        except pytorch_file.ForeignFileError as kind:
            raise UserError(
                f"{path} is not a model of this workflow, but {kind}: "
                f"{advice or 'delete it and run the workflow again, which retrains it'}."
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
        if counted := saved.get("false_alarms"):
            classifier.false_alarms = counted["counts"].numpy(), counted["hours"]
        classifier.quietest = saved.get("quietest", level.SILENCE)
        classifier.network.load_state_dict(saved["weights"])
        return classifier.eval()


def _require_model(saved: Any) -> None:
    """Raise `ForeignFileError` if this is not what `Classifier.save` saves."""
    keys = set(saved) if isinstance(saved, dict) else set()
    if {"identity", "parts"} <= keys:
        raise pytorch_file.ForeignFileError("the checkpoint of an unfinished training")
    if not keys.issuperset({"words", "network", "weights"}):
        raise pytorch_file.ForeignFileError("a PyTorch file with other content")
    if (
        not keys.issuperset(SAVED)
        or saved["network"] not in NETWORKS
        or saved["representation"] not in REPRESENTATIONS
        or set(saved["transform"]) != {field.name for field in fields(STFT)}
    ):
        raise pytorch_file.ForeignFileError("a model of another version of it")

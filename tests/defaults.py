"""Settings with their defaults, for tests that change a few."""

from dataclasses import replace

from spokenwords.config import reading, schema
from spokenwords.model import augmentation


def augmented(**changes: object) -> augmentation.Settings:
    """Augmentation of which all is off but for these changes."""
    training = schema.of_config()["properties"]["training"]
    off = reading.canonical({}, training)["augmentation"]
    return replace(augmentation.settings_of(off), **changes)

"""A page that listens: a model with ONNX Runtime, in one HTML file that needs no network."""

from collections.abc import Mapping
from typing import Any

from spokenwords.export import web_runtime
from spokenwords.report import pages

MARK = "{{decoder}}"  # the place of the decoder's script in the template


def page(
    template: str,
    decoder: str,
    runtime: Mapping[str, str],
    description: Mapping[str, Any],
    model: bytes,
) -> str:
    """Return the page.

    `runtime` is that of `web_runtime.fetch`, `description` that of `onnx_model`, `model` the ONNX
    file.
    """
    data = {"about": description, "model": web_runtime.packed(model), "runtime": runtime}
    return pages.filled(template.replace(MARK, decoder), data)

"""HTML pages of this workflow: a template with data in it."""

import json
from collections.abc import Mapping
from typing import Any

MARK = "{{data}}"  # where a template wants its data


def filled(template: str, data: Mapping[str, Any]) -> str:
    """`template` with `data` as JSON, which the page's script reads."""
    # `<` could end the script element that holds the data, whatever its type.
    return template.replace(MARK, json.dumps(data, allow_nan=False).replace("<", "\\u003c"))

"""HTML pages: a template filled with data, and tables that can be sorted and filtered."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MARK = "{{data}}"  # the place of the data in a template


def filled(template: str, data: Mapping[str, Any]) -> str:
    """Return `template` with `data` as JSON, which the page's script reads."""
    # `<` could end the script element that contains the data, whatever its type.
    return template.replace(MARK, json.dumps(data, allow_nan=False).replace("<", "\\u003c"))


def of_tables(template: str, title: str, tables: Mapping[Path, tuple[str, str]]) -> str:
    """Return `template` with CSV files as tables; each has a heading and an explanation.

    Rows with a `count` of 0 are left out: with a thousand words nearly all pairs have none.
    """
    shown: list[dict[str, Any]] = []
    for path, (heading, text) in tables.items():
        with Path(path).open(newline="", encoding="utf-8") as file:
            columns, *rows = csv.reader(file)
        if "count" in columns:
            place = columns.index("count")
            rows = [row for row in rows if row[place] != "0"]
        shown.append({"title": heading, "text": text, "columns": columns, "rows": rows})
    return filled(template, {"title": title, "tables": shown})

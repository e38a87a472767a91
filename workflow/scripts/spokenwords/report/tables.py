"""CSV tables as one HTML page on which they can be sorted and filtered."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spokenwords.report import pages


def page(template: str, title: str, tables: Mapping[Path, tuple[str, str]]) -> str:
    """`template` with the tables in it; of each CSV file a title and a text for the reader.

    Rows of nothing (column `count`) are left out: of a thousand words nearly all pairs are.
    """
    shown: list[dict[str, Any]] = []
    for path, (heading, text) in tables.items():
        with Path(path).open(newline="", encoding="utf-8") as file:
            columns, *rows = csv.reader(file)
        if "count" in columns:
            place = columns.index("count")
            rows = [row for row in rows if row[place] != "0"]
        shown.append({"title": heading, "text": text, "columns": columns, "rows": rows})
    return pages.filled(template, {"title": title, "tables": shown})

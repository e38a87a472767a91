"""Text and tables in Markdown (CommonMark, GitHub)."""

import re
from collections.abc import Iterable, Sequence

# Characters of emphasis, code, links, HTML, formulas and cells.
MEANINGFUL = set("\\`*_[]<>|~&$")


def escaped(text: str) -> str:
    """Escape text for a line or a cell of a table; line breaks become spaces."""
    text = " ".join(str(text).split())
    return "".join(f"\\{char}" if char in MEANINGFUL else char for char in text)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table of cells in Markdown; all columns but the first are aligned to the right."""
    alignment = ["---"] + ["--:"] * (len(columns) - 1)
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in (columns, alignment, *rows))


def code(language: str, text: str) -> str:
    """Return a block of code, fenced so that the text may contain backticks."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"

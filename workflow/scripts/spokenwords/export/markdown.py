"""Text and tables in Markdown, as CommonMark and GitHub read it."""

from collections.abc import Iterable, Sequence

# What would make emphasis, code, links, HTML, formulas or cells of a text.
MEANINGFUL = set("\\`*_[]<>|~&$")


def escaped(text: str) -> str:
    """Text that shows as it is, in a line or a cell of a table; line breaks become spaces."""
    text = " ".join(str(text).split())
    return "".join(f"\\{char}" if char in MEANINGFUL else char for char in text)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of cells that are Markdown; all columns but the first are aligned to the right."""
    aligned = ["---", *["--:"] * (len(columns) - 1)]
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in (columns, aligned, *rows))


def code(language: str, text: str) -> str:
    """A block of code that shows as it is, whatever it holds."""
    longest = max((len(run) for run in _runs_of_backticks(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _runs_of_backticks(text: str) -> list[str]:
    return "".join(char if char == "`" else " " for char in text).split()

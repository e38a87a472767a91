"""Numbers and lists in sentences."""

from collections.abc import Iterable


def counted(number: int, noun: str) -> str:
    """Return the number with its noun, such as 1 speaker or 1,200 speakers."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def some(names: Iterable[str], most: int = 10) -> str:
    """Return the first `most` names, and the number of the others."""
    names = list(names)
    others = len(names) - most
    return ", ".join(names[:most]) + (f" and {others:,} more" if others > 0 else "")

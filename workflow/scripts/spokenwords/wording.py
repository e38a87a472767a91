"""Numbers, durations and lists in sentences."""

from collections.abc import Iterable


def counted(number: int, noun: str) -> str:
    """Return the number with its noun, such as 1 speaker or 1,200 speakers."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def some(names: Iterable[str], most: int = 10) -> str:
    """Return the first `most` names, and the number of the others."""
    names = list(names)
    others = len(names) - most
    return ", ".join(names[:most]) + (f" and {others:,} more" if others > 0 else "")


def duration(seconds: float) -> str:
    """Return a duration such as 42 s, 3 min 20 s or 2 h 5 min."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"

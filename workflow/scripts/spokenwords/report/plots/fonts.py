"""Installed fonts for characters that the plots' own font lacks."""

import logging
import unicodedata
from collections.abc import Set
from functools import cache

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

logger = logging.getLogger("spokenwords")

# Beginnings of the Unicode names of characters in Debian's package fonts-noto-cjk.
EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH")


def complete(figure: Figure, font: str) -> None:
    """Add font families to texts in the family `font` for the characters that it lacks.

    If no installed font has a character, a warning names an example and a package to install.
    """
    own = FT2Font(font_manager.findfont(font)).get_charmap()
    lacking = {
        text: frozenset(filter(str.isprintable, text.get_text())).difference(map(chr, own))
        for text in figure.findobj(Text)
    }
    families, missing = _families(frozenset().union(*lacking.values()))
    for text in filter(lacking.get, lacking):
        *first, generic = [name for name in text.get_fontfamily() if name not in families]
        text.set_fontfamily([*first, *families, generic])
    if missing:
        _warn(min(missing))


@cache
def _families(wanted: frozenset[str]) -> tuple[list[str], Set[str]]:
    """Installed font families that together have the characters, and the characters in none."""
    found, left = [], wanted
    installed = set(font_manager.findSystemFonts()) if wanted else set()
    fonts = _with_some(wanted, installed)
    while best := max(fonts, key=lambda font: (len(font[0] & left), *font[1:]), default=None):
        covered, *_, path = best
        if not covered & left:
            break
        # By path: Matplotlib's list of fonts may be older than the font.
        for file in {path, path.replace("-Regular.", "-Bold.")}.intersection(installed):
            font_manager.fontManager.addfont(file)
        # A font without bold letters is used for bold text, too: silence Matplotlib's warning.
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
        found.append(FT2Font(path).family_name)
        left -= covered
    return found, left


def _with_some(
    wanted: frozenset[str], paths: set[str]
) -> list[tuple[frozenset[str], bool, bool, str]]:
    """Fonts with some of the characters: these characters, whether regular, whether sans, path."""
    fonts = []
    for path in paths:
        try:
            font = FT2Font(path)
            covered = wanted.intersection(map(chr, font.get_charmap()))
        except (OSError, RuntimeError, ValueError):  # a damaged font, or one of another kind
            continue
        # Bitmap fonts cannot be drawn; the LastResort font of macOS has boxes for all characters.
        if covered and font.scalable and "LastResort" not in path:
            fonts.append((covered, font.style_name == "Regular", "Sans" in font.family_name, path))
    return fonts


@cache
def _warn(character: str) -> None:
    east_asian = unicodedata.name(character, "").startswith(EAST_ASIAN)
    logger.warning(
        f"Warning: no installed font has the character {character} (U+{ord(character):04X}), so "
        "that PNG files show it as a box, and SVG files depend on the reader's fonts. Install a "
        f"font (Debian: fonts-noto-{'cjk' if east_asian else 'core'})."
    )

"""Fonts of the machine for characters that the plots' own font lacks."""

import logging
import unicodedata
from collections.abc import Set
from functools import cache

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

logger = logging.getLogger("spokenwords")

# Scripts, by how Unicode's names of their characters begin, that one of Debian's packages is for.
EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH")


def complete(figure: Figure, font: str) -> None:
    """Give texts in the family `font` further families for the characters that it lacks.

    A warning names an example of those that no installed font has, and a package that has them.
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
    """Installed font families that have the characters together, and those that none has."""
    found, left = [], wanted
    installed = set(font_manager.findSystemFonts()) if wanted else set()
    fonts = _with_some(wanted, installed)
    while best := max(fonts, key=lambda font: (len(font[0] & left), *font[1:]), default=None):
        covered, *_, path = best
        if not covered & left:
            break
        # Not by its name alone: Matplotlib's list of fonts is older than one just installed.
        for file in {path, path.replace("-Regular.", "-Bold.")}.intersection(installed):
            font_manager.fontManager.addfont(file)
        # A font without bold letters serves for bold text, too, which Matplotlib would warn of.
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
        found.append(FT2Font(path).family_name)
        left -= covered
    return found, left


def _with_some(
    wanted: frozenset[str], paths: set[str]
) -> list[tuple[frozenset[str], bool, bool, str]]:
    """Fonts: which of the characters each has, whether it is regular, sans, its path."""
    fonts = []
    for path in paths:
        try:
            font = FT2Font(path)
            covered = wanted.intersection(map(chr, font.get_charmap()))
        except (OSError, RuntimeError, ValueError):  # a font that is broken or of another kind
            continue
        # Fonts of pictures cannot be drawn; macOS has one of boxes for all characters.
        if covered and font.scalable and "LastResort" not in path:
            fonts.append((covered, font.style_name == "Regular", "Sans" in font.family_name, path))
    return fonts


@cache
def _warn(character: str) -> None:
    east_asian = unicodedata.name(character, "").startswith(EAST_ASIAN)
    logger.warning(
        f"Warning: no installed font has the character {character} (U+{ord(character):04X}), which "
        "plots show as a box: install one (Debian: fonts-noto-"
        f"{'cjk' if east_asian else 'core'}). What is in an SVG, the reader's fonts may have."
    )

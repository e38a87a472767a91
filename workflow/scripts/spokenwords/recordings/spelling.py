"""Different spellings of a recording's name.

For the file `up/a.wav`, other programs and computers write `data\\up\\a.wav`, `./up/a.wav` or
`up/a.mp3`. They put names into quotes, and use either Unicode normal form for accented letters.
"""

import unicodedata

# Suffixes of recordings. How a file is decoded depends only on its content.
SUFFIXES = tuple(
    ".wav .wave .bwf .rf64 .w64 .aif .aiff .aifc .caf .au .snd .flac .ogg .oga .opus .spx .mp3 "  # noqa: SIM905
    ".mp2 .mpga .aac .ac3 .amr .awb .m4a .m4b .mp4 .mov .3gp .3gpp .3g2 .webm .weba .mka .mkv "
    ".avi .wma .asf .wv .ape .tta .sph .nist .voc .ogx .eac3 .m4r .qta .wmv".split()
)


def key(name: str) -> str:
    """Return what all spellings of a recording's name have in common: `<word>/<name>`, no suffix.

    Spaces and quotes around the name, folders before these two parts, and the suffix of a sound
    file are removed. Backslashes become slashes; the Unicode normal form becomes C.
    """
    name = unquoted(name.strip()).replace("\\", "/")
    if name.count("/") > 1:
        name = "/".join([part for part in name.split("/") if part not in ("", ".")][-2:])
    stem, dot, suffix = name.rpartition(".")
    return composed(stem if f"{dot}{suffix}".lower() in SUFFIXES else name)


def word_of(path: str) -> str:
    """Return the word of a recording's `key`, the first folder of a path."""
    return path.partition("/")[0]


def composed(text: str) -> str:
    """Return a text in Unicode normal form C."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def unquoted(text: str) -> str:
    """Return a text without the pair of quotes around it, if any."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text

"""Decoding recordings: sound files of any kind to samples.

libsndfile is tried first, then FFmpeg (PyAV). The content of a file decides, not its name.
"""

import errno
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

# Credible sample rates, Hz. A damaged file can contain any number, and resampling from some rates
# would need more memory than there is.
RATES = range(1000, 1_000_001)
# Floating-point samples may exceed full scale, which is 1. Beyond this limit they have another
# scale, most likely that of 16-bit integers.
LARGEST_SAMPLE = 100
# No encoding has more samples per byte: Opus has up to 1,440, of silence. With a damaged file,
# FFmpeg could repeat itself without end.
MOST_SAMPLES_PER_BYTE = 2000

# FFmpeg's names of sound formats. Other formats, such as playlists, refer to other files or match
# almost any bytes.
FORMATS = (
    "wav,w64,aiff,caf,au,voc,nistsphere,flac,ogg,mp3,aac,ac3,eac3,mov,matroska,asf,amr,avi,wv,ape,"
    "tta"
)
# FFmpeg's messages about files that end within a packet or segment, because the recorder was
# killed. As in players, the samples before are used.
ENDS = (
    "File ended prematurely",
    "Truncating packet",
    "partial file",
    "Input buffer exhausted",
    "Corrupt bitstream",
)

# Regular expressions for the beginnings of files, by kind of file (used in messages).
SOUND = {
    "WAV": rb"RIFF....WAVE|RIFX....WAVE|RF64|BW64|riff\x2e\x91\xcf\x11",
    "AIFF": rb"FORM....AIF[FC]",
    "CAF": rb"caff\0",
    "AU": rb"\.snd|dns\.",
    "FLAC": rb"fLaC",
    "Ogg": rb"OggS",
    "MP4": rb"\0...(ftyp|moov|mdat|wide|free|skip)",
    "WebM or Matroska": rb"\x1aE\xdf\xa3",
    "Windows Media": rb"0&\xb2u\x8ef\xcf\x11",
    "AMR": rb"#!AMR",
    "AVI": rb"RIFF....AVI ",
    "WavPack": rb"wvpk",
    "TTA": rb"TTA[12]",
    "Monkey's Audio": rb"MAC .[\x0b-\x10]",
    "AC-3": rb"\x0b\x77",
    "MP3 or AAC": rb"ID3|\xff[\xe2-\xe7\xf2-\xf7\xfa-\xfd]|\xff[\xf0\xf1\xf8\xf9]",
}
OTHERS = {
    "an empty file": rb"\Z",
    "a web page from a failed download: download the recording again": (
        rb"(?i)(\xef\xbb\xbf)?\s*(<!doctype html|<html|<head|<\?xml)"
    ),
    "a Git LFS pointer: fetch the recording with `git lfs pull`": rb"version https://git-lfs",
    "a ZIP archive or Office document: unpack it": rb"PK\x03\x04",
    "an archive: unpack it": rb"\x1f\x8b|BZh[1-9]|\xfd7zXZ|7z\xbc\xaf|Rar!|\x28\xb5\x2f\xfd",
    "a PDF document": rb"%PDF",
    "an image": rb"\x89PNG|\xff\xd8\xff|GIF8|BM....\0\0\0\0|RIFF....WEBP|II\*\0|MM\0\*",
    "MIDI, notes without sound": rb"MThd",
    "only zeros": rb"\0+\Z",
    "a text file": rb"[\t-\r\x1b -~\x80-\xff]+\Z",
}
HEAD = 4096
# Errors of the operating system about the file. All others, such as too many open files, are about
# the machine, and are raised again.
OF_FILE = (
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EACCES,
    errno.EPERM,
    errno.ELOOP,
    errno.ENAMETOOLONG,
)


class UnreadableRecordingError(Exception):
    """A file that cannot be decoded; its message is a short reason."""


def decode(path: Path) -> tuple[np.ndarray, int]:
    """Decode a recording of any kind, with any number of channels and any rate in `RATES`.

    Returns samples, float32 [samples, channels] with full scale 1, and the sample rate in Hz.
    Raises `UnreadableRecordingError`, and `OSError` or `MemoryError` for errors of the machine.
    """
    # Opening a pipe or a device would never end. Unlike Path, os.path raises no errors.
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):  # noqa: PTH110, PTH112, PTH113
        raise UnreadableRecordingError("not a regular file")
    try:
        with path.open("rb") as file:
            samples, sample_rate = _decode(file)
    except OSError as error:
        if error.errno not in OF_FILE:
            raise
        raise UnreadableRecordingError(error.strerror) from None
    if len(samples) == 0:
        raise UnreadableRecordingError("no samples")
    if sample_rate not in RATES:
        raise UnreadableRecordingError(f"implausible sample rate ({sample_rate} Hz)")
    if not np.isfinite(samples).all():
        raise UnreadableRecordingError("samples that are not finite numbers")
    if (largest := max(samples.max(), -samples.min())) > LARGEST_SAMPLE:
        raise UnreadableRecordingError(f"samples up to {largest:.3g}, but full scale is 1")
    return samples, sample_rate


def _decode(file: BinaryIO) -> tuple[np.ndarray, int]:
    """Decode with libsndfile or else FFmpeg; samples are not checked, and there may be none."""
    size = file.seek(0, os.SEEK_END)
    try:
        # By file descriptor: libsndfile reads any bytes as sound if the name ends in .au.
        file.seek(0)
        samples, sample_rate = _decode_by_libsndfile(file.fileno(), size)
        if len(samples) == 0:
            file.seek(0)
            samples, sample_rate = _decode_by_libsndfile(io.BytesIO(_to_the_end(file.read())), size)
    except (soundfile.LibsndfileError, ValueError):
        samples, sample_rate = np.empty((0, 1), np.float32), 0
    file.seek(0)
    kind = _kind(SOUND, file.read(HEAD))
    if len(samples) and kind != "Ogg":
        return samples, sample_rate
    file.seek(0)
    content = file.read()
    # In an Ogg file, libsndfile stops silently at a damaged page, which FFmpeg reports. It also
    # stops at the second stream of a "chained" file, while FFmpeg decodes all of them.
    if len(samples) and not _goes_on(content, len(samples), sample_rate):
        return samples, sample_rate
    if not kind and (other := _kind(OTHERS, content)):
        raise UnreadableRecordingError(other)
    try:
        found = _decode_by_ffmpeg(content, kind or "sound")
    except UnreadableRecordingError:
        if kind:
            raise
        reason = "not a sound file of a supported kind: convert it to WAV"
        raise UnreadableRecordingError(reason) from None
    return max((samples, sample_rate), found, key=lambda one: len(one[0]) / (one[1] or 1))


def _kind(kinds: dict[str, bytes], content: bytes) -> str | None:
    """Return the first of `kinds` whose pattern matches the beginning of `content`."""
    head = content[:HEAD]
    return next((name for name, start in kinds.items() if re.match(start, head, re.DOTALL)), None)


def is_sound(path: Path) -> bool:
    """Return whether a file begins like a sound file. Raises `OSError`."""
    with path.open("rb") as file:
        return _kind(SOUND, file.read(HEAD)) is not None


def _decode_by_libsndfile(file: int | BinaryIO, size: int) -> tuple[np.ndarray, int]:
    """Decode a file of `size` bytes with libsndfile; raises its errors, and `ValueError`."""
    with soundfile.SoundFile(file, closefd=False) as sound:
        # With a damaged header, reading would need more memory than there is.
        if sound.frames * sound.channels > MOST_SAMPLES_PER_BYTE * size:
            raise ValueError
        # As in soundfile.read; otherwise the first samples of MP3 files are rounded differently.
        if sound.seekable():
            sound.seek(0)
        return sound.read(sound.frames, "float32", always_2d=True), sound.samplerate


def _goes_on(content: bytes, samples: int, sample_rate: int) -> bool:
    """Return whether an Ogg file has more than these samples: a second stream, or later pages.

    See RFC 3533, section 6. A page's "granule position" is its end; positions in Opus count samples
    at 48 kHz (RFC 7845, section 4).
    """
    if len(re.findall(rb"OggS\0[\2\3\6\7]", content)) > 1:
        return True
    position = int.from_bytes(content[content.rfind(b"OggS") + 6 :][:8], "little", signed=True)
    rate = 48_000 if content[28:36] == b"OpusHead" else sample_rate
    return position / rate - samples / sample_rate > 0.1


def _to_the_end(content: bytes) -> bytes:
    """Return a WAV or AU file of length 0 with the length of all bytes after its header.

    Recorders write the length when the recording ends, and 0 or 1 before. Raises
    `UnreadableRecordingError` if a WAV file has nothing, or only other chunks, after its header.
    """
    kind = _kind(SOUND, content)
    if kind == "AU":
        return content[:8] + b"\xff\xff\xff\xff" + content[12:]
    start = _chunk(content, 12, b"data")
    if kind != "WAV" or content[start : start + 4] != b"data":
        return content
    sound = content[start + 8 :]
    # Consecutive chunks up to the end are not sound.
    if _chunk(sound, 0) - len(sound) in (0, 1):
        raise UnreadableRecordingError("no samples")
    length = min(len(sound), 2**32 - 1).to_bytes(4, "little")
    # In RF64, the length is stored elsewhere.
    return content[:start].replace(b"RF64", b"RIFF", 1) + b"data" + length + sound


def _chunk(content: bytes, start: int, tag: bytes = b"") -> int:
    """Return the position of the first chunk from `start` that has the tag or is invalid (WAV)."""
    chunk = re.compile(rb"([ -~]{4})(.{4})", re.DOTALL)
    while (head := chunk.match(content, start)) and head[1] != tag:
        size = int.from_bytes(head[2], "little")
        start += 8 + size + size % 2
    return start


def _decode_by_ffmpeg(content: bytes, kind: str) -> tuple[np.ndarray, int]:
    """Decode with FFmpeg; samples are not checked, and there may be none.

    `kind` is the kind of file, for messages.
    """
    import av  # takes 0.1 s, and few data sets need it

    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    options = {"format_whitelist": FORMATS}
    pieces, sample_rate, damaged = [], 0, False
    left = MOST_SAMPLES_PER_BYTE * len(content)
    with av.logging.Capture() as errors:
        try:
            file = io.BytesIO(content)
            with av.open(file, options=options, metadata_errors="ignore") as container:
                for frame in _frames(container, kind, errors):
                    pieces.append(_samples(frame))
                    sample_rate = sample_rate or frame.sample_rate
                    left -= pieces[-1].size
                    form = frame.sample_rate, pieces[-1].shape[1]
                    if left < 0 or form != (sample_rate, pieces[0].shape[1]):
                        raise ValueError
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError):
            damaged = True
    if damaged or errors:
        rest = "; `ffmpeg -i <file> <new name>.wav` converts the intact part" if pieces else ""
        raise UnreadableRecordingError(f"damaged or incomplete {kind} file{rest}")
    return (np.concatenate(pieces) if pieces else np.empty((0, 1), np.float32)), sample_rate


def _frames(container: Any, kind: str, errors: list) -> Iterator[Any]:
    """Yield the frames of a container's sound.

    FFmpeg adds messages to `errors`; those about a missing end of the file are removed. Raises
    `UnreadableRecordingError`, and `ValueError` if the file is damaged.
    """
    if not (stream := container.streams.best("audio")):
        raise UnreadableRecordingError(f"{kind} file without sound")
    if not stream.codec_context:
        raise UnreadableRecordingError(
            f"{kind} file that is encrypted or has an unsupported encoding: convert it to WAV with "
            "the program that made it"
        )
    stream.codec_context.options = {"err_detect": "crccheck"}  # of FLAC
    ended = False
    for packet in container.demux(stream):
        before, failed = len(errors), False
        try:
            frames = packet.decode()
        except ValueError:
            frames, failed = [], True
        cut = packet.is_corrupt or _of_an_end(errors[before:])
        if (failed or (ended and packet.size)) and not cut:
            raise ValueError
        if cut:
            ended = True
            del errors[before:]
        yield from frames
    if _of_an_end(errors):
        errors.clear()


def _of_an_end(errors: list) -> bool:
    """Return whether there are messages, all about a missing end of the file."""
    return bool(errors) and all(any(end in error[2] for end in ENDS) for error in errors)


def _samples(frame: Any) -> np.ndarray:
    """Return the samples of a frame, float32 [samples, channels] with full scale 1."""
    values = frame.to_ndarray()
    values = values.T if frame.format.is_planar else values.reshape(frame.samples, -1)
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    scale = np.float32(2.0 ** (1 - 8 * values.dtype.itemsize))
    return values.astype(np.float32) * scale - (values.dtype.kind == "u")

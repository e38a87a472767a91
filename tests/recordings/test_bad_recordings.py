"""Each kind of file in a word's folder, and its outcome."""

import os
import random
import socket
import struct
from dataclasses import dataclass

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from spokenwords.recordings import decoding, inventory, inventory_file
from spokenwords.spectrograms.read import open_store
from spokenwords.spectrograms.stft import STFT
from spokenwords.spectrograms.write import write_recordings

RATE = 16000
TRANSFORM = STFT(RATE, n_fft=512, window_seconds=0.03, stride_seconds=0.01, normalized=True)
VALUES = np.random.default_rng(1).uniform(-0.5, 0.5, RATE)


@dataclass(frozen=True)
class Usable:
    samples: int = RATE
    rate: int = RATE
    channels: int = 1


@dataclass(frozen=True)
class Unreadable:
    """`reason` is a part of the message."""

    reason: str


IGNORED = None


def sound(values=VALUES, rate=RATE, **options):
    """A maker of a file that soundfile writes."""
    options = {"format": "WAV", "subtype": "PCM_16"} | options
    return lambda path: soundfile.write(path, values, rate, **options)


def content(data: bytes):
    return lambda path: path.write_bytes(data)


def wav(data: bytes = bytes(2000), tag=1, channels=1, rate=RATE, block=2, bits=16) -> bytes:
    """A WAV file byte by byte, its header as given."""
    described = struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits)
    chunks = b"WAVEfmt " + struct.pack("<I", len(described)) + described
    chunks += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def cut(maker, keep: float):
    """What `maker` makes, without its end."""

    def make(path):
        maker(path)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(keep * len(whole))])

    return make


def broken_flac(path):
    sound(format="FLAC")(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = random.Random(1).randbytes(2000)
    path.write_bytes(data)


def link(target: str, other=None):
    def make(path):
        if other:
            other(path.parent / target)
        path.symlink_to(target)

    return make


def bound_socket(path):
    # The address of a socket may have 107 bytes only.
    before = os.getcwd()  # noqa: PTH109
    os.chdir(path.parent)
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(before)


def tone(seconds: float, rate: int = RATE):
    return np.sin(np.arange(round(seconds * rate)) / 10) / 2


STEREO = np.stack([VALUES, -VALUES / 2], axis=1)
NAMED = sound()
HTML = b"<html><body>Not found</body></html>"
KINDS = {
    # encodings
    "8 bit": ("a.wav", sound(subtype="PCM_U8"), Usable()),
    "16 bit": ("a.wav", sound(), Usable()),
    "24 bit": ("a.wav", sound(subtype="PCM_24"), Usable()),
    "32 bit": ("a.wav", sound(subtype="PCM_32"), Usable()),
    "float": ("a.wav", sound(subtype="FLOAT"), Usable()),
    "double": ("a.wav", sound(subtype="DOUBLE"), Usable()),
    "µ-law": ("a.wav", sound(subtype="ULAW"), Usable()),
    "A-law": ("a.wav", sound(subtype="ALAW"), Usable()),
    # In whole blocks: of 512 bytes, half a byte a sample but for 4 or 7 bytes that hold 1 or 2.
    "IMA ADPCM": ("a.wav", sound(subtype="IMA_ADPCM"), Usable(16 * (2 * 508 + 1))),
    "Microsoft ADPCM": ("a.wav", sound(subtype="MS_ADPCM"), Usable(16 * (2 * 505 + 2))),
    "GSM 6.10": ("a.wav", sound(subtype="GSM610"), Usable()),
    "extensible": ("a.wav", sound(format="WAVEX"), Usable()),
    "RF64": ("a.wav", sound(format="RF64"), Usable()),
    "big endian": ("a.wav", sound(endian="BIG"), Usable()),
    "FLAC": ("a.flac", sound(format="FLAC"), Usable()),
    "Ogg Vorbis": ("a.ogg", sound(format="OGG", subtype="VORBIS"), Usable()),
    "Opus": ("a.opus", sound(format="OGG", subtype="OPUS"), Usable()),
    "FLAC, 24 bit": ("a.flac", sound(format="FLAC", subtype="PCM_24"), Usable()),
    "FLAC, stereo": ("a.flac", sound(STEREO, format="FLAC"), Usable(channels=2)),
    # rates, channels, lengths
    **{
        f"{rate} Hz": ("a.wav", sound(tone(1, rate), rate), Usable(rate, rate))
        for rate in (8000, 11025, 22050, 44100, 48000, 96000, 192000)
    },
    "stereo": ("a.wav", sound(STEREO), Usable(channels=2)),
    "six channels": ("a.wav", sound(np.tile(VALUES[:, None], 6)), Usable(channels=6)),
    "one sample": ("a.wav", sound([0.5]), Usable(1)),
    "no samples": ("a.wav", sound([]), Unreadable("no samples")),
    "no samples, FLAC": ("a.flac", sound([], format="FLAC"), Unreadable("")),
    "ten minutes": ("a.wav", sound(tone(600)), Usable(600 * RATE)),
    # sounds
    "all zero": ("a.wav", sound(np.zeros(RATE)), Usable()),
    "full-scale clipping": ("a.wav", sound(np.sign(VALUES)), Usable()),
    "constant": ("a.wav", sound(np.full(RATE, 0.9)), Usable()),
    "float beyond full scale": ("a.wav", sound(4 * VALUES, subtype="FLOAT"), Usable()),
    "float on the scale of integers": (
        *("a.wav", sound(30000 * VALUES, subtype="FLOAT"), Unreadable("but full scale is 1")),
    ),
    "float with NaN": (
        *("a.wav", sound([0, np.nan, 0], subtype="FLOAT"), Unreadable("not finite")),
    ),
    "float with infinities": (
        *("a.wav", sound([0, -np.inf, 0], subtype="DOUBLE"), Unreadable("not finite")),
    ),
    # contents that are not what the name says
    "empty file": ("a.wav", content(b""), Unreadable("")),
    "empty FLAC": ("a.flac", content(b""), Unreadable("")),
    "text": ("a.wav", content(b"no sound"), Unreadable("")),
    "a web page": ("a.wav", content(HTML), Unreadable("")),
    "random bytes": ("a.wav", content(random.Random(1).randbytes(32044)), Unreadable("")),
    "zeros": ("a.wav", content(bytes(32044)), Unreadable("")),
    "FLAC under WAV's name": ("a.wav", sound(format="FLAC"), Usable()),
    "WAV under FLAC's name": ("a.flac", sound(), Usable()),
    "AIFF under WAV's name": ("a.wav", sound(format="AIFF"), Usable()),
    "Ogg under WAV's name": ("a.wav", sound(format="OGG", subtype="VORBIS"), Usable()),
    "upper-case suffix": ("A.WAV", sound(), Usable()),
    # damage
    "header only": ("a.wav", content(wav(b"")), Unreadable("no samples")),
    "half a header": ("a.wav", content(wav()[:20]), Unreadable("")),
    "no data chunk": ("a.wav", content(wav()[:36]), Unreadable("")),
    # What is there is used, as any player does.
    "truncated": ("a.wav", cut(sound(), 0.5), Usable(7989)),
    "truncated FLAC": ("a.flac", cut(sound(format="FLAC"), 0.5), Unreadable("")),
    "broken FLAC": ("a.flac", broken_flac, Unreadable("")),
    "a rate of zero": ("a.wav", content(wav(rate=0)), Unreadable("")),
    "no channels": ("a.wav", content(wav(channels=0)), Unreadable("")),
    "thousands of channels": ("a.wav", content(wav(channels=2000, block=4000)), Unreadable("")),
    "an unknown encoding": ("a.wav", content(wav(tag=0x1234)), Unreadable("")),
    "no bits": ("a.wav", content(wav(bits=0)), Unreadable("")),
    # names
    **{
        f"named {name!r}"[:40]: (name, NAMED, Usable())
        for name in (
            *("so so.wav", 'say "so".wav', "don't.wav", "two\nlines.wav", "-rf.wav", "für.wav"),
            *("fu\u0308r.wav", "はい.wav", "a,b;c.wav", "$(reboot).wav", "{word}.wav", "a.b.wav"),
            *("<b>.wav", "#1.wav", "100%.wav", "a\\b.wav", "NA.wav", "*.wav", "~.wav"),
            *("x" * 251 + ".wav", "=1+1.wav", " .wav", "wav.wav"),
        )
    },
    # what is no file of its own
    "link": ("a.wav", link("../b.wav", sound()), Usable()),
    "link to nowhere": ("a.wav", link("nowhere"), Unreadable("")),
    "link in a circle": ("a.wav", link("a.wav"), Unreadable("")),
    "link to what no name can be": ("a.wav", link("x" * 300), Unreadable("")),
    "link to a folder": ("a.wav", link(".."), Unreadable("Is a directory")),
    "folder": ("a.wav", lambda path: path.mkdir(), Unreadable("Is a directory")),
    "pipe": ("a.wav", os.mkfifo, Unreadable("not a regular file")),
    "socket": ("a.wav", bound_socket, Unreadable("not a regular file")),
    "device": ("a.wav", link("/dev/zero"), Unreadable("not a regular file")),
    # litter
    **{
        f"litter: {name}": (name, content(b"litter"), IGNORED)
        for name in (
            *(".DS_Store", "._a.wav", "Thumbs.db", "desktop.ini", ".wav", ".a.wav", "a.pdf"),
            *("a.wav.part", "a.txt", "wav", "a.wav~", "a.asd"),
        )
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "make", "outcome"), KINDS.values(), ids=KINDS.keys())
def test_each_kind_of_file_has_its_outcome(tmp_path, name, make, outcome):
    folder = tmp_path / "words"
    (folder / "yes").mkdir(parents=True)
    make(folder / "yes" / name)
    rows = inventory.of_word(folder, "yes", None, 16_000, 1.0, "loudest")
    inventory_file.write(rows, tmp_path / "yes.csv")
    if outcome is IGNORED:
        assert rows == []
        return
    [row] = rows
    assert row["file"] == f"yes/{name}"
    usable = inventory_file.usable_files(tmp_path / "yes.csv")
    if isinstance(outcome, Unreadable):
        assert row["status"].startswith("unreadable: ")
        assert outcome.reason in row["status"]
        assert usable == []
        return
    assert row["status"] == "usable"
    assert (row["samples"], row["sample_rate"], row["channels"]) == (
        *(outcome.samples, outcome.rate, outcome.channels),
    )
    assert usable == [row["file"]]
    path = tmp_path / "yes.zarr"
    write_recordings(
        path,
        folder,
        usable,
        TRANSFORM,
        RATE,
        window="loudest",
        rounding=16,
        chunk_length=64,
        compression="zstd",
        inventory_digest="0" * 64,
    )
    values = open_store(path).read(slice(0, 1))
    assert np.isfinite(values).all()
    assert (values != 0).any() == decoding.decode(folder / row["file"])[0].any()


def test_files_that_one_may_not_read(tmp_path, monkeypatch):
    """Whoever runs the tests may read everything: the operating system is made to refuse."""
    sound()(tmp_path / "a.wav")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(decoding.UnreadableRecordingError, match="Permission denied"):
        decoding.decode(tmp_path / "a.wav")


# Mutations: of a file's header and body, in whatever combination.

MOST_BYTES_AFTER_DECODING = 2_000_000


@st.composite
def mutated_wavs(draw):
    """A small WAV file of some encoding, in which a few things went wrong."""
    subtype = draw(st.sampled_from(["PCM_16", "PCM_16", "PCM_24", "FLOAT", "ULAW", "MS_ADPCM"]))
    data = bytearray(WAVS[subtype])
    for _ in range(draw(st.integers(1, 4))):
        # Mostly in the header, where it does most harm.
        last = draw(st.sampled_from([60, 60, 60, len(data)]))
        start = draw(st.integers(0, min(last, len(data))))
        match draw(st.sampled_from(["overwrite", "number", "insert", "remove", "cut", "repeat"])):
            case "overwrite":
                new = draw(st.binary(min_size=1, max_size=8))
                data[start : start + len(new)] = new
            case "number":
                number = draw(st.sampled_from([0, 1, 2**15, 2**16 - 1, 2**31, 2**32 - 1]))
                data[start : start + 4] = struct.pack("<I", number)
            case "insert":
                data[start:start] = draw(st.binary(max_size=8))
            case "remove":
                del data[start : start + draw(st.integers(1, 8))]
            case "cut":
                del data[start:]
            case "repeat":
                data += data[start:]
    return bytes(data)


@pytest.fixture(scope="module", autouse=True)
def wavs(tmp_path_factory):
    path = tmp_path_factory.mktemp("wavs") / "a.wav"
    for subtype in ("PCM_16", "PCM_24", "FLOAT", "ULAW", "MS_ADPCM"):
        sound(VALUES[:600], subtype=subtype)(path)
        WAVS[subtype] = path.read_bytes()


WAVS: dict[str, bytes] = {}


@settings(max_examples=1000, deadline=None, derandomize=True, database=None)
@given(data=mutated_wavs())
def test_a_damaged_file_is_decoded_within_bounds_or_unreadable(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "mutated.wav"
    path.write_bytes(data)
    try:
        samples, rate = decoding.decode(path)
    except decoding.UnreadableRecordingError as reason:
        assert str(reason).strip()
        assert "\n" not in str(reason)
        return
    assert samples.dtype == np.float32
    assert samples.ndim == 2
    assert 0 < samples.nbytes < MOST_BYTES_AFTER_DECODING
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= decoding.LARGEST_SAMPLE
    assert 0 < rate < 2**31

"""Decoding files of any kind: intact, unfinished and damaged ones."""

import errno
import io
import os
import random
import struct
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from spokenwords.recordings import decoding

RATE = 16000
SECONDS = 1.2  # which no block or packet of an encoding divides


def tone(rate: int) -> np.ndarray:
    """A tone of 440 Hz in a little noise, int16 [samples]."""
    noise = np.random.default_rng(1).normal(0, 20, round(SECONDS * rate))
    return (8000 * np.sin(2 * np.pi * 440 / rate * np.arange(len(noise))) + noise).astype(np.int16)


def by_soundfile(form: str, subtype: str) -> bytes:
    file = io.BytesIO()
    values = (tone(RATE) / 32768).astype(np.float32) if subtype == "FLOAT" else tone(RATE)
    soundfile.write(file, values, RATE, format=form, subtype=subtype)
    return file.getvalue()


def by_ffmpeg(form: str, codec: str, rate: int = RATE, **options: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=form, container_options=options) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        if codec == "wmav2":
            stream.bit_rate = 64000
        if codec == "wavpack":
            stream.format = "s16p"  # else of 8 bits
        stream.codec_context.open()
        frame = av.AudioFrame.from_ndarray(tone(rate)[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        form, size = stream.codec_context.format.name, stream.codec_context.frame_size
        resampler = av.AudioResampler(form, "mono", rate, size or None)
        for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(piece))
    return file.getvalue()


LOSSLESS = {
    "WAV": (by_soundfile, "WAV", "PCM_16"),
    "WAV, 24 bit": (by_soundfile, "WAV", "PCM_24"),
    "WAV, float": (by_soundfile, "WAV", "FLOAT"),
    "extensible WAV": (by_soundfile, "WAVEX", "PCM_16"),
    "RF64": (by_soundfile, "RF64", "PCM_16"),
    "W64": (by_soundfile, "W64", "PCM_16"),
    "AIFF": (by_soundfile, "AIFF", "PCM_24"),
    "CAF": (by_soundfile, "CAF", "PCM_16"),
    "AU": (by_soundfile, "AU", "PCM_16"),
    "SPHERE": (by_soundfile, "NIST", "PCM_16"),
    "FLAC": (by_soundfile, "FLAC", "PCM_16"),
    "FLAC, 24 bit": (by_soundfile, "FLAC", "PCM_24"),
    "FLAC in Ogg": (by_ffmpeg, "oga", "flac"),
    "FLAC in Matroska": (by_ffmpeg, "matroska", "flac"),
    "Apple Lossless": (by_ffmpeg, "ipod", "alac"),
    "QuickTime": (by_ffmpeg, "mov", "pcm_s16le"),
    "AVI": (by_ffmpeg, "avi", "pcm_s16le"),
    "WavPack": (by_ffmpeg, "wv", "wavpack"),
}
# With the samples that encoders may add at the start and the end (a delay, the last packet's rest),
# or leave out.
LOSSY = {
    "µ-law": (0, by_soundfile, "WAV", "ULAW"),
    "G.722": (0, by_ffmpeg, "wav", "g722"),
    "Ogg Vorbis": (0, by_soundfile, "OGG", "VORBIS"),
    "Ogg Opus": (0, by_soundfile, "OGG", "OPUS"),
    "MP3": (0, by_soundfile, "MP3", "MPEG_LAYER_III"),
    "M4A": (1024, by_ffmpeg, "ipod", "aac"),
    "MP4 in fragments": (
        *(2048, by_ffmpeg, "mp4", "aac", RATE, ("movflags", "frag_keyframe+empty_moov")),
    ),
    "AAC": (2048, by_ffmpeg, "adts", "aac"),
    "3GP": (320, by_ffmpeg, "3gp", "libopencore_amrnb", 8000),
    "AMR": (320, by_ffmpeg, "amr", "libopencore_amrnb", 8000),
    "WebM": (960, by_ffmpeg, "webm", "libopus", 48000),
    "WebM without a length": (960, by_ffmpeg, "webm", "libopus", 48000, ("live", "1")),
    "WMA": (-2048, by_ffmpeg, "asf", "wmav2", 44100),
    "E-AC-3": (3072, by_ffmpeg, "eac3", "eac3", 48000),
    "AC-3": (3072, by_ffmpeg, "ac3", "ac3", 48000),
}


@cache
def made(kind: str) -> bytes:
    """A file of this kind."""
    make, *asked = LOSSLESS.get(kind) or LOSSY[kind][1:]
    return make(*(a for a in asked if not isinstance(a, tuple)), **dict(asked[3:]))


@pytest.fixture
def decode(tmp_path):
    """Decode these bytes as a file of that name."""

    def decode(content: bytes, name: str = "a.wav") -> tuple[np.ndarray, int]:
        (tmp_path / name).write_bytes(content)
        return decoding.decode(tmp_path / name)

    return decode


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_kinds_give_the_samples_that_were_encoded(decode, kind):
    samples, rate = decode(made(kind))
    assert rate == RATE
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples[:, 0], tone(RATE) / np.float32(32768))


@pytest.mark.parametrize("kind", LOSSY)
def test_lossy_kinds_keep_length_level_and_tone(decode, kind):
    padding, *_ = LOSSY[kind]
    samples, rate = decode(made(kind))
    expected = tone(rate)
    assert samples.dtype == np.float32
    assert min(0, padding) <= len(samples) - len(expected) <= max(0, padding)
    middle = samples[len(samples) // 4 : len(samples) // 2, 0].astype(np.float64)
    phases = np.exp(2j * np.pi * 440 / rate * np.arange(len(middle)))
    amplitude = 2 * abs(np.mean(middle * phases))
    assert amplitude == pytest.approx(8000 / 32768, rel=0.2)
    assert amplitude**2 / 2 == pytest.approx(np.mean(middle**2), rel=0.03)


@pytest.mark.parametrize(
    ("form", "subtype", "share"),
    [
        *(("WAV", coding, share) for coding in ("GSM610", "IMA_ADPCM") for share in (1, 0.9)),
        *(("MP3", "MPEG_LAYER_III", share) for share in (1, 0.9)),
        *(("OGG", "VORBIS", 1), ("OGG", "OPUS", 1), ("CAF", "ALAC_16", 1), ("FLAC", "PCM_24", 1)),
    ],
)
def test_what_libsndfile_decodes_stays_as_it_decodes_it(decode, form, subtype, share):
    content = by_soundfile(form, subtype)
    content = content[: int(share * len(content))]
    expected, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    samples, own_rate = decode(content)
    assert own_rate == rate
    np.testing.assert_array_equal(samples, expected)


@pytest.mark.parametrize(
    "form", ["u8", "u8p", "s16", "s16p", "s32", "s32p", "flt", "fltp", "dbl", "dblp"]
)
def test_samples_of_each_format_of_ffmpeg_are_shares_of_full_scale(form):
    frame = av.AudioFrame(form, "stereo", 4)
    values = np.array([[-1, -0.5, 0, 0.5], [0.5, 0, -0.5, -1]])
    for plane, kept in zip(frame.planes, values if "p" in form[-1:] else [values.T], strict=True):
        kind = {"u": np.uint8, "s": f"i{form[1:3]}", "f": np.float32, "d": np.float64}[form[0]]
        kind = {"i16": np.int16, "i32": np.int32}.get(kind, kind)
        bits = 0 if form[0] in "fd" else 8 * np.dtype(kind).itemsize - 1
        content = (kept * 2.0**bits + (128 if form[0] == "u" else 0)).astype(kind).tobytes()
        plane.update(content.ljust(plane.buffer_size, b"\0"))
    samples = decoding._samples(frame)
    assert samples.dtype == np.float32
    assert samples.tolist() == values.T.tolist()


# What recorders leave that are killed or write to a pipe.


def sized(kind: str, tag: bytes, size: int, at: int = 4, order: str = "little", length=4) -> bytes:
    """A file whose chunk `tag` has another size in its header."""
    content = bytearray(made(kind))
    start = content.index(tag) + at
    content[start : start + length] = size.to_bytes(length, order)
    return bytes(content)


def flac_of_unknown_length(kind: str = "FLAC") -> bytes:
    content = bytearray(made(kind))
    # The last 36 bits of these bytes of the first block count the samples; 0 is "unknown".
    content[21:26] = bytes([content[21] & 0xF0, 0, 0, 0, 0])
    return bytes(content)


def flac_that_claims_68_billion_samples() -> bytes:
    content = bytearray(made("FLAC"))
    content[21:26] = bytes([content[21] | 0x0F, 255, 255, 255, 255])
    return bytes(content)


def cut(kind: str, share: float = 0.6) -> bytes:
    return made(kind)[: int(share * len(made(kind)))]


UNFINISHED = {
    **{
        f"{kind}, {size:x} bytes of sound": (kind, lambda k=kind, s=size: sized(k, b"data", s))
        for kind in ("WAV", "WAV, 24 bit", "WAV, float", "extensible WAV")
        for size in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF)
    },
    **{
        f"{kind}, {size:x} bytes of sound": (kind, lambda k=kind, s=size: sized(k, b"data", s))
        for kind in ("µ-law", "G.722")
        for size in (0, 0xFFFFFFFF)
    },
    **{
        f"WAV of {size:x} bytes": ("WAV", lambda s=size: sized("WAV", b"RIFF", s))
        for size in (0, 1, 36, 0xFFFFFFFF)
    },
    **{
        f"RF64, {size} bytes of sound": ("RF64", lambda s=size: sized("RF64", b"ds64", s, 16))
        for size in (0, 1)
    },
    **{
        f"AU, {size:x} bytes of sound": ("AU", lambda s=size: sized("AU", b".snd", s, 8, "big"))
        for size in (0, 1, 0xFFFFFFFF)
    },
    **{
        f"AIFF, {size:x} bytes of sound": (
            "AIFF",
            lambda s=size: sized("AIFF", b"SSND", s, 4, "big"),
        )
        for size in (0, 0xFFFFFFFF)
    },
    **{
        f"CAF, {size:x} bytes of sound": (
            *("CAF", lambda s=size: sized("CAF", b"data", s, 4, "big", 8)),
        )
        for size in (0, 4, 2**64 - 1)
    },
    "WAV, 0 bytes of sound behind a text": (
        "WAV",
        lambda: sized("WAV", b"data", 0).replace(b"fmt ", b"LIST\x0c\0\0\0INFOmetadatafmt ", 1),
    ),
    "FLAC of unknown length": ("FLAC", flac_of_unknown_length),
    "FLAC, 24 bit, of unknown length": (
        *("FLAC, 24 bit", lambda: flac_of_unknown_length("FLAC, 24 bit")),
    ),
    "FLAC of 68 billion samples": ("FLAC", flac_that_claims_68_billion_samples),
    "AAC behind junk": ("AAC", lambda: bytes(1000) + made("AAC")),
    "AAC with an ID3 tag": ("AAC", lambda: b"ID3\3\0\0\0\0\1\0" + bytes(128) + made("AAC")),
    "MP3 with tags": (
        *("MP3", lambda: b"ID3\3\0\0\0\0\1\0" + bytes(128) + made("MP3") + b"TAG" + bytes(125)),
    ),
    "M4A with something behind it": ("M4A", lambda: made("M4A") + bytes(100)),
}


@pytest.mark.parametrize(("kind", "make"), UNFINISHED.values(), ids=UNFINISHED.keys())
def test_files_without_a_length_give_the_samples_of_those_with_one(decode, kind, make):
    samples, rate = decode(make())
    expected, own_rate = decode(made(kind))
    assert rate == own_rate
    np.testing.assert_array_equal(samples, expected)


@pytest.mark.parametrize("size", [0, 1])
def test_a_header_without_a_length_and_a_cut_sample(decode, size):
    samples, _ = decode(sized("WAV, 24 bit", b"data", size)[:-4])
    np.testing.assert_array_equal(samples, decode(made("WAV, 24 bit"))[0][:-2])


@pytest.mark.parametrize(
    "kind",
    [
        *("WAV", "WAV, 24 bit", "µ-law", "G.722", "RF64", "W64", "AIFF", "CAF", "AU", "SPHERE"),
        *("AAC", "MP4 in fragments", "WebM", "WebM without a length", "FLAC in Matroska", "AMR"),
    ],
)
@pytest.mark.parametrize("share", [0.6, 0.9])
def test_what_is_there_of_a_file_that_was_cut_off_is_used(decode, kind, share):
    samples, rate = decode(cut(kind, share))
    whole, own_rate = decode(made(kind))
    assert rate == own_rate
    # But for headers and whole packets, the share that is there.
    assert abs(len(samples) - share * len(whole)) < 0.15 * len(whole)
    np.testing.assert_array_equal(samples, whole[: len(samples)])


def test_flac_that_was_cut_between_two_of_its_frames(decode):
    content = made("FLAC")
    samples, _ = decode(content[: content.rindex(b"\xff\xf8")])
    assert 0 < len(samples) < len(tone(RATE))
    np.testing.assert_array_equal(samples[:, 0], tone(RATE)[: len(samples)] / np.float32(32768))


def test_ogg_of_a_stream_that_was_joined_later(decode):
    """Times of its pages do not begin at 0."""
    content = bytearray(made("Ogg Vorbis"))
    pages = [start for start in range(len(content)) if content.startswith(b"OggS", start)]
    for start, end in zip(pages, [*pages[1:], len(content)], strict=True):
        position = int.from_bytes(content[start + 6 : start + 14], "little")
        if position:
            content[start + 6 : start + 14] = (position + 100 * RATE).to_bytes(8, "little")
        content[start + 22 : start + 26] = bytes(4)
        content[start + 22 : start + 26] = ogg_checksum(content[start:end]).to_bytes(4, "little")
    samples, _ = decode(bytes(content))
    expected, _ = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    assert len(samples) > 0.9 * len(tone(RATE))
    np.testing.assert_array_equal(samples, expected)


def test_opus_without_an_end_mark_keeps_its_last_packet_whole(decode):
    content = bytearray(by_ffmpeg("ogg", "libopus", 48000))
    page = content.rindex(b"OggS")
    content[page + 5] &= ~4
    content[page + 22 : page + 26] = bytes(4)
    content[page + 22 : page + 26] = ogg_checksum(content[page:]).to_bytes(4, "little")
    samples, rate = decode(bytes(content))
    expected, _ = decode(by_ffmpeg("ogg", "libopus", 48000))
    assert (rate, samples.shape[1]) == (48000, 1)
    assert 0 < len(samples) - len(expected) < 960
    np.testing.assert_allclose(samples[: len(expected)], expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["Ogg Vorbis", "Ogg Opus"])
def test_all_streams_of_a_chained_ogg_file_are_decoded(decode, kind):
    """Also where the second is as long as the first."""
    one, rate = decode(made(kind))
    samples, own_rate = decode(made(kind) + made(kind))
    assert len(samples) / own_rate == pytest.approx(2 * len(one) / rate, abs=0.05)


def ogg_checksum(page: bytes) -> int:
    """That of RFC 3533: a CRC of 32 bits, polynomial 0x04c11db7."""
    remainder = 0
    for byte in page:
        remainder ^= byte << 24
        for _ in range(8):
            remainder = remainder << 1 ^ (0x104C11DB7 if remainder >> 31 else 0)
    return remainder


def test_an_empty_wav_file_does_not_sound_of_its_other_chunks(decode):
    header = made("WAV")[:36] + b"data" + bytes(4)
    for rest in (b"", b"note\3\0\0\0abc", b"LIST\x1a\0\0\0INFOISFT\x0e\0\0\0Lavf60.16.100\0"):
        with pytest.raises(decoding.UnreadableRecordingError, match=r"^no samples$"):
            decode(header + rest)


# What is damaged, or no recording.


def with_noise(kind: str) -> bytes:
    content = bytearray(made(kind))
    middle = len(content) // 2
    content[middle : middle + 300] = np.random.default_rng(2).bytes(300)
    return bytes(content)


def flipped(content: bytes, place: int) -> bytes:
    content = bytearray(content)
    content[place] ^= 0x10
    return bytes(content)


RESCUE = "; `ffmpeg -i <file> <new name>.wav` converts the intact part"
DAMAGED = {
    "FLAC, a bit of sound": (
        lambda: flipped(made("FLAC"), len(made("FLAC")) // 2),
        f"damaged or incomplete FLAC file{RESCUE}",
    ),
    "FLAC, a bit of its last checksum": (
        lambda: flipped(made("FLAC"), -1),
        f"damaged or incomplete FLAC file{RESCUE}",
    ),
    "FLAC of unknown length, a bit of sound": (
        lambda: flipped(flac_of_unknown_length(), len(made("FLAC")) // 2),
        f"damaged or incomplete FLAC file{RESCUE}",
    ),
    "FLAC, cut": (lambda: cut("FLAC"), f"damaged or incomplete FLAC file{RESCUE}"),
    "M4A, noise within": (lambda: with_noise("M4A"), f"damaged or incomplete MP4 file{RESCUE}"),
    "WebM, noise within": (
        lambda: with_noise("WebM"),
        f"damaged or incomplete WebM or Matroska file{RESCUE}",
    ),
    "Ogg Vorbis, noise within": (
        lambda: with_noise("Ogg Vorbis"),
        "damaged or incomplete Ogg file",
    ),
    "FLAC in Ogg, noise within": (
        lambda: with_noise("FLAC in Ogg"),
        f"damaged or incomplete Ogg file{RESCUE}",
    ),
    "M4A, never finished": (lambda: cut("M4A"), "damaged or incomplete MP4 file"),
    "half a WAV header": (lambda: made("WAV")[:20], "damaged or incomplete WAV file"),
    "an unknown encoding": (
        lambda: sized("WAV", b"fmt ", 0x1234, 8, length=2),
        "WAV file that is encrypted or has an unsupported encoding: convert it to WAV with the "
        "program that made it",
    ),
    "a film without sound": (lambda: silent_film(), "MP4 file without sound"),
    "nothing": (lambda: b"", "an empty file"),
    "zeros": (lambda: bytes(5000), "only zeros"),
    "a text": (lambda: "für später\n".encode(), "a text file"),
    "a playlist": (lambda: b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "a text file"),
    "a web page": (
        lambda: b"\n<!DOCTYPE html>\n<html>",
        "a web page from a failed download: download the recording again",
    ),
    "a Git LFS pointer": (
        lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "a Git LFS pointer: fetch the recording with `git lfs pull`",
    ),
    "a PDF": (lambda: b"%PDF-1.7\n\x80", "a PDF document"),
    "an image": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "an image"),
    "a ZIP archive": (lambda: archive(), "a ZIP archive or Office document: unpack it"),
    "random bytes": (
        lambda: random.Random(1).randbytes(32000),
        "not a sound file of a supported kind: convert it to WAV",
    ),
}


def silent_film() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode(None))
    return file.getvalue()


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.wav", made("WAV"))
    return file.getvalue()


@pytest.mark.parametrize(("make", "reason"), DAMAGED.values(), ids=DAMAGED.keys())
def test_what_cannot_be_decoded_is_named_for_what_it_is(decode, capfd, make, reason):
    for _ in range(2):  # FFmpeg's messages are not repeated, unless asked to be.
        with pytest.raises(decoding.UnreadableRecordingError) as caught:
            decode(make())
        assert str(caught.value) == reason
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", ["au", "snd", "gsm", "vox", "mp3", "aac", "m4a", "raw"])
def test_a_name_does_not_make_sound_of_random_bytes(decode, suffix):
    with pytest.raises(
        decoding.UnreadableRecordingError, match=r"^not a sound file of a supported kind"
    ):
        decode(random.Random(1).randbytes(32000), f"a.{suffix}")


@pytest.mark.parametrize("kind", ["M4A", "CAF", "FLAC", "WebM"])
@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a", "http:a.m3u8", "%03d.m4a", "-i.txt"])
def test_a_name_does_not_hinder_decoding(decode, kind, name):
    samples, _ = decode(made(kind), name)
    np.testing.assert_array_equal(samples, decode(made(kind), "a.bin")[0])


def test_a_file_that_gives_more_than_any_encoding_holds_is_damaged(decode, monkeypatch):
    monkeypatch.setattr(decoding, "MOST_SAMPLES_PER_BYTE", 1)
    with pytest.raises(decoding.UnreadableRecordingError, match=r"^damaged or incomplete MP4 file"):
        decode(made("M4A"))


def test_a_stream_whose_rate_changes_is_refused(decode):
    halves = by_ffmpeg("adts", "aac", 16000) + by_ffmpeg("adts", "aac", 44100)
    with pytest.raises(
        decoding.UnreadableRecordingError, match=r"^damaged or incomplete MP3 or AAC"
    ):
        decode(halves)


def test_ffmpeg_is_loaded_only_for_what_the_others_cannot_decode(tmp_path):
    files = []
    for kind in ("WAV", "WAV, 24 bit", "FLAC", "AIFF", "CAF", "MP3", "Ogg Vorbis", "Ogg Opus"):
        files.append(tmp_path / f"{kind}.wav")
        files[-1].write_bytes(made(kind))
    program = (
        "import sys; from pathlib import Path; from spokenwords.recordings import decoding\n"
        "for file in sys.argv[1:]: decoding.decode(Path(file))\n"
        "sys.exit('av' in sys.modules)"
    )
    library = Path(decoding.__file__).parents[2]
    subprocess.run([sys.executable, "-c", program, *files], cwd=library, check=True, timeout=60)


# What is not the file's fault.


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.ESTALE, errno.ENOMEM])
@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_failures_of_the_machine_do_not_make_a_recording_unreadable(
    tmp_path, monkeypatch, number, name
):
    (tmp_path / name).write_bytes(made("FLAC"))

    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(OSError, match=os.strerror(number)):
        decoding.decode(tmp_path / name)


def test_too_little_memory_does_not_make_a_recording_unreadable(decode, monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(decoding, "_samples", fail)
    with pytest.raises(MemoryError):
        decode(made("M4A"))
    monkeypatch.setattr(soundfile.SoundFile, "read", fail)
    with pytest.raises(MemoryError):
        decode(made("FLAC"))


# Mutations.


@pytest.mark.parametrize(
    "kind", ["M4A", "MP4 in fragments", "WebM", "AAC", "WMA", "AMR", "FLAC in Ogg", "FLAC"]
)
def test_damaged_files_of_any_kind_are_decoded_within_bounds_or_unreadable(decode, kind):
    chance = np.random.default_rng(1)
    outcomes = set()
    for _ in range(60):
        content = bytearray(made(kind))
        for _ in range(chance.integers(1, 4)):
            start = chance.integers(0, chance.choice([60, 1000, len(content)]))
            numbers = struct.pack("<I", chance.choice([0, 1, 2**16 - 1, 2**31, 2**32 - 1]))
            new = chance.choice([chance.bytes(4), numbers, numbers[::-1]])
            content[start : start + 4] = bytes(new)
        try:
            samples, rate = decode(bytes(content))
        except decoding.UnreadableRecordingError as reason:
            assert str(reason).strip()
            assert "\n" not in str(reason)
            outcomes.add("unreadable")
            continue
        outcomes.add("decoded")
        assert samples.dtype == np.float32
        assert samples.ndim == 2
        assert 0 < samples.nbytes < 8 * SECONDS * 48000 * 4
        assert np.isfinite(samples).all()
        assert rate in decoding.RATES
    assert outcomes == {"decoded", "unreadable"}

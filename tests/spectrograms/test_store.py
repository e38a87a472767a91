"""Spectrogram stores: values read are those written, and damage is detected."""

import errno
import json
import resource
import shlex
import shutil
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import soundfile
import torch
import torchaudio
import xarray
import zarr
from conftest import SMALL

from spokenwords.errors import UserError
from spokenwords.spectrograms.read import open_store
from spokenwords.spectrograms.stft import STFT
from spokenwords.spectrograms.write import write_recordings

PUBLISHED = STFT(16_000, 512, window_seconds=0.03, stride_seconds=0.01, normalized=True)


def exact(path, transform, length):
    """The complex spectrogram in double precision, [2, frequency, time], of a recording."""
    samples, _ = soundfile.read(path, frames=length, fill_value=0.0)
    spectrogram = torchaudio.transforms.Spectrogram(
        n_fft=transform.n_fft,
        win_length=round(transform.window_seconds * transform.sample_rate),
        hop_length=round(transform.stride_seconds * transform.sample_rate),
        power=None,
        normalized=True,
        wkwargs={"dtype": torch.float64},
    )(torch.from_numpy(samples)).numpy()
    return np.stack([spectrogram.real, spectrogram.imag])


def read_all(path):
    opened = open_store(path)
    return np.concatenate([opened.read(number).copy() for number in range(len(opened.array))])


@pytest.mark.parametrize("rounding", [None, 8, 16])
def test_round_trip(write_store, tmp_path, rounding):
    path = write_store("bird", 5, rounding=rounding)
    values = read_all(path)
    assert values.dtype == np.float16
    expected = [exact(tmp_path / f"recordings/bird/{n}.wav", SMALL, 1_000) for n in range(5)]
    step = 0 if rounding is None else 2.0**-rounding
    # Half a step, half of float16's spacing, and single precision in the transform.
    allowed = step / 2 + np.spacing(np.abs(values)).astype(float) / 2 + 1e-6
    assert (np.abs(values.astype(float) - expected) <= allowed).all()


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_compression_is_the_one_asked_for_and_loses_nothing(write_store, compression):
    expected = read_all(write_store("bird", 5))
    path = write_store("bird", 5, compression=compression)
    np.testing.assert_array_equal(read_all(path), expected)
    codec, _ = zarr.open_group(path, mode="r")["spectrogram"].compressors
    assert codec.to_dict()["configuration"]["cname"] == compression


def test_values_are_multiples_of_the_step(write_store):
    for rounding in (8, 14, 16):
        steps = read_all(write_store("bird", 3, rounding=rounding)).astype(float) * 2**rounding
        assert (steps == np.rint(steps)).all()
    unrounded = read_all(write_store("bird", 3, rounding=None)).astype(float) * 2**16
    assert (unrounded != np.rint(unrounded)).any()


def test_signal_to_noise_ratio(write_store, tmp_path):
    path = write_store("bird", 2, transform=PUBLISHED, length=16_000)
    recordings = [tmp_path / f"recordings/bird/{n}.wav" for n in range(2)]
    expected = np.stack([exact(recording, PUBLISHED, 16_000) for recording in recordings])
    noise = read_all(path).astype(float) - expected
    assert 10 * np.log10(np.square(expected).mean() / np.square(noise).mean()) > 72


def storage(chunk_length):
    """What stores here have in common."""
    own = {"chunk_length": chunk_length, "inventory_digest": ""}
    return own | {"window": "start", "rounding": 16, "compression": "zstd"}


@pytest.mark.parametrize("chunk_length", [1, 3, 10, 64])
def test_rows_are_in_the_order_given(write_noise, tmp_path, chunk_length):
    files = [f"{number}.wav" for number in (7, 0, 9, 3, 1, 8, 2, 6, 4, 5)]
    recordings = [write_noise(file, seed=int(file[0])) for file in files]
    path = tmp_path / "bird.zarr"
    write_recordings(path, tmp_path / "recordings", files, SMALL, 1_000, **storage(chunk_length))
    opened = open_store(path)
    assert opened.files == files
    assert opened.array.chunk_shape == (chunk_length, 2, 33, 51)
    expected = np.stack([exact(recording, SMALL, 1_000) for recording in recordings])
    np.testing.assert_allclose(read_all(path), expected, atol=1e-3)
    # The reference reader finds the same, bit for bit.
    stored = zarr.open_group(path, mode="r")["spectrogram"][:]
    np.testing.assert_array_equal(stored, read_all(path))


def test_short_recordings_are_padded_and_long_ones_cut(write_noise, tmp_path):
    recordings = [
        write_noise("short.wav", seed=1, seconds=0.6),
        write_noise("long.wav", seed=2, seconds=1.7),
    ]
    path = tmp_path / "bird.zarr"
    files = [recording.name for recording in recordings]
    write_recordings(
        path,
        recordings[0].parent,
        files,
        SMALL,
        1_000,
        **storage(chunk_length=64),
    )
    expected = np.stack([exact(recording, SMALL, 1_000) for recording in recordings])
    values = read_all(path)
    np.testing.assert_allclose(values, expected, atol=1e-3)
    # Frames whose window begins behind 0.6 s see silence.
    assert (values[0, :, :, 33:] == 0).all()
    assert (values[1, :, :, 33:] != 0).any()


def test_a_window_is_cut_out_of_long_recordings_and_recorded(write_noise, tmp_path):
    noise, rate = soundfile.read(write_noise("noise.wav", seed=1, seconds=0.4))
    # From 1.3 to 1.7 s.
    soundfile.write(tmp_path / "late.wav", np.pad(noise, (1300, 300)), rate)
    energy = {}
    for window in ("start", "loudest"):
        path, options = tmp_path / f"{window}.zarr", storage(64) | {"window": window}
        write_recordings(path, tmp_path, ["late.wav"], SMALL, 1_000, **options)
        energy[window] = np.square(read_all(path)[0], dtype=float).sum(axis=(0, 1))
        assert zarr.open_group(path, mode="r").attrs["audio_window"] == window
    assert not energy["start"].any()
    # In the loudest second from 0.3 to 0.7 s; frames are 20 ms apart.
    assert np.average(np.arange(51), weights=energy["loudest"]) == pytest.approx(25, abs=1)
    assert energy["loudest"][15:36].sum() > 0.999 * energy["loudest"].sum()


@pytest.mark.filterwarnings("error")
def test_xarray_shows_labelled_dimensions(write_store):
    path = write_store("bird", 5)
    dataset = xarray.open_zarr(path)
    assert dataset["spectrogram"].dims == ("utterance", "channel", "frequency", "time")
    assert dataset["spectrogram"].shape == (5, 2, 33, 51)
    np.testing.assert_allclose(dataset["frequency"], np.arange(33) * 1_000 / 64)
    np.testing.assert_allclose(dataset["time"], np.arange(51) * 0.02)
    assert dataset["frequency"].attrs["units"] == "Hz"
    assert dataset["time"].attrs["units"] == "s"
    nearest = dataset["spectrogram"].sel(frequency=250, time=0.5, method="nearest")
    assert nearest.dims == ("utterance", "channel")
    np.testing.assert_array_equal(nearest, dataset["spectrogram"][:, :, 16, 25])
    assert list(dataset["channel"].values) == ["real", "imaginary"]
    for number, channel in enumerate(("real", "imaginary")):
        part = dataset["spectrogram"].sel(channel=channel)
        np.testing.assert_array_equal(part, read_all(path)[:, number])


def with_pipeline(pipeline):
    """A reader of the array, with one of zarr-python's codec pipelines."""

    def read(path):
        with zarr.config.set({"codec_pipeline.path": pipeline}):
            return zarr.open_array(path / "spectrogram", mode="r")[:]

    return read


READERS = {
    "zarr-python": with_pipeline("zarr.core.codec_pipeline.BatchedCodecPipeline"),
    "zarrs": with_pipeline("zarrs.ZarrsCodecPipeline"),
    "xarray": lambda path: xarray.open_zarr(path)["spectrogram"].to_numpy(),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("compression", ["zstd", "lz4"])
@pytest.mark.parametrize("reader", READERS)
def test_other_readers_find_the_same_and_verify_the_checksum(write_store, reader, compression):
    path = write_store("bird", 8, compression=compression)
    np.testing.assert_array_equal(READERS[reader](path), read_all(path))
    chunk = path / "spectrogram/c.1.0.0.0"
    content = bytearray(chunk.read_bytes())
    content[-1] ^= 1
    chunk.write_bytes(content)
    with pytest.raises((ValueError, RuntimeError), match=r"checksum|crc32c"):
        READERS[reader](path)


def test_attributes(write_store):
    path = write_store("bird", 2, rounding=12, inventory_digest="ab" * 32)
    attributes = zarr.open_group(path, mode="r").attrs.asdict()
    assert attributes["files"] == ["bird/0.wav", "bird/1.wav"]
    assert attributes["stft"] == {
        "sample_rate": 1_000,
        "n_fft": 64,
        "window_seconds": 0.05,
        "stride_seconds": 0.02,
        "normalized": True,
    }
    assert attributes["samples"] == 1_000
    assert attributes["rounding_step"] == 1 / 4_096
    assert attributes["inventory_sha256"] == "ab" * 32
    assert attributes["versions"]["scipy"] == version("scipy")
    assert "1" in attributes["units"]
    unrounded = zarr.open_group(write_store("bird", 1, rounding=None), mode="r")
    assert unrounded.attrs["rounding_step"] is None


def test_opened_store_knows_its_word_and_settings(write_store):
    opened = open_store(write_store("bird", 2))
    assert (opened.word, opened.transform, opened.samples) == ("bird", SMALL, 1_000)


def test_fill_value_is_not_a_number(write_store):
    group = zarr.open_group(write_store("bird", 2), mode="r")
    assert all(np.isnan(group[name].fill_value) for name in ("spectrogram", "frequency", "time"))


def lose(chunk):
    chunk.unlink()


def truncate(chunk):
    content = chunk.read_bytes()
    chunk.write_bytes(content[: len(content) // 2])


def empty(chunk):
    chunk.write_bytes(b"")


def overwrite(chunk):
    chunk.write_bytes(np.random.default_rng(1).bytes(chunk.stat().st_size))


def lengthen(chunk):
    chunk.write_bytes(chunk.read_bytes() + b"more")


def swap(chunk):
    """With the one between the two that are damaged."""
    other, content = chunk.with_name("c.1.0.0.0"), chunk.read_bytes()
    chunk.write_bytes(other.read_bytes())
    other.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lose, "is missing"),
        (truncate, "has a wrong checksum"),
        (empty, "has a wrong checksum"),
        (overwrite, "has a wrong checksum"),
        (lengthen, "has a wrong checksum"),
        (swap, "is not the one"),
    ],
)
@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize("word", ["bird", "don't stop"])
def test_damaged_chunk_is_noticed(write_store, damage, reason, number, word):
    path = write_store(word, 10)
    intact = read_all(path)
    damage(path / f"spectrogram/c.{number}.0.0.0")
    opened = open_store(path)
    with pytest.raises(UserError, match=rf"damaged.*c\.{number}\.0\.0\.0.*{reason}") as fault:
        opened.read(number)
    assert str(path) in str(fault.value)
    # The command that it names can be given to a shell.
    [command] = [part for part in str(fault.value).split("`") if part.startswith("rm -r")]
    assert shlex.split(command) == ["rm", "-r", str(path)]
    # Other chunks can be read still.
    other = 2 - number
    np.testing.assert_array_equal(opened.read(other), intact[4 * other : 4 * other + 4])


@pytest.mark.parametrize("count", [4, 6, 1])
@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_a_flipped_bit_is_noticed_wherever_it_is(write_store, compression, count):
    """In a whole chunk of four, and in the last one, which has room for more recordings."""
    path = write_store("bird", count, compression=compression)
    number = (count - 1) // 4
    chunk = path / f"spectrogram/c.{number}.0.0.0"
    content = chunk.read_bytes()
    for position in np.random.default_rng(1).integers(8 * len(content), size=100):
        flipped = bytearray(content)
        flipped[position // 8] ^= 1 << position % 8
        chunk.write_bytes(flipped)
        with pytest.raises(UserError, match="damaged"):
            open_store(path).read(number)


def test_missing_store_is_reported(tmp_path):
    with pytest.raises(UserError, match=r"bird\.zarr.*rm -r"):
        open_store(tmp_path / "bird.zarr")


@pytest.mark.parametrize("file", ["zarr.json", "spectrogram/zarr.json"])
@pytest.mark.parametrize("content", [b"", b"garbage \xff", b"{}"])
def test_damaged_metadata_are_reported(write_store, file, content):
    path = write_store("bird", 2)
    (path / file).write_bytes(content)
    with pytest.raises(UserError, match=r"bird\.zarr.*rm -r"):
        open_store(path)


def test_another_number_of_recordings_than_named_is_reported(write_store):
    path = write_store("bird", 10)
    metadata = path / "spectrogram/zarr.json"
    described = json.loads(metadata.read_text())
    described["shape"][0] = 9
    metadata.write_text(json.dumps(described))
    with pytest.raises(UserError, match=r"bird\.zarr.*lists 10 recordings but contains 9.*rm -r"):
        open_store(path)


@pytest.mark.parametrize("key", ["files", "stft", "samples"])
def test_a_store_that_lacks_an_attribute_is_reported(write_store, key):
    path = write_store("bird", 2)
    described = json.loads((path / "zarr.json").read_text())
    del described["attributes"][key]
    (path / "zarr.json").write_text(json.dumps(described))
    with pytest.raises(UserError, match=rf"bird\.zarr.*lack '{key}'.*rm -r"):
        open_store(path)


@pytest.mark.parametrize("compressors", [zarr.codecs.GzipCodec(), zarr.codecs.BloscCodec()])
def test_a_store_with_other_codecs_is_refused(write_store, compressors):
    path = write_store("bird", 2)
    group = zarr.open_group(path)
    values = group["spectrogram"][:]
    group.create_array("spectrogram", data=values, compressors=compressors, overwrite=True)
    with pytest.raises(UserError, match=r"bird\.zarr.*its codecs are bytes, .*rm -r"):
        open_store(path)


def set_in_metadata(described, keys, value):
    *outer, last = keys
    for key in outer:
        described = described[key]
    described[last] = value


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["data_type"], "float32"),
        (["shape"], []),
        (["chunk_grid"], {}),
        (["chunk_grid", "configuration", "chunk_shape", 0], 5),
        (["chunk_grid", "configuration", "chunk_shape", 1], 1),
        (["chunk_key_encoding", "configuration", "separator"], "/"),
        (["attributes"], {}),
        (["attributes", "chunk_crc32c"], [1]),
        (["attributes", "chunk_crc32c"], 5),
        (["codecs"], None),
        (["codecs"], [1]),
    ],
)
def test_an_array_with_other_metadata_is_refused(write_store, keys, value):
    path = write_store("bird", 10)
    metadata = path / "spectrogram/zarr.json"
    described = json.loads(metadata.read_text())
    set_in_metadata(described, keys, value)
    metadata.write_text(json.dumps(described))
    with pytest.raises(UserError, match=r"bird\.zarr.*does not describe.*rm -r"):
        open_store(path)


def test_foreign_group_is_reported(tmp_path):
    group = zarr.create_group(tmp_path / "bird.zarr")
    group.create_array("spectrogram", data=np.zeros((2, 2, 33, 51), np.float16))
    with pytest.raises(UserError, match=r"bird\.zarr.*rm -r"):
        open_store(tmp_path / "bird.zarr")


@pytest.mark.parametrize("raised", [PermissionError(13, "no"), MemoryError(), TypeError("a bug")])
def test_what_does_not_prove_damage_is_passed_on(write_store, monkeypatch, raised):
    path = write_store("bird", 2)
    opened = open_store(path)
    for method in ("open", "read_bytes"):
        monkeypatch.setattr(Path, method, mock.Mock(side_effect=raised))
    for read in (lambda: opened.read(0), lambda: open_store(path)):
        with pytest.raises(type(raised)) as fault:
            read()
        assert fault.value is raised


@pytest.mark.parametrize("when", ["opening", "reading"])
def test_too_many_open_files_are_reported_as_that(write_store, when):
    path = write_store("bird", 2)
    opened = open_store(path)
    opened.read(0)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Path("/dev/null").open() as last:
        # The next one would be one too many.
        resource.setrlimit(resource.RLIMIT_NOFILE, (last.fileno(), limits[1]))
        try:
            with pytest.raises(OSError, match="Too many open files") as fault:
                open_store(path) if when == "opening" else opened.read(0)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert fault.value.errno == errno.EMFILE
    assert fault.value.filename.startswith(str(path))


def test_failed_writing_leaves_the_older_store(write_store, write_noise, tmp_path):
    path = write_store("bird", 6)
    older = read_all(path)
    files = [f"bird/{number}.wav" for number in range(12)]
    for number in range(6, 12):
        write_noise(files[number], seed=number)
    (tmp_path / "recordings" / files[9]).write_bytes(b"no recording")

    def write():
        folder = tmp_path / "recordings"
        write_recordings(path, folder, files, SMALL, 1_000, **storage(chunk_length=4), threads=2)

    with pytest.raises(UserError, match=r"bird/9\.wav"):
        write()
    assert open_store(path).files == files[:6]
    np.testing.assert_array_equal(read_all(path), older)

    write_noise(files[9], seed=9)
    write()
    assert open_store(path).files == files
    np.testing.assert_array_equal(read_all(path)[:6], older)
    assert [entry.name for entry in path.parent.iterdir()] == ["bird.zarr"]


def test_failed_first_writing_leaves_no_store(write_noise, tmp_path):
    write_noise("0.wav", seed=0)
    path = tmp_path / "bird.zarr"
    with pytest.raises(UserError, match=r"1\.wav"):
        write_recordings(
            path,
            tmp_path / "recordings",
            ["0.wav", "1.wav"],
            SMALL,
            1_000,
            **storage(chunk_length=1),
        )
    assert not path.exists()


def test_a_store_that_cannot_be_begun_leaves_nothing(write_store, tmp_path, monkeypatch):
    def fail(place):
        place.mkdir()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zarr, "create_group", fail)
    before = set(tmp_path.rglob("*.partial"))
    with pytest.raises(OSError, match="No space"):
        write_store("bird", 1)
    assert set(tmp_path.rglob("*.partial")) == before == set()


def test_a_smaller_store_replaces_a_larger_one_wholly(write_store):
    write_store("bird", 12)
    path = write_store("bird", 3)
    assert len(list(path.glob("spectrogram/c.*"))) == 1
    assert read_all(path).shape == (3, 2, 33, 51)


def test_threads_write_the_same_bytes(write_store, tmp_path):
    def content(threads):
        path = write_store("bird", 23, chunk_length=2, threads=threads)
        files = sorted(file for file in path.rglob("*") if file.is_file())
        found = {str(file.relative_to(path)): file.read_bytes() for file in files}
        shutil.rmtree(path)
        return found

    assert content(threads=1) == content(threads=4)


def test_word_without_recordings(write_store):
    path = write_store("bird", 0)
    opened = open_store(path)
    assert opened.files == []
    assert xarray.open_zarr(path)["spectrogram"].shape == (0, 2, 33, 51)


def test_recording_beyond_the_range_of_float16(tmp_path):
    """Of a constant, the bin of 0 Hz is the sum of the window, half its length: 2,000."""
    (tmp_path / "a").mkdir()
    for name, level in (("loud.wav", 90.0), ("good.wav", 30.0)):
        samples = np.full(8000, level)
        soundfile.write(tmp_path / "a" / name, samples, 1000, subtype="FLOAT")
    transform = STFT(1000, 4000, 4.0, 1.0, normalized=False)
    with pytest.raises(UserError, match=r"too loud.*: a/loud\.wav\."):
        write_recordings(
            *(tmp_path / "a.zarr", tmp_path, ["a/good.wav", "a/loud.wav"], transform),
            8000,
            **storage(chunk_length=4),
        )
    assert not list(tmp_path.glob(".a.zarr*"))

"""The table of words recognised in recordings."""

import csv
import io
import os
import weakref
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import tones
import torch
from conftest import SMALL
from tones import sound
from torch import nn

from spokenwords.model.classifier import Classifier
from spokenwords.recognition import table
from spokenwords.recordings import decoding


@pytest.fixture
def record(tmp_path):
    """A function that writes a recording and returns its path."""

    def record(name: str, seconds: float, *said, rate: int = 1000, channels: int = 1) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = np.stack([sound(seconds, said, rate)] * channels, axis=1)
        soundfile.write(path, samples, rate, "PCM_16", format=path.suffix[1:])
        return path

    return record


def read_back(paths, classifier=None, share=1.0, threads=2) -> pd.DataFrame:
    """The table as read back from CSV, if this share of correct answers is accepted."""
    file = io.StringIO(newline="")
    classifier = classifier or tones.classifier()
    rows = table.recognize(classifier, list(paths), classifier.threshold(share), threads)
    unreadable = table.write(rows, file)
    file.seek(0)
    read = pd.read_csv(file, dtype=str, keep_default_na=False)
    assert list(read.columns) == table.COLUMNS
    times = read.loc[read["fault"] == "", ["start", "end"]].to_numpy().ravel()
    assert all("." in time for time in times), "whole seconds are written as others are"
    for column in ("start", "end", "p1", "p2", "p3"):
        read[column] = pd.to_numeric(read[column])  # empty is NaN
    assert unreadable == (read["fault"] != "").sum()
    return read


def answers(read):
    return list(zip(read["file"].map(lambda file: Path(file).name), read["answer"], strict=True))


def test_a_short_recording_has_one_row(record):
    path = record("a.wav", 0.8, ("low", 0.2, 0.8), ("middle", 0.2, 0.3))
    [row] = read_back([path], tones.classifier(gain=5)).to_dict("records")
    assert row["file"] == str(path)
    assert (row["start"], row["end"], row["answer"], row["fault"]) == (0, 0.8, "low", "")
    # Scores of about 5 × 3.1 × 0.6, of 3 for silence, and of 5 × 3.1 × 0.1.
    assert [row["word1"], row["word2"], row["word3"]] == ["low", "silence", "middle"]
    assert row["p1"] > row["p2"] > row["p3"] > 0


def test_probabilities_are_those_of_the_padded_recording(record):
    path = record("a.wav", 0.3, ("low", 0, 0.1))
    [row] = read_back([path]).to_dict("records")
    samples = np.concatenate([soundfile.read(path, dtype="float32")[0], np.zeros(700, np.float32)])
    power = (SMALL.complex_spectrogram(samples).astype(np.float64) ** 2).sum(axis=0)
    scores = [
        10 * power[row - 1 : row + 2].sum() / power.shape[1]
        for row in (round(tone / (1000 / 64)) for tone in tones.TONES.values())
    ]
    exponents = np.exp([*scores, 3])
    expected = dict(zip([*tones.TONES, "silence"], exponents / exponents.sum(), strict=True))
    for place in "123":
        name = row[f"word{place}"]
        assert row[f"p{place}"] == pytest.approx(expected.pop(name), abs=2e-4)
    assert max(expected.values()) <= row["p3"]


def test_words_of_a_long_recording_have_a_row_each(record):
    said = [("high", 1.0, 1.4), ("low", 3.0, 3.4), ("unknown", 4.2, 4.5), ("high", 6.0, 6.4)]
    read = read_back([record("a.wav", 7.77, *said)])
    assert list(read["answer"]) == list(read["word1"]) == ["high", "low", "high"]
    for row, (_, start, end) in zip(read.itertuples(), [said[0], said[1], said[3]], strict=True):
        assert row.start - 0.05 <= start
        assert row.end + 0.05 >= end
        assert row.end - row.start == pytest.approx(1)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ([], "silence"),
        ([("unknown", 0, 5.5)], "unknown"),
        # Something was heard.
        ([("unknown", 3, 3.4)], "unknown"),
        # Too short for a word to be sure of it.
        ([("low", 3, 3.1)], "unknown"),
    ],
)
def test_a_long_recording_without_words_has_one_row(record, said, answer):
    [row] = read_back([record("a.wav", 5.5, *said)]).to_dict("records")
    assert (row["start"], row["end"], row["answer"]) == (0, 5.5, answer)
    # The recording as a whole is silent, or sounds all the time.
    assert row["word1"] == (answer if not said or said[0][2] == 5.5 else "silence")


@pytest.mark.parametrize("suffix", ["wav", "flac"])
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("rate", [1000, 8000, 44_100, 48_000])
def test_any_rate_and_channels(record, rate, channels, suffix):
    said = [("low", 0.3, 0.7), ("high", 2.5, 2.9)]
    read = read_back([record(f"a.{suffix}", 4, *said, rate=rate, channels=channels)])
    assert list(read["answer"]) == ["low", "high"]
    for row, (_, start, end) in zip(read.itertuples(), said, strict=True):
        assert row.start - 0.05 <= start
        assert row.end + 0.05 >= end


@pytest.mark.parametrize("seconds", [0.9, 4])
def test_channels_of_opposite_sign_are_heard(tmp_path, seconds):
    samples = sound(seconds, [("low", 0.2, 0.7)])
    soundfile.write(tmp_path / "a.wav", np.stack([samples, -samples], axis=1), 1000)
    assert list(read_back([tmp_path / "a.wav"])["answer"]) == ["low"]


def test_channels_are_averaged(tmp_path):
    samples = sound(0.9, [("low", 0, 0.9)])
    # A sixteenth of the energy, 1.9, is less than silence has.
    soundfile.write(tmp_path / "a.wav", np.stack([samples, -samples / 2], axis=1), 1000)
    soundfile.write(tmp_path / "b.wav", np.stack([samples, 0 * samples], axis=1), 1000)
    read = read_back([tmp_path / "a.wav", tmp_path / "b.wav"])
    assert list(read["answer"]) == ["silence", "low"]


@pytest.mark.parametrize(
    ("samples", "end", "rows"), [(1, 0.001, 1), (999, 0.999, 1), (1000, 1, 1), (1001, 1, 1)]
)
def test_lengths_around_that_of_a_window(tmp_path, samples, end, rows):
    soundfile.write(tmp_path / "a.wav", sound(2, [("low", 0, 2)])[:samples], 1000)
    read = read_back([tmp_path / "a.wav"])
    assert (len(read), read["start"][0]) == (rows, 0)
    assert read["end"][0] == pytest.approx(end)
    assert read["answer"][0] == ("silence" if samples == 1 else "low")


def test_minutes(record):
    starts = [7, 67, 127, 187, 247]
    said = [(["low", "high"][i % 2], start, start + 0.5) for i, start in enumerate(starts)]
    read = read_back([record("a.wav", 300, *said)])
    assert list(read["answer"]) == [word for word, _, _ in said]
    assert (read["start"] <= starts).all()
    assert (read["end"] >= np.add(starts, 0.5)).all()


def test_recordings_keep_their_order_and_may_be_named_twice(record, tmp_path):
    paths = [
        record(f"{name}.wav", length, (word, 0.1, 0.6))
        for name, length, word in [
            *[("c", 9, "low"), ("a", 0.7, "high"), ("b", 1.3, "middle"), ("d", 0.65, "low")],
            *[("e", 4.1, "high")],
        ]
    ]
    paths = [paths[0], paths[1], tmp_path / "missing.wav", *paths[1:], paths[0]]
    expected = ["low", "high", "", "high", "middle", "low", "high", "low"]
    names = ["c", "a", "missing", "a", "b", "d", "e", "c"]
    assert answers(read_back(paths)) == [
        (f"{name}.wav", word) for name, word in zip(names, expected, strict=True)
    ]


@pytest.mark.parametrize("threads", [1, 5])
def test_many_recordings(record, threads):
    words = [list(tones.TONES)[i % 3] for i in range(150)]
    paths = [record(f"{i}.wav", 0.3 + i / 500, (word, 0, 0.3)) for i, word in enumerate(words)]
    assert list(read_back(paths, threads=threads)["answer"]) == words


def test_fewer_than_three_classes_leave_columns_empty(record):
    classifier = Classifier(["a", "b"], "power", SMALL, 1000, "published")
    classifier.network = nn.Sequential(nn.Flatten(), nn.Linear(33 * 51, 2))
    nn.init.zeros_(classifier.network[1].weight)
    classifier.network[1].bias.data[:] = torch.tensor([0, np.log(3)])
    [row] = read_back([record("a.wav", 1)], classifier.eval()).to_dict("records")
    assert (row["word1"], row["word2"], row["word3"]) == ("b", "a", "")
    assert [row["p1"], row["p2"], row["p3"]] == pytest.approx([0.75, 0.25, np.nan], nan_ok=True)


def test_the_fewer_correct_answers_are_accepted_the_fewer_words_are_reported(record, messages):
    classifier, path = tones.classifier(gain=1.5), record("a.wav", 0.9, ("low", 0, 0.9))
    # 0.9 times 1.5 times 3.1 is the score, that of silence 3: a probability of about 0.75.
    classifier.confidences = np.array([0.1, 0.3, 0.5, 0.7, 0.99], np.float32)
    for share, answer in [(1.0, "low"), (0.8, "low"), (0.6, "low"), (0.4, "low"), (0.2, "unknown")]:
        [row] = read_back([path], classifier, share).to_dict("records")
        assert (row["answer"], row["word1"]) == (answer, "low")
    assert "Words are reported if their probability reaches 0.99." in messages


def test_a_classifier_without_confidences_accepts_every_answer(record):
    classifier, path = tones.classifier(gain=1.2), record("a.wav", 0.9, ("low", 0, 0.9))
    classifier.confidences = np.empty(0, np.float32)
    [row] = read_back([path], classifier).to_dict("records")
    assert row["answer"] == "low"
    assert row["p1"] < tones.THRESHOLD


# Names and faults.

ODD = [
    *("ein, zwei.wav", 'sie sagte "ja".wav', "zeile1\nzeile2.wav", "wagen\rrück.wav", " .wav"),
    *("ünï.flac", "数字.wav", "NA.wav", "null.wav", "=1+1.wav", "a\tb.wav", "\r\n.wav", "'.wav"),
]


def test_odd_names(record):
    paths = [record(f"ordner, 夏\n/{name}", 0.5, ("low", 0, 0.5)) for name in ODD]
    read = read_back(paths)
    assert list(read["file"]) == [str(path) for path in paths]
    assert set(read["answer"]) == {"low"}


def test_lines_end_as_in_other_tables(record):
    file = io.StringIO(newline="")
    rows = table.recognize(tones.classifier(), [record("a\r\n.wav", 0.5)], tones.THRESHOLD, 1)
    table.write(rows, file)
    assert file.getvalue().count("\r") == 1
    assert file.getvalue().endswith(",\n")
    assert len(list(csv.reader(io.StringIO(file.getvalue(), newline="")))) == 2


def broken(tmp_path):
    """Files that cannot be read, and the beginning of each error."""
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.flac").write_text("no sound")
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "nowhere.wav").symlink_to("missing")
    (tmp_path / "round.wav").symlink_to("round.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.wav")).touch()
    soundfile.write(tmp_path / "slow.wav", np.zeros(100), 10)
    soundfile.write(tmp_path / "fast.wav", np.zeros(100), 268_451_456)
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 1000)
    soundfile.write(tmp_path / "nan.wav", np.full(100, np.nan), 1000, "FLOAT")
    return {
        "missing.wav": "No such file or directory",
        "empty.wav": "",
        "text.flac": "",
        "folder.wav": "Is a directory",
        "nowhere.wav": "No such file or directory",
        "round.wav": "Too many levels of symbolic links",
        "pipe.wav": "not a regular file",
        os.fsdecode(b"\xff.wav"): "an empty file",
        "slow.wav": "implausible sample rate (10 Hz)",
        "fast.wav": "implausible sample rate (268451456 Hz)",
        "none.wav": "no samples",
        "nan.wav": "samples that are not finite numbers",
    }


def test_unreadable_recordings_stop_no_others_and_are_listed_at_the_end(record, tmp_path, messages):
    faults = broken(tmp_path)
    paths = [record("sound.wav", 0.5, ("low", 0, 0.5))]
    for name in faults:
        paths += [tmp_path / name, paths[0]]
    read = read_back(paths)
    assert list(read["answer"]) == ["low", *["", "low"] * len(faults)]
    unreadable = read[read["fault"] != ""]
    for row, (name, fault) in zip(unreadable.itertuples(), faults.items(), strict=True):
        assert row.file == str(tmp_path / name).replace("\udcff", "\\xff")
        assert row.fault.startswith(fault)
        assert row.fault
        assert (row.word1, np.isnan(row.start), np.isnan(row.p1)) == ("", True, True)
    head, *lines = messages[-1].split("\n")
    assert head == f"{len(faults)} of {len(paths)} recordings could not be read:"
    assert [line.strip() for line in lines] == [
        f"{row.file}: {row.fault}" for row in unreadable.itertuples()
    ]


def test_nothing_but_unreadable_recordings(tmp_path, messages):
    paths = [tmp_path / name for name in broken(tmp_path)]
    read = read_back(paths)
    assert (read["fault"] != "").all()
    assert len(read) == len(paths)
    assert messages[-1].startswith(f"{len(paths)} of {len(paths)} recordings could not be read")


def test_no_list_of_unreadable_recordings_if_all_are_readable(record, messages):
    read_back([record("a.wav", 0.5)])
    assert not any("could not be read" in line for line in messages)


def test_names_of_quiet_recordings_steer_no_terminal(record, messages):
    classifier = tones.classifier()
    classifier.quietest = 0.0
    read_back([record("\x1b[31m\n.wav", 1, ("low", 0, 1))], classifier)
    assert "\\x1b[31m\\n.wav') is far quieter" in messages[-1]


def test_names_that_would_steer_a_terminal_are_quoted(tmp_path, messages):
    read_back([tmp_path / "\x1b[31m.wav"])
    assert "\\x1b[31m.wav': No such file" in messages[-1]
    assert "\x1b" not in messages[-1]


def test_no_recordings(messages):
    assert len(read_back([])) == 0


def test_a_recording_that_does_not_fit_in_memory_stops_no_others(record, monkeypatch):
    resample = table.audio.resample

    def short_of_memory(samples, *rates):
        if len(samples) > 3000:
            raise MemoryError
        return resample(samples, *rates)

    monkeypatch.setattr(table.audio, "resample", short_of_memory)
    paths = [record("a.wav", 4, rate=2000), record("b.wav", 1, ("low", 0, 1), rate=2000)]
    read = read_back(paths)
    assert list(read["fault"]) == ["too long for this machine's memory", ""]
    assert list(read["answer"]) == ["", "low"]


def test_long_recordings_are_in_memory_one_at_a_time(record, monkeypatch):
    monkeypatch.setattr(table, "AHEAD", 100_000)
    references, decode = [], decoding.decode

    def counted(path):
        assert all(reference() is None for reference in references)
        samples, rate = decode(path)
        references.append(weakref.ref(samples))
        return samples, rate

    monkeypatch.setattr(decoding, "decode", counted)
    read_back([record(f"{i}.wav", 100) for i in range(4)])
    assert len(references) == 4


def test_compressed_recordings_weigh_about_what_they_decode_to(record):
    for suffix in ("wav", "ogg"):
        path = record(f"a.{suffix}".replace("ogg", "flac"), 10, ("low", 0, 10))
        path = path.rename(path.with_suffix(f".{suffix}"))
        factor = {"wav": 1, "ogg": 20}[suffix]
        assert table._weight(path) == 100_000 + factor * path.stat().st_size


def test_one_warning_for_quiet_recordings_and_one_for_low_sample_rates(record, caplog, monkeypatch):
    monkeypatch.setattr(decoding, "RATES", range(100, 10_000))
    classifier = tones.classifier()
    classifier.quietest = -20.0  # Tones of amplitude 0.5 have -9 dBFS, of a tenth of a second -19.
    loud = record("loud.wav", 1, ("low", 0, 1))
    long = record("long.wav", 3, ("low", 1, 2))
    quiet = [record(f"{name}.wav", 1, ("low", 0, 0.05)) for name in ("a", "b")]
    narrow = record("narrow.wav", 1, ("low", 0, 1), rate=500)
    read_back([loud, long], classifier)
    assert not [line for line in caplog.messages if line.startswith("Warning")]
    read_back([loud, *quiet, long, narrow], classifier)
    warnings = [line for line in caplog.messages if line.startswith("Warning")]
    assert warnings == [
        f"Warning: 2 of 5 recordings (such as {quiet[0]}) are far quieter than the training "
        "recordings (below -20 dBFS), so that words may be missed. Record louder, or closer to "
        "the microphone.",
        f"Warning: 1 of 5 recordings (such as {narrow}) is recorded with a lower sample rate than "
        "the model's, 1,000 Hz. Without high frequencies, words may be missed.",
    ]

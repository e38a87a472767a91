"""The inventory of a word, and the checks of all words."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import soundfile

from spokenwords.errors import UserError
from spokenwords.jobs.hashing import hash_of
from spokenwords.recordings import checks, inventory, inventory_file

RATE = 16000
SHA256 = {letter: hashlib.sha256(letter.encode()).hexdigest() for letter in "abcdefgh"}


@pytest.fixture
def write(tmp_path):
    """A function that writes samples (int16 or float) to a file of the data folder."""

    def write(file, samples, rate=RATE, **options):
        path = tmp_path / "data" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, rate, **options)
        return path

    return write


@pytest.fixture
def of_word(tmp_path):
    """A function that takes a word's inventory, by way of its CSV file."""

    def of_word(word):
        path = tmp_path / f"{word}.csv"
        inventory_file.write(
            inventory.of_word(tmp_path / "data", word, None, RATE, 1.0, "loudest"), path
        )
        return checks.read(path)

    return of_word


def row(file, **values):
    """A row of an inventory: a good recording of one second, but for `values`."""
    good = {
        "file": file,
        "status": "usable",
        "speaker": file,
        "samples": RATE,
        "sample_rate": RATE,
        "channels": 1,
        "clipped_samples": 0,
        "opposite_phase": False,
        "peak": 0.5,
        "rms": 0.1,
        "energy_left_out": 0.0,
        "sha256": hashlib.sha256(file.encode()).hexdigest(),
        "samples_sha256": hashlib.sha256(file.encode()).hexdigest(),
    }
    return good | values


def unreadable(file, reason):
    nothing = dict.fromkeys(["samples", "sample_rate", "channels"], 0)
    return row(file, status=f"unreadable: {reason}", peak=0.0, rms=0.0, **nothing)


def check(*rows, sample_rate=RATE, seconds=1.0):
    """The check of inventories that consist of these rows."""
    table = pd.DataFrame(rows)
    words = dict(list(table.groupby(table["file"].str.partition("/")[0])))
    return checks.check(words, sample_rate, seconds)


def records(table):
    return list(table.itertuples(index=False, name=None))


def test_a_row_says_what_a_recording_is(write, of_word):
    tone = 0.5 * np.sin(2 * np.pi * 100 * np.arange(8000) / 8000)
    # As integers, which soundfile would round towards minus infinity.
    values = np.rint(32768 * np.stack([tone, tone / 2], axis=1)).astype(np.int16)
    path = write("yes/anna_nohash_1.wav", values, 8000)
    table = of_word("yes")
    assert list(table.columns) == [
        *("file", "status", "speaker", "samples", "sample_rate", "channels", "clipped_samples"),
        *("opposite_phase", "peak", "rms", "energy_left_out", "sha256", "samples_sha256"),
    ]
    (row,) = table.to_dict("records")
    # The network gets the mean of two channels of amplitudes 1/2 and 1/4. Whole periods of a sine
    # of amplitude A have a peak of A and a mean square of A² / 2. The filter that resamples starts
    # and ends with zeros, and overshoots there by up to 2 %.
    assert row.pop("peak") == pytest.approx(3 / 8, rel=0.02)
    assert row.pop("rms") == pytest.approx(3 / 8 / np.sqrt(2), rel=0.002)
    # The samples themselves, behind what else matters.
    content = b"8000 Hz, 2 channels\n" + (values / 32768).astype("<f4").tobytes()
    assert row == {
        "file": "yes/anna_nohash_1.wav",
        "status": "usable",
        "speaker": "anna",
        "samples": 8000,
        "sample_rate": 8000,
        "channels": 2,
        "clipped_samples": 0,
        "opposite_phase": False,
        "energy_left_out": 0.0,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "samples_sha256": hashlib.sha256(content).hexdigest(),
    }


def test_the_peak_is_the_largest_magnitude_of_either_sign(write, of_word):
    write("yes/a.wav", np.array([8192, 8192, -16384], np.int16))
    write("yes/b.wav", np.array([0, 8192, -4096, -4096], np.int16))
    assert of_word("yes")["peak"].tolist() == [0.5, 0.25]


@pytest.mark.parametrize("rate", [RATE, 8000, 44_100])
def test_an_offset_is_no_sound(write, of_word, rate):
    """Nor are the edges that resampling would give it."""
    sound = np.tile([0.25, -0.25], rate // 4)
    write("yes/constant.wav", np.full(rate, 0.5), rate)
    write("yes/sound.wav", sound + 0.5, RATE)
    constant, shifted = of_word("yes").to_dict("records")
    assert (constant["peak"], constant["rms"]) == (0, 0)
    assert (shifted["peak"], shifted["rms"]) == (0.25, 0.25)


def test_energy_of_a_click_is_not_left_out(write, of_word):
    """Of 10 ms at full scale, with a hundred times the energy of the word that is in the window."""
    samples = np.zeros(3 * RATE)
    samples[RATE : 2 * RATE] = 0.05 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    samples[:160] = np.tile([0.9, -0.9], 80)
    write("yes/a.wav", samples)
    samples[2 * RATE :] = samples[RATE : 2 * RATE]
    write("yes/b.wav", samples)
    clicked, halved = of_word("yes")["energy_left_out"]
    assert clicked == pytest.approx(160 * 2 / RATE, rel=0.05)
    assert halved == pytest.approx(0.5, abs=0.02)


def test_rows_are_in_the_order_of_file_names(write, of_word):
    for name in ("b", "c", "a", "B", "a10", "a9"):
        write(f"yes/{name}.wav", np.zeros(10))
    names = [file.removeprefix("yes/") for file in of_word("yes")["file"]]
    assert names == ["B.wav", "a.wav", "a10.wav", "a9.wav", "b.wav", "c.wav"]


def test_files_that_cannot_be_read_are_rows_too(write, of_word, tmp_path):
    write("yes/good.wav", np.full(100, 0.5))
    folder = tmp_path / "data" / "yes"
    (folder / "empty.wav").touch()
    (folder / "folder.wav").mkdir()
    (folder / "link.wav").symlink_to("nowhere")
    (folder / "text.flac").write_text("not a recording")
    write("yes/nan.wav", np.array([0, np.nan]), subtype="FLOAT")
    write("yes/none.wav", np.zeros(0))
    table = of_word("yes").set_index("file")
    status = table["status"]
    assert status.pop("yes/good.wav") == "usable"
    assert len(status) == 6
    assert status.str.match(r"unreadable: \w.*").all()
    assert (table.drop("yes/good.wav")[["samples", "peak", "rms"]] == 0).all(axis=None)
    assert checks.usable(table.reset_index())["file"].tolist() == ["yes/good.wav"]
    assert inventory_file.usable_files(tmp_path / "yes.csv") == ["yes/good.wav"]
    empty = hashlib.sha256(b"").hexdigest()
    assert table.loc["yes/empty.wav", "sha256"] == empty


@pytest.mark.parametrize("word", ["NA", "001", "null", "1e5", "True", "a,b", 'say "so"', "はい"])
def test_names_survive_the_csv_file(write, of_word, word, tmp_path):
    for name in ("001_nohash_0.wav", "NA_nohash_0.wav", "nan.wav", "a, b.wav"):
        write(f"{word}/{name}", np.zeros(10))
    table = of_word(word)
    assert table["file"].tolist() == [
        *(f"{word}/001_nohash_0.wav", f"{word}/NA_nohash_0.wav"),
        *(f"{word}/a, b.wav", f"{word}/nan.wav"),
    ]
    assert table["speaker"].tolist() == ["001", "NA", f"{word}/a, b.wav", f"{word}/nan.wav"]
    assert inventory_file.usable_files(tmp_path / f"{word}.csv") == table["file"].tolist()


def test_hashes_that_look_like_numbers_stay_text(tmp_path):
    hashes = [f"{number:064d}" for number in (7, 123)]
    same = [dict.fromkeys(["sha256", "samples_sha256"], value) for value in hashes]
    pd.DataFrame([row("yes/a.wav", **one) for one in same]).to_csv(tmp_path / "a.csv", index=False)
    read = checks.read(tmp_path / "a.csv")
    assert read["sha256"].tolist() == read["samples_sha256"].tolist() == hashes


def test_recordings_of_the_same_samples_are_known_in_any_lossless_format(write, of_word):
    values = np.random.default_rng(1).integers(-32768, 32768, size=(500, 2), dtype=np.int16)
    values[0] = 0
    for word, samples in (("mono", values[:, 0]), ("stereo", values)):
        write(f"{word}/a.wav", samples)
        write(f"{word}/b.flac", samples)
        write(f"{word}/c.wav", samples.astype(np.int32) << 16, subtype="PCM_24")
        negative_zeros = np.where(samples, samples / 32768, -0.0).astype(np.float32)
        write(f"{word}/d.wav", negative_zeros, subtype="FLOAT")
    write("mono/e.wav", np.stack([values[:, 0]] * 3, axis=1))
    others = values[:, 0].copy()
    others[-1] ^= 1
    write("other/a.wav", others)
    write("other/b.wav", values[:, 0], 8000)
    write("other/c.wav", values[:, ::-1])
    write("other/d.wav", values.reshape(-1))
    contents = {word: set(of_word(word)["samples_sha256"]) for word in ("mono", "stereo", "other")}
    assert [len(content) for content in contents.values()] == [1, 1, 4]
    assert len(set.union(*contents.values())) == 6
    tables = checks.check({word: of_word(word) for word in ("mono", "stereo")}, RATE, 1.0)
    assert tables["duplicates"]["group"].value_counts().to_list() == [5, 4]


@pytest.mark.parametrize(
    ("window", "seconds", "left_out", "peak"),
    # Of the two tones one has four times the energy of the other.
    [("loudest", 1.0, 0.2, 1), ("start", 1.0, 0.8, 0.25), ("start", 2.0, 0.0, 1)],
)
def test_what_the_network_gets_is_measured(write, tmp_path, window, seconds, left_out, peak):
    tone = np.tile([0.25, -0.25], RATE // 4)
    write("yes/a.wav", np.concatenate([tone, np.zeros(RATE // 2), 2 * tone, [1.0]]))
    row = inventory.of_word(tmp_path / "data", "yes", None, RATE, seconds, window)[0]
    assert row["energy_left_out"] == pytest.approx(left_out, abs=1e-3)
    assert row["peak"] == pytest.approx(peak, abs=1e-3)
    # The file's own, wherever it is.
    assert row["clipped_samples"] == 1
    assert row["samples"] == 3 * RATE // 2 + 1


def test_channels_that_cancel_are_reported_and_not_averaged(write, of_word):
    sound = np.tile([0.5, -0.5], RATE // 2)
    write("yes/a.wav", np.stack([sound / 2, -sound], axis=1))
    write("yes/b.wav", np.stack([sound, sound / 2], axis=1))
    write("yes/c.wav", np.zeros((RATE, 2)))
    table = of_word("yes")
    assert table["opposite_phase"].tolist() == [False, False, False]
    write("yes/a.wav", np.stack([0.9 * sound, -sound], axis=1))
    table = of_word("yes")
    assert table["opposite_phase"].tolist() == [True, False, False]
    assert table["peak"].tolist() == [0.5, 0.375, 0]
    oddities = records(checks.check({"yes": table}, RATE, 1.0)["oddities"])
    assert ("yes/a.wav", "opposed") in oddities
    assert ("yes/c.wav", "silent") in oddities
    assert ("yes/a.wav", "silent") not in oddities


def test_an_inventory_is_the_same_each_time(write, tmp_path):
    write("yes/a.wav", np.linspace(-0.3, 0.3, 1000))
    digests = []
    for name in ("first", "second"):
        path = tmp_path / f"{name}.csv"
        inventory_file.write(
            inventory.of_word(tmp_path / "data", "yes", None, RATE, 1.0, "loudest"), path
        )
        digests.append(hash_of(path))
    assert digests[0] == digests[1] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_usable_rows_are_numbered_without_gaps():
    table = pd.DataFrame([unreadable("yes/a.wav", "why"), row("yes/b.wav"), row("yes/c.wav")])
    good = checks.usable(table)
    assert list(good.index) == [0, 1]
    assert good["file"].tolist() == ["yes/b.wav", "yes/c.wav"]


def test_summary_counts_by_word():
    summary = check(
        row("yes/a.wav", speaker="anna", samples=36 * RATE, rms=0.1),
        row("yes/b.wav", speaker="anna", samples=36 * RATE, rms=0.4),
        row("yes/c.wav", speaker="ben", samples=36 * 8000, sample_rate=8000, rms=0.2),
        unreadable("yes/d.wav", "why"),
        row("no/a.wav", samples=72 * RATE),
        unreadable("up/a.wav", "why"),
    )["summary"].set_index("word")
    assert summary.index.tolist() == ["no", "up", "yes"]
    assert summary["recordings"].tolist() == [1, 1, 4]
    assert summary["usable"].tolist() == [1, 0, 3]
    # The name of no/a.wav contains no speaker.
    assert summary["speaker_known"].tolist() == [0, 0, 3]
    assert summary["speakers"].tolist() == [0, 0, 2]
    # Hours: 108 s of `yes` are 0.03.
    assert summary["hours"].tolist() == [0.02, 0.0, 0.03]
    assert summary["median_rms"].drop("up").tolist() == [0.1, 0.2]


def test_duplicates_are_grouped_across_words():
    duplicates = check(
        row("yes/a.wav", samples_sha256=SHA256["a"]),
        row("yes/b.wav", samples_sha256=SHA256["b"]),
        row("yes/c.wav", samples_sha256=SHA256["c"]),
        row("no/a.wav", samples_sha256=SHA256["a"]),
        row("no/b.wav", samples_sha256=SHA256["b"]),
        row("no/c.wav", samples_sha256=SHA256["b"]),
        unreadable("no/d.wav", "why") | {"samples_sha256": SHA256["d"]},
        unreadable("no/e.wav", "why") | {"samples_sha256": SHA256["d"]},
    )["duplicates"]
    groups = {
        tuple(group["file"]): set(group["samples_sha256"])
        for _, group in duplicates.groupby("group")
    }
    assert groups == {
        ("no/a.wav", "yes/a.wav"): {SHA256["a"]},
        ("no/b.wav", "no/c.wav", "yes/b.wav"): {SHA256["b"]},
    }
    assert set(duplicates["group"]) == {1, 2}


@pytest.mark.parametrize(
    ("oddity", "odd", "even"),
    [
        # One and two steps of 16 bits are as good as silence.
        ("silent", {"peak": 0.0}, {"peak": 0.0001}),
        ("silent", {"peak": 0.000061}, {"peak": 0.000092}),
        ("clipped", {"clipped_samples": 1}, {"peak": 1.0}),
        ("cut", {"energy_left_out": 0.11}, {"energy_left_out": 0.1}),
        ("short", {"samples": 7999}, {"samples": 8000}),
        ("short", {"samples": 3999, "sample_rate": 8000}, {"samples": 8000}),
        ("long", {"samples": 16001}, {"samples": 16000}),
        ("long", {"samples": 44101, "sample_rate": 44100}, {"samples": 12000}),
        ("rate", {"sample_rate": 8000, "samples": 8000}, {"sample_rate": 16000}),
        ("channels", {"channels": 2}, {"channels": 1}),
        ("opposed", {"opposite_phase": True}, {"opposite_phase": False}),
    ],
)
def test_oddities(oddity, odd, even):
    oddities = check(row("yes/odd.wav", **odd), row("no/even.wav", **even))["oddities"]
    assert ("yes/odd.wav", oddity) in records(oddities)
    assert "no/even.wav" not in set(oddities["file"])


def test_lengths_are_odd_by_the_models_measure():
    rows = [row("yes/a.wav", samples=8000), row("no/a.wav", samples=40000)]
    two_seconds = records(check(*rows, seconds=2.0)["oddities"])
    assert two_seconds == [("no/a.wav", "long"), ("yes/a.wav", "short")]
    rates = records(check(*rows, sample_rate=8000)["oddities"])
    assert ("no/a.wav", "rate") in rates


def test_a_recording_can_be_odd_in_several_ways():
    oddities = check(row("yes/a.wav", peak=0.0, samples=10, channels=2), row("no/a.wav"))[
        "oddities"
    ]
    assert records(oddities) == [
        ("yes/a.wav", "channels"),
        ("yes/a.wav", "short"),
        ("yes/a.wav", "silent"),
    ]


@pytest.mark.parametrize(
    ("samples", "oddity"),
    [([0, 32767], "clipped"), ([0, -32768], "clipped"), ([1, -1], "silent"), ([2, -2], "silent")],
)
def test_16_bit_recordings_are_clipped_at_full_scale_and_silent_at_its_last_bit(
    write, of_word, samples, oddity
):
    write("yes/a.wav", np.tile(np.array(samples, np.int16), RATE // 2))
    write("no/a.wav", np.tile(np.array([32766, 3], np.int16), RATE // 2))
    tables = checks.check({word: of_word(word) for word in ("yes", "no")}, RATE, 1.0)
    assert records(tables["oddities"]) == [("yes/a.wav", oddity)]


def test_rejected_files_are_listed_with_reasons():
    tables = check(
        *(unreadable("yes/a.wav", "no samples"), row("yes/b.wav")),
        *(unreadable("no/a.wav", "unreadable: twice"), row("no/b.wav")),
    )
    assert sorted(records(tables["rejected"])) == [
        ("no/a.wav", "unreadable: twice"),
        ("yes/a.wav", "no samples"),
    ]
    assert tables["oddities"].empty


def test_all_unreadable_files_are_refused_at_once():
    bad = [unreadable(f"yes/{number}.wav", f"reason {number}") for number in range(20)]
    tables = check(*bad, row("yes/good.wav"), row("no/good.wav"), unreadable("no/x.wav", "why"))
    with pytest.raises(UserError, match=r"dataset\.on_unreadable") as error:
        checks.refuse(tables, skip_unreadable=False)
    lines = str(error.value).splitlines()
    for number in range(20):
        assert f"  yes/{number}.wav: reason {number}" in lines
    assert "  no/x.wav: why" in lines
    assert "21" in lines[0]
    assert "good.wav" not in str(error.value)
    checks.refuse(tables, skip_unreadable=True)


def test_good_recordings_are_not_refused():
    half = row("yes/a.wav", peak=0.0), row("yes/b.wav")
    tables = check(*half, row("no/a.wav", channels=2))
    for skip in (True, False):
        checks.refuse(tables, skip_unreadable=skip)


def test_words_that_are_mostly_silent_are_refused():
    silent = [row(f"{word}/{number}.wav", peak=0.0) for word in ("no", "up") for number in range(2)]
    tables = check(
        *silent, row("no/2.wav"), row("up/2.wav"), row("up/3.wav"), unreadable("up/4", "x")
    )
    with pytest.raises(
        UserError, match=r"silent.*\n  no: 2 of 3, .*no/0\.wav\n.*dataset\.words"
    ) as error:
        checks.refuse(tables, skip_unreadable=True)
    assert "up" not in str(error.value)


def test_words_without_a_usable_recording_are_refused_even_when_skipping():
    tables = check(
        *(unreadable("yes/a.wav", "why"), unreadable("no/a.wav", "why")),
        *(row("up/a.wav"), unreadable("up/b.wav", "why")),
    )
    with pytest.raises(UserError, match=r"no, yes\b.*dataset\.words"):
        checks.refuse(tables, skip_unreadable=True)


def test_the_log_says_what_stands_out(messages):
    checks.report(
        check(
            row("yes/a.wav", peak=0.0, samples_sha256=SHA256["a"]),
            row("yes/b.wav", peak=0.0, channels=2, samples_sha256=SHA256["a"]),
            *(unreadable("no/a.wav", "why"), row("no/b.wav", samples=3600 * RATE)),
        )
    )
    (line,) = messages
    for part in (
        *("4 recordings", "2 words", "3 usable", "1.00 h", "2 identical to another one"),
        *("2 silent", "1 channels", "1 long"),
    ):
        assert part in line


def test_the_recording_to_explore():
    table = pd.DataFrame([unreadable("yes/a.wav", "why"), row("yes/b.wav"), row("yes/c.wav")])
    assert checks.recording(table, "auto") == "yes/b.wav"
    assert checks.recording(table, "yes/c.wav") == "yes/c.wav"
    for wanted in ("yes/a.wav", "yes/d.wav", "c.wav", ""):
        with pytest.raises(UserError, match=r"explore\.recording"):
            checks.recording(table, wanted)


def test_no_recording_to_explore():
    table = pd.DataFrame([unreadable("yes/a.wav", "why")])
    with pytest.raises(UserError, match=r"explore\.recording"):
        checks.recording(table, "auto")

"""Dividing recordings into sets: shares, speakers, identical recordings, official lists."""

import hashlib
import random

import numpy as np
import pandas as pd
import pytest

from spokenwords.errors import UserError
from spokenwords.recordings import splits
from spokenwords.recordings.described import described
from spokenwords.recordings.manifest import COLUMNS
from spokenwords.recordings.manifest import read as read_manifest

METHODS = ("random", "speaker", "official")


def table(rows):
    """Recordings from rows (file, speaker, samples_sha256), labelled and numbered by word."""
    recordings = pd.DataFrame(rows, columns=["file", "speaker", "samples_sha256"])
    recordings["word"] = recordings["file"].str.partition("/")[0]
    recordings["label"] = recordings["word"].rank(method="dense").astype(int) - 1
    recordings["row"] = recordings.groupby("word").cumcount()
    return recordings


def crowd(words=4, speakers=25, takes=1):
    """Each of the speakers says each word so often; no two recordings are alike."""
    return table(
        (file, f"s{speaker}", f"content of {file}")
        for word in range(words)
        for speaker in range(speakers)
        for take in range(takes)
        for file in [f"w{word}/s{speaker}_nohash_{take}.wav"]
    )


def divide(recordings, method="random", seed=1, lists=None, train=0.6, valid=0.2):
    if method == "official" and lists is None:
        lists = lists_of(recordings)
    return splits.divide(recordings, method, train, valid, seed, lists)


def lists_of(recordings):
    """Lists that name every fifth recording for validation, and another fifth for testing."""
    files = sorted(recordings["file"])
    return {"valid": set(files[::5]), "test": set(files[1::5])}


def files(manifests):
    return {name: list(manifest["file"]) for name, manifest in manifests.items()}


def set_of(manifests, column="file"):
    """{value: the sets where it occurs}."""
    where = {}
    for name, manifest in manifests.items():
        for value in manifest[column]:
            where.setdefault(value, set()).add(name)
    return where


@pytest.mark.parametrize(
    ("train", "valid", "expected"),
    [(0.6, 0.2, [600, 200, 200]), (0.8, 0.1, [800, 100, 100]), (0.5, 0.3, [500, 300, 200])],
)
@pytest.mark.parametrize("seed", [0, 1, 4294967295])
def test_single_recordings_are_divided_exactly(train, valid, expected, seed):
    manifests = divide(crowd(words=10, speakers=100), train=train, valid=valid, seed=seed)
    assert [len(manifests[name]) for name in ("train", "valid", "test")] == expected


def test_odd_numbers_are_divided_to_the_nearest_recording():
    for count in range(3, 60):
        sizes = [len(part) for part in divide(crowd(words=1, speakers=count)).values()]
        assert sum(sizes) == count
        for size, share in zip(sizes, (0.6, 0.2, 0.2), strict=True):
            assert abs(size - share * count) <= 1


@pytest.mark.parametrize("seed", range(5))
def test_speakers_of_different_diligence_are_divided_by_their_recordings(seed):
    draw = random.Random(seed)
    recordings = table(
        (f"w/s{speaker}_{take}.wav", f"s{speaker}", f"{speaker} {take}")
        for speaker in range(200)
        for take in range(draw.randint(1, 20))
    )
    manifests = divide(recordings, "speaker", seed=seed)
    for name, share in (("train", 0.6), ("valid", 0.2), ("test", 0.2)):
        # To within what one speaker can make up.
        assert abs(len(manifests[name]) - share * len(recordings)) <= 20


@pytest.mark.parametrize("method", METHODS)
def test_every_recording_is_in_one_set(method):
    recordings = crowd()
    manifests = divide(recordings, method)
    assert list(manifests) == ["train", "valid", "test"]
    together = pd.concat(manifests.values())
    assert sorted(together["file"]) == sorted(recordings["file"])


@pytest.mark.parametrize("method", METHODS)
def test_manifests_carry_what_belongs_to_a_recording(method):
    recordings = crowd().assign(status="usable", samples=16000)
    for manifest in divide(recordings, method).values():
        assert list(manifest.columns) == ["file", "word", "label", "speaker", "row"]
        expected = recordings.set_index("file").loc[manifest["file"]]
        for column in ("word", "label", "speaker", "row"):
            assert manifest[column].tolist() == expected[column].tolist()


@pytest.mark.parametrize("method", METHODS)
def test_the_outcome_depends_on_the_recordings_not_on_their_order(method):
    recordings = crowd()
    expected = files(divide(recordings, method))
    assert files(divide(recordings, method)) == expected
    for seed in range(3):
        shuffled = recordings.sample(frac=1, random_state=seed)
        assert files(divide(shuffled, method)) == expected
        renumbered = shuffled.reset_index(drop=True)
        assert files(divide(renumbered, method)) == expected


def test_the_order_of_identical_recordings_does_not_matter():
    recordings = crowd()
    recordings["samples_sha256"] = [f"content {number % 40}" for number in range(len(recordings))]
    recordings["speaker"] = [f"s{number % 50}" for number in range(len(recordings))]
    for method in METHODS:
        expected = files(divide(recordings, method))
        assert files(divide(recordings[::-1], method)) == expected


@pytest.mark.parametrize("method", ["random", "speaker"])
def test_another_seed_gives_another_split(method):
    recordings = crowd()
    outcomes = [files(divide(recordings, method, seed)) for seed in range(4)]
    assert all(a != b for number, a in enumerate(outcomes) for b in outcomes[:number])


def test_lists_leave_nothing_to_a_seed():
    recordings = crowd()
    first, second = (files(divide(recordings, "official", seed)) for seed in (1, 2))
    assert first == second


@pytest.mark.parametrize("seed", range(3))
def test_no_speaker_is_in_two_sets(seed):
    manifests = divide(crowd(words=5, speakers=40, takes=2), "speaker", seed)
    where = set_of(manifests, "speaker")
    assert len(where) == 40
    assert all(len(sets) == 1 for sets in where.values())
    assert [len(part) for part in manifests.values()] == [240, 80, 80]


def test_a_random_split_does_not_care_for_speakers():
    where = set_of(divide(crowd(words=5, speakers=40, takes=2)), "speaker")
    assert sum(len(sets) > 1 for sets in where.values()) > 30


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(3))
def test_identical_recordings_are_never_in_different_sets(method, seed):
    recordings = crowd(words=6)
    draw = random.Random(seed)
    recordings["samples_sha256"] = [f"content {draw.randrange(60)}" for _ in range(len(recordings))]
    if method == "speaker":
        # Otherwise everybody would be linked to everybody.
        recordings["speaker"] = recordings["file"]
    manifests = divide(recordings, method, seed)
    contents = dict(zip(recordings["file"], recordings["samples_sha256"], strict=True))
    where = {}
    for file, sets in set_of(manifests).items():
        where.setdefault(contents[file], set()).update(sets)
    assert all(len(sets) == 1 for sets in where.values())


@pytest.mark.parametrize("seed", range(8))
def test_speakers_are_linked_by_chains_of_identical_recordings(seed):
    # anna – ben by one content, ben – carl by another, carl – dora by a third, across words.
    chain = [
        *(("w0/anna.wav", "anna", "x"), ("w1/ben.wav", "ben", "x")),
        *(("w0/ben.wav", "ben", "y"), ("w2/carl.wav", "carl", "y")),
        *(("w1/carl.wav", "carl", "z"), ("w0/dora.wav", "dora", "z"), ("w1/dora.wav", "dora", "q")),
    ]
    others = crowd(words=3, speakers=30)
    recordings = pd.concat([others, table(chain)])
    where = set_of(divide(recordings, "speaker", seed))
    assert len(set.union(*(where[file] for file, _, _ in chain))) == 1


def test_linked_speakers_can_be_anywhere():
    chain = table([("w0/anna.wav", "anna", "x"), ("w1/ben.wav", "ben", "x")])
    recordings = pd.concat([crowd(words=3, speakers=30), chain])
    sets = [set_of(divide(recordings, "speaker", seed))["w0/anna.wav"] for seed in range(30)]
    assert set.union(*sets) == {"train", "valid", "test"}


def test_official_lists_are_followed():
    recordings = crowd()
    lists = lists_of(recordings)
    manifests = divide(recordings, "official", lists=lists)
    assert set(manifests["valid"]["file"]) == lists["valid"]
    assert set(manifests["test"]["file"]) == lists["test"]
    unlisted = set(recordings["file"]) - lists["valid"] - lists["test"]
    assert set(manifests["train"]["file"]) == unlisted


def test_official_lists_may_name_files_that_are_not_there():
    recordings = crowd()
    lists = lists_of(recordings)
    lists["valid"] |= {"gone/a.wav"}
    manifests = divide(recordings, "official", lists=lists)
    assert set(manifests["valid"]["file"]) == lists["valid"] - {"gone/a.wav"}


def test_a_test_recording_keeps_its_likes_out_of_training_and_validation():
    recordings = table(
        [
            *(("w/train.wav", "a", "1"), ("w/valid.wav", "b", "2"), ("w/test.wav", "c", "3")),
            *(("w/like_valid.wav", "d", "2"), ("w/like_test.wav", "e", "3")),
            *(("w/valid_like_test.wav", "f", "3"), ("w/in_both.wav", "g", "4")),
            ("w/like_in_both.wav", "h", "4"),
        ]
    )
    lists = {
        "valid": {"w/valid.wav", "w/valid_like_test.wav", "w/in_both.wav"},
        "test": {"w/test.wav", "w/in_both.wav"},
    }
    assert {
        name: set(found)
        for name, found in files(divide(recordings, "official", lists=lists)).items()
    } == {
        "train": {"w/train.wav"},
        "valid": {"w/valid.wav", "w/like_valid.wav"},
        "test": {
            *("w/test.wav", "w/like_test.wav", "w/valid_like_test.wav"),
            *("w/in_both.wav", "w/like_in_both.wav"),
        },
    }


@pytest.mark.parametrize("method", ["random", "speaker"])
def test_three_are_one_for_each_set(method):
    recordings = crowd(words=1, speakers=3)
    assert [len(part) for part in divide(recordings, method).values()] == [1, 1, 1]


def test_three_speakers_are_one_for_each_set_however_much_they_say():
    recordings = table(
        (f"w/{speaker}{take}.wav", speaker, f"{speaker}{take}")
        for speaker, takes in (("anna", 100), ("ben", 10), ("carl", 1))
        for take in range(takes)
    )
    for seed in range(10):
        manifests = divide(recordings, "speaker", seed)
        assert [part["speaker"].nunique() for part in manifests.values()] == [1, 1, 1]


def test_too_few_speakers_end_in_a_sentence():
    recordings = crowd(words=10, speakers=2)
    with pytest.raises(UserError, match=r"`speaker`.*: test\..*20 recordings of 2 speakers"):
        divide(recordings, "speaker")


def test_recordings_that_are_all_alike_end_in_a_sentence():
    with pytest.raises(UserError, match="valid, test"):
        divide(crowd().assign(samples_sha256="the same"))


@pytest.mark.parametrize("empty", ["valid", "test"])
def test_lists_that_name_nothing_of_a_set_end_in_a_sentence(empty):
    recordings = crowd()
    lists = lists_of(recordings) | {empty: {"other/a.wav"}}
    with pytest.raises(UserError, match=rf"for: {empty}\."):
        divide(recordings, "official", lists=lists)


def test_lists_that_name_everything_leave_nothing_to_train_on():
    recordings = crowd()
    found = list(recordings["file"])
    with pytest.raises(UserError, match=r"for: train\."):
        divide(recordings, "official", lists={"valid": set(found[:50]), "test": set(found[50:])})


@pytest.mark.parametrize("method", ["random", "speaker"])
@pytest.mark.parametrize("seed", range(3))
def test_no_word_is_favoured(method, seed):
    recordings = crowd(words=20, speakers=200)
    if method == "speaker":
        # Everybody says one word.
        recordings["speaker"] = recordings["file"]
    manifests = divide(recordings, method, seed)
    counts = pd.DataFrame({name: part["word"].value_counts() for name, part in manifests.items()})
    expected = 200 * np.array([0.6, 0.2, 0.2])
    chi_square = ((counts - expected) ** 2 / expected).sum(axis=None)
    # 38 degrees of freedom: less has a probability of 0.001, more one of 0.0001.
    assert 16.6 < chi_square < 79.2


def test_no_part_of_the_alphabet_is_favoured():
    recordings = crowd(words=10, speakers=300)
    positions = []
    for seed in range(5):
        test = set(divide(recordings, seed=seed)["test"]["file"])
        positions += [
            place for place, file in enumerate(sorted(recordings["file"])) if file in test
        ]
    # 3,000 draws from a uniform distribution over 3,000 places.
    assert abs(np.mean(positions) - 1499.5) < 4 * 3000 / np.sqrt(12 * 3000)


def test_seeds_are_independent_of_each_other():
    recordings = crowd(words=10, speakers=100)
    first, second = (set(divide(recordings, seed=seed)["test"]["file"]) for seed in (1, 2))
    # Of 200 of 1,000 and another 200, 40 are expected in both, give or take 5.
    assert 20 < len(first & second) < 60


def test_the_summary_counts():
    recordings = table(
        [
            *(("w0/a.wav", "anna", "1"), ("w0/b.wav", "ben", "2"), ("w1/c.wav", "anna", "3")),
            *(("w0/d.wav", "anna", "4"), ("w1/e.wav", "carl", "5")),
            *(("w1/f.wav", "dora", "6"), ("w1/g.wav", "ben", "7"), ("w1/h.wav", "dora", "8")),
        ]
    )
    lists = {
        "valid": {"w0/d.wav", "w1/e.wav"},
        "test": {"w1/f.wav", "w1/g.wav", "w1/h.wav"},
    }
    summary = splits.summarise(divide(recordings, "official", lists=lists))
    assert summary.to_dict("records") == [
        {
            **{"set": "train", "recordings": 3, "share": 0.375, "words": 2, "missing_words": ""},
            **{"speaker_known": 3, "speakers": 2, "speakers_in_training": 2, "prefixed_file": ""},
        },
        {
            **{"set": "valid", "recordings": 2, "share": 0.25, "words": 2, "missing_words": ""},
            **{"speaker_known": 2, "speakers": 2, "speakers_in_training": 1, "prefixed_file": ""},
        },
        {
            **{"set": "test", "recordings": 3, "share": 0.375, "words": 1, "missing_words": "w0"},
            **{"speaker_known": 3, "speakers": 2, "speakers_in_training": 1, "prefixed_file": ""},
        },
    ]


def by_lists(tmp_path, speakers_of):
    """A split in which the third recording is validated on, and the last are tested on."""
    recordings = table((file, speaker or file, file) for file, speaker in speakers_of)
    files = [file for file, _ in speakers_of]
    return divide(recordings, "official", lists={"valid": {files[2]}, "test": set(files[3:])})


def test_recordings_of_unknown_speakers_are_counted_as_that(tmp_path):
    manifests = by_lists(
        tmp_path,
        [
            *(("a/anna-1.wav", None), ("b/ben-1.wav", None), ("a/ben-2.wav", None)),
            *(("b/anna 2.wav", None), ("a/x.wav", "carl")),
        ],
    )
    summary = splits.summarise(manifests)
    assert summary["speaker_known"].tolist() == [0, 0, 1]
    assert summary["speakers"].tolist() == [0, 0, 1]
    assert summary["speakers_in_training"].tolist() == [0, 0, 0]
    assert summary["missing_words"].tolist() == ["", "b", ""]
    assert set(summary["prefixed_file"]) == {"a/anna-1.wav"}
    path = tmp_path / "summary.csv"
    summary.to_csv(path, index=False)
    pd.testing.assert_frame_equal(splits.read_summary(path), summary, check_dtype=False)


def test_the_log_names_words_that_sets_lack_and_who_says_them(tmp_path, caplog):
    manifests = by_lists(
        tmp_path,
        [
            *(("a/1.wav", "anna"), ("b/2.wav", "ben"), ("a/3.wav", "carl")),
            *(("a/4.wav", "dora"), ("c/5.wav", "dora"), ("c/6.wav", "eve"), ("c/7.wav", None)),
        ],
    )
    splits.report("mine", "speaker", manifests, splits.summarise(manifests))
    train, valid, test, speakers = [one.getMessage() for one in caplog.records]
    assert train.startswith(
        "Warning: The set train of split mine lacks c: a run that needs them will stop.\n"
        "  c: 3 recordings of 2 speakers, 1 of unknown speakers; test has 3 by dora, eve\n"
    )
    assert "config key splits.mine" in train
    assert valid.startswith("Warning: The set valid of split mine lacks b, c: ")
    assert "\n  b: 1 recording of 1 speaker; train has 1 by ben\n" in valid
    assert test.startswith("Warning: The set test of split mine lacks b: ")
    assert speakers.startswith(
        "Warning: The speakers of 1 of 7 recordings are unknown. Split mine treats each of these "
        "recordings as a speaker of its own. To name speakers, rename files"
    )
    assert "If " not in speakers


def test_the_log_warns_of_nothing_where_all_is_well(caplog):
    manifests = divide(crowd(), "speaker")
    splits.report("mine", "speaker", manifests, splits.summarise(manifests))
    assert not caplog.records


def test_a_random_split_does_not_warn_of_unknown_speakers(caplog):
    recordings = crowd()
    manifests = divide(recordings.assign(speaker=recordings["file"]))
    splits.report("mine", "random", manifests, splits.summarise(manifests))
    assert not caplog.records


@pytest.mark.parametrize("word", ["NA", "001", "null", "はい", "a,b"])
def test_manifests_survive_their_csv_files(tmp_path, word):
    recordings = table(
        (f"{word}/{speaker}_nohash_0.wav", speaker, speaker) for speaker in ("001", "NA", "nan")
    )
    for name, rows in divide(recordings).items():
        path = tmp_path / f"{name}.csv"
        rows.to_csv(path, index=False)
        pd.testing.assert_frame_equal(
            read_manifest(path), rows.reset_index(drop=True), check_dtype=False
        )


def test_speakers_go_in_the_order_of_a_hash_to_the_set_that_lacks_most():
    """The draw is the same for good, since what was published was measured with it."""
    recordings, shares, seed = crowd(words=2, speakers=9), {"train": 5, "valid": 3, "test": 2}, 3
    first_files = {f"s{number}": f"w0/s{number}_nohash_0.wav" for number in range(9)}
    order = sorted(
        first_files,
        key=lambda speaker: hashlib.sha256(f"{seed}\0{first_files[speaker]}".encode()).digest(),
    )
    expected = {"train": set(), "valid": set(), "test": set()}
    for speaker in order:
        # Emptiest by its share; of equally empty ones the largest, which stands first.
        name = min(shares, key=lambda name: len(expected[name]) / shares[name])
        expected[name].add(speaker)
    manifests = divide(recordings, "speaker", seed, train=0.5, valid=0.3)
    assert {name: set(manifest["speaker"]) for name, manifest in manifests.items()} == expected


def test_official_lists_that_leave_a_set_empty_are_to_name_recordings():
    recordings = crowd(words=1, speakers=5)
    with pytest.raises(UserError) as error:
        divide(recordings, "official", lists={"valid": set(recordings["file"][:1]), "test": set()})
    assert "leaves no recordings for: test" in str(error.value)
    assert "list some in the lists or the table (config key dataset.metadata), or choose" in str(
        error.value
    )
    assert "shares" not in str(error.value)


def test_no_recordings_are_counted_as_none():
    assert described(pd.DataFrame(columns=COLUMNS)) == "no recordings"

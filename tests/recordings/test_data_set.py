"""The data set that a config names: how digests depend on its folder and its table."""

import pytest

from spokenwords.errors import UserError
from spokenwords.recordings.data_set import DataSet

TABLE = "LINK,SPEAKER,SET\nbird/a.wav,ann,TRAIN\nbird/b.wav,ben,TEST\ncat/a.wav,ann,TRAIN\n"


@pytest.fixture
def data_set(tmp_path):
    """A function that describes a folder of two words as it is now, with some settings changed."""
    for file in ("bird/a.wav", "bird/b.wav", "cat/a.wav", "_background_noise_/hum.wav"):
        (tmp_path / "words" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "words" / file).write_text(file)

    def describe(remembered="", **changes):
        settings = {"source": "folder", "folder": str(tmp_path / "words"), "words": "all"}
        settings |= {"min_recordings": 1, "metadata": None, "archive": {"sha256": "0" * 64}}
        return DataSet(settings | changes, tmp_path / "caches", remembered)

    return describe


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return path


def test_a_changed_recording_changes_the_digest_of_its_word_alone(data_set, tmp_path):
    before = data_set()
    assert list(before.words) == ["bird", "cat"]
    (tmp_path / "words/cat/a.wav").write_text("another")
    after = data_set()
    assert after.recordings("bird") == before.recordings("bird")
    assert after.recordings("cat") != before.recordings("cat")
    with pytest.raises(UserError, match="'dog' is not one of the words"):
        after.recordings("dog")


def test_another_process_takes_digests_that_are_remembered(data_set, tmp_path):
    first = data_set()
    remembered = first.remember()
    (tmp_path / "words/cat/a.wav").write_text("another")
    assert data_set(remembered).words == first.words
    assert data_set("of another time").words != first.words


def test_the_word_of_the_recording_to_explore(data_set):
    assert data_set().word_of("auto") == "bird"
    assert data_set().word_of("cat/a.wav") == "cat"
    with pytest.raises(UserError, match=r"'dog/a\.wav'; .* one of the words bird, cat"):
        data_set().word_of("dog/a.wav")


def test_a_changed_speaker_changes_the_digest_of_its_word_alone(data_set, table):
    assert data_set().speakers("bird") is None
    before = data_set(metadata=str(table))
    digests = [before.speakers(word) for word in ("bird", "cat")]
    sets = before.official_sets
    table.write_text(TABLE.replace("ben", "bea"))
    after = data_set(metadata=str(table))
    assert after.speakers("bird") != digests[0]
    assert after.speakers("cat") == digests[1]
    assert after.official_sets == sets


def test_official_sets_are_those_of_the_table_or_of_lists(data_set, table, tmp_path):
    with pytest.raises(UserError, match=r"needs validation_list\.txt"):
        _ = data_set().official_sets
    (tmp_path / "words/validation_list.txt").write_text("cat/a.wav\n")
    (tmp_path / "words/testing_list.txt").write_text("bird/b.wav\n")
    lists = data_set().official_sets
    found = data_set(metadata=str(table)).official_sets
    table.write_text(TABLE.replace("TEST", "DEV"))
    assert len({lists, found, data_set(metadata=str(table)).official_sets}) == 3
    # A table without sets leaves them to the lists.
    table.write_text("\n".join(line.rpartition(",")[0] for line in TABLE.splitlines()))
    assert data_set(metadata=str(table)).official_sets == lists


def test_a_table_is_checked_before_a_download_unless_it_comes_with_it(data_set, tmp_path):
    data_set().check_table()
    data_set(metadata=str(tmp_path / "words/missing.csv")).check_table()
    with pytest.raises(UserError, match=r"missing\.csv"):
        data_set(metadata=str(tmp_path / "missing.csv")).check_table()


def test_what_a_model_card_states(data_set, tmp_path):
    for name in ("LICENSE.txt", "licence", "README.md"):
        (tmp_path / "words" / name).touch()
    origin = {"source": "folder", "checksum": None, "licences": ["LICENSE.txt", "licence"]}
    assert data_set().origin == origin
    assert data_set(source="archive").origin == origin | {
        "source": "archive",
        "checksum": "0" * 64,
    }
    assert list(data_set().noise) == ["hum.wav"]

"""The table that says who speaks and which set a recording belongs to."""

import json
import unicodedata

import pytest

from spokenwords.errors import UserError
from spokenwords.recordings import inventory, speaker_table

# As the Multilingual Spoken Words Corpus has it; the speakers are made up.
CORPUS = """SET,LINK,WORD,VALID,SPEAKER,GENDER
TRAIN,абзар/common_voice_tt_17737010.opus,абзар,True,687025afd5,MALE
DEV,абзар/common_voice_tt_17737011.opus,абзар,True,0f3a,FEMALE
TEST,агач/common_voice_tt_17737012.opus,агач,True,687025afd5,MALE
TRAIN,агач/common_voice_tt_17737013.opus,агач,False,NA,NAN
TRAIN,"ага/common_voice, tt.opus",ага,True,77,OTHER
TRAIN,clips/абзар/17.opus,абзар,True,77,OTHER

"""


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "tt_splits.csv"
    path.write_text(CORPUS, encoding="utf-8")
    return path


def files(*names: str) -> list[str]:
    return [f"{name}.opus" for name in names]


def test_speakers_of_a_word(corpus, messages):
    names = files(
        "абзар/common_voice_tt_17737010", "абзар/common_voice_tt_17737011", "абзар/another"
    )
    found = speaker_table.speakers(corpus, "абзар", names)
    assert found == {names[0]: "687025afd5", names[1]: "0f3a"}
    sides = "for example, it lists 'абзар/17' and the folder has 'абзар/another.opus'"
    assert messages == [f"{corpus} lists 2 of 3 recordings of 'абзар' ({sides})."]
    [name] = files("ага/common_voice, tt")
    assert speaker_table.speakers(corpus, "ага", [name]) == {name: "77"}


def test_who_is_not_known_is_nobody(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("LINK, SPEAKER\nup/a.opus,NA\nup/b.opus,\nup/c.opus, NA\nup/d.opus, dan\n")
    names = [f"up/{name}.wav" for name in "abcd"]
    assert speaker_table.speakers(table, "up", names) == {"up/d.wav": "dan"}
    assert speaker_table.speakers(table, "up", names[:3]) == {}


@pytest.mark.parametrize("order", [1, -1])
def test_a_recording_of_two_speakers_or_sets_is_refused(tmp_path, order):
    table = tmp_path / "table.csv"
    lines = ["TRAIN,up/a.opus,ann", "TEST,up/a.wav,ben"][::order]
    table.write_text("SET,LINK,SPEAKER\n" + "\n".join(lines))
    with pytest.raises(UserError, match=r"has both '(ann|ben)' and '(ann|ben)' for up/a"):
        speaker_table.speakers(table, "up", ["up/a.wav"])
    with pytest.raises(UserError, match=r"has both '(train|test)' and '(train|test)' for up/a"):
        speaker_table.official_lists(table, ["up/a.wav"])


@pytest.mark.parametrize(
    ("link", "file"),
    [
        ("up/a.opus", "up/a.wav"),
        ("up/a.OGG", "up/a.flac"),
        ("up/a.mp3", "up/a.wav"),
        ("up/a", "up/a.wav"),
        ("up/rec.1", "up/rec.1.wav"),
        ('"up/a, b.wav"', "up/a, b.wav"),
    ],
)
def test_names_agree_but_for_suffixes(tmp_path, link, file):
    table = tmp_path / "table.csv"
    table.write_text(f"LINK,SPEAKER\n{link},ann\n")
    assert speaker_table.speakers(table, "up", [file]) == {file: "ann"}


# What a plain table says, in the ways that other programs write it.
PLAIN = """LINK,SPEAKER,SET
é up/a.wav,ann,TRAIN
é up/b.wav,ben,DEV
é up/c.wav,cleo,TEST
"""
OTHERWISE = {
    "semicolons": PLAIN.replace(",", ";"),
    "tabs": PLAIN.replace(",", "\t"),
    "lower case": PLAIN.lower(),
    "any case": PLAIN.replace("LINK", "Link").replace("DEV", "Dev").replace("SET", "sEt"),
    "file": PLAIN.replace("LINK", "file"),
    "path": PLAIN.replace("LINK", "Path"),
    "another path beside it": PLAIN.replace(",ann", ",ann,")
    .replace(",ben", ",ben,up/c.wav")
    .replace(",cleo", ",cleo,up/a.wav")
    .replace("SPEAKER", "SPEAKER,file"),
    "other names of sets": PLAIN.replace("TRAIN", "training")
    .replace("DEV", "validation")
    .replace("TEST", "testing"),
    "val": PLAIN.replace("DEV", "val"),
    "valid": PLAIN.replace("DEV", "VALID"),
    "leading ./": PLAIN.replace("é", "./é"),
    "prefix": PLAIN.replace("é", "data/speech commands/é"),
    "absolute": PLAIN.replace("é", "/data/é"),
    "backslashes": PLAIN.replace("/", "\\"),
    "Windows": PLAIN.replace("é up/", "C:\\data\\é up\\").replace("\n", "\r\n"),
    "both slashes": PLAIN.replace("é up/", "data/set\\é up\\"),
    "quotes": PLAIN.replace("é", '"é').replace(".wav", '.wav"'),
    "NFC": unicodedata.normalize("NFC", PLAIN),
    "NFD": unicodedata.normalize("NFD", PLAIN),
    "other suffix": PLAIN.replace(".wav", ".mp3"),
    "mark": "\ufeff" + PLAIN,
    "comments before the columns": "\ufeff# from an export\r\n \n\n#\n" + PLAIN,
    "spaces": PLAIN.replace(",", " , "),
}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("content", OTHERWISE.values(), ids=OTHERWISE)
def test_a_table_may_be_written_in_other_ways(tmp_path, content, form):
    word = unicodedata.normalize(form, "é up")
    names = [f"{word}/{name}.wav" for name in "abc"]
    table = tmp_path / "table.csv"
    table.write_text(content, encoding="utf-8", newline="")
    assert speaker_table.speakers(table, word, names) == dict(
        zip(names, ["ann", "ben", "cleo"], strict=True)
    )
    assert speaker_table.official_lists(table, names) == {"valid": {names[1]}, "test": {names[2]}}
    said = speaker_table.digests(table, tmp_path / "cache.json")
    plain = tmp_path / "plain.csv"
    plain.write_text(PLAIN, encoding="utf-8")
    assert said == speaker_table.digests(plain, tmp_path / "other.json")


def test_rows_of_a_word_are_found_wherever_they_are_in_a_large_table(tmp_path, monkeypatch):
    monkeypatch.setattr(speaker_table, "BLOCK", 7)
    table = tmp_path / "table.csv"
    lines = [f"{word}/{number}.wav,{number}" for number in range(9) for word in ("up", "cup", "u")]
    table.write_text("\n".join(["LINK,SPEAKER", *lines]))
    for word in ("up", "cup", "u"):
        found = [(row.recording, row.speaker) for row in speaker_table.rows(table, word)]
        assert found == [(f"{word}/{number}", str(number)) for number in range(9)]
    table.write_text("\n".join(["LINK,SPEAKER", *lines, "up/9.wav"]))
    with pytest.raises(UserError, match="has 1 field for 2 columns in line 29"):
        list(speaker_table.rows(table, "up"))


@pytest.mark.parametrize("other", ["./up/a.wav", "x/up/a.flac", "up\\a.wav", '"up/a"'])
def test_two_spellings_of_a_recording_may_not_differ_in_what_they_say(tmp_path, other):
    table = tmp_path / "table.csv"
    table.write_text(f"LINK,SPEAKER,SET\nup/a.wav,ann,DEV\n{other},ben,TEST\n")
    with pytest.raises(UserError, match="has both 'ann' and 'ben' for up/a"):
        speaker_table.speakers(table, "up", ["up/a.wav"])
    with pytest.raises(UserError, match="has both 'valid' and 'test' for up/a"):
        speaker_table.official_lists(table, ["up/a.wav"])


def test_recordings_without_a_set_are_told_with_a_name_of_each_side(tmp_path, messages):
    table = tmp_path / "table.csv"
    table.write_text("LINK,SPEAKER,SET\nup/a.wav,,DEV\nup/b.wav,,TEST\nup/x 1.wav,,TRAIN\n")
    speaker_table.official_lists(table, ["up/a.wav", "up/b.wav", "up/x1.wav", "up/y.wav"])
    sides = "for example, it lists 'up/x 1' and the folder has 'up/x1.wav'"
    assert messages == [
        f"Warning: {table} has no set for 2 of 4 recordings ({sides}); these are used for training."
    ]


def test_a_word_in_quotes(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text('LINK,SPEAKER\n"say ""up""/x.wav",ann\n')
    word = 'say "up"'
    assert speaker_table.speakers(table, word, [f"{word}/x.wav"]) == {f"{word}/x.wav": "ann"}
    assert list(speaker_table.digests(table, tmp_path / "cache.json")) == [word]


@pytest.mark.parametrize("word", ["агач", "агачлар"])
def test_a_table_of_other_recordings_is_refused(corpus, word):
    with pytest.raises(
        UserError, match=rf"the 1 file found .* lists '.*' and the folder has '{word}/x.wav'"
    ):
        speaker_table.speakers(corpus, word, [f"{word}/x.wav"])


@pytest.mark.parametrize("suffix", ["opus", "wav"])
def test_official_lists_name_recordings_as_they_are_there(corpus, suffix):
    names = ["абзар/common_voice_tt_17737010", "абзар/common_voice_tt_17737011", "агач/other"]
    names.append("агач/common_voice_tt_17737012")
    lists = speaker_table.official_lists(corpus, [f"{name}.{suffix}" for name in names])
    assert lists == {"valid": {f"{names[1]}.{suffix}"}, "test": {f"{names[3]}.{suffix}"}}


def test_the_inventory_asks_the_table_before_the_name(tmp_path, write_noise):
    for name in ("ann_nohash_0.wav", "ben_nohash_0.wav", "other.wav"):
        write_noise(f"up/{name}", 1)
    table = tmp_path / "table.csv"
    table.write_text("LINK,SPEAKER\nup/ann_nohash_0.opus,cleo\nup/ben_nohash_0.wav,\n")
    rows = inventory.of_word(tmp_path / "recordings", "up", table, 16_000, 1.0, "loudest")
    assert [row["speaker"] for row in rows] == ["cleo", "ben", "up/other.wav"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "is not readable (No such file or directory)"),
        (b"", "has no column LINK and SPEAKER in line 1"),
        (b"LINK,NAME\nup/a.wav,ann\n", "has no column SPEAKER in line 1"),
        (b"LINK,SPEAKER\n\nup/a.wav\n", "has 1 field for 2 columns in line 3"),
        (b"LINK,SPEAKER\nup/a.wav,ann,7\n", "has 3 fields for 2 columns in line 2"),
        (b"LINK|SPEAKER\nup/a.wav|ann\n", "has no column LINK and SPEAKER in line 1"),
        (b"LINK;Speaker,SET\nup/a.wav;ann,DEV\n", "has no column SPEAKER in line 1"),
        (b"LINK;SPEAKER\nup/a.wav,ann\n", "has 1 field for 2 columns in line 2"),
        (b"LINK,speaker,SPEAKER\nup/a.wav,ann,ben\n", "has 2 columns SPEAKER. Keep one"),
        ("LINK,SPEAKER\nup/a.wav,ann\n".encode("utf-16"), "is not in UTF-8. Convert it"),
        ("LINK,SPEAKER\nup/a.wav,ann\n".encode("utf-16-le"), "is not in UTF-8. Convert it"),
        (b'LINK,SPEAKER\nup/a.wav,"ann\nbell"\n', "is not a CSV table with one line per recording"),
        (b"LINK,SPEAKER\nup/\xe9.wav,ann\n", "is not in UTF-8"),
        (b"LINK,SPEAKER\nup/a.wav,a\rb\n", "is not a CSV table"),
        (
            b"SET,LINK,SPEAKER\nEVAL,up/a.wav,ann\n",
            "has an unknown set 'EVAL' in line 2; expected TRAIN, DEV or TEST",
        ),
    ],
)
def test_tables_that_are_refused(tmp_path, content, says):
    table = tmp_path / "table.csv"
    if content is not None:
        table.write_bytes(content)
    with pytest.raises(UserError) as error:
        speaker_table.speakers(table, "up", ["up/a.wav"])
    assert f"The table {table} (config key dataset.metadata) {says}" in str(error.value)


def test_words_that_a_table_lacks_are_told_with_words_that_it_has(corpus, tmp_path):
    listed = speaker_table.digests(corpus, tmp_path / "cache.json")
    decomposed = unicodedata.normalize("NFD", "абзар")
    speaker_table.refuse_unlisted(corpus, listed, tmp_path, ["ага", decomposed])
    says = (
        "lists no recordings of 2 words in x: Агач, up. Words that it lists: абзар, агач, ага. "
        f"{'Агач'!a} is missing, but there is {'агач'!a}"
    )
    with pytest.raises(UserError) as error:
        speaker_table.refuse_unlisted(corpus, listed, "x", ["ага", "Агач", "up"])
    assert says in str(error.value)


def test_a_table_without_sets_has_no_lists(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("\ufeffLINK,SPEAKER\r\nup/a.wav,ann\r\n", encoding="utf-8")
    assert speaker_table.official_lists(table, ["up/a.wav"]) == {}
    assert speaker_table.speakers(table, "up", ["up/a.wav"]) == {"up/a.wav": "ann"}
    [digest] = speaker_table.digests(table, tmp_path / "cache.json").values()
    assert digest.sets is None


def test_sets_of_recordings_that_are_not_there_are_sets_too(corpus):
    """Otherwise the data set's own lists would count, of which nothing was asked."""
    with pytest.raises(UserError, match=r"the 1 usable file .*lists 'абзар/.*has 'абзар/new.opus'"):
        speaker_table.official_lists(corpus, files("абзар/new"))
    assert speaker_table.official_lists(corpus, files("other/new")) == {}


def test_each_word_has_digests_of_what_is_said_of_it(corpus, tmp_path):
    def digests():
        return speaker_table.digests(corpus, tmp_path / "cache.json")

    before = digests()
    assert list(before) == ["абзар", "агач", "ага"]
    assert len(set(before.values())) == 3
    # Neither what is passed over, nor the order of lines, nor a damaged cache.
    header, *lines = CORPUS.splitlines(keepends=True)
    corpus.write_text("".join([header, *reversed(lines)]).replace("FEMALE", "X"), encoding="utf-8")
    assert digests() == before
    state = json.loads((tmp_path / "cache.json").read_text())["state"]
    for damaged in ("", "[]", "{}", '{"state": 3}', json.dumps({"state": state, "digests": 3})):
        (tmp_path / "cache.json").write_text(damaged)
        assert digests() == before


@pytest.mark.parametrize(
    ("old", "new", "speakers_change", "sets_change"),
    [
        ("0f3a", "0f3b", True, False),
        ("DEV,", "TEST,", False, True),
        ("DEV,", ",", False, True),
        ("7011.opus", "7019.opus", True, True),
    ],
)
def test_speakers_and_sets_have_digests_of_their_own(
    corpus, tmp_path, old, new, speakers_change, sets_change
):
    before = speaker_table.digests(corpus, tmp_path / "cache.json")
    corpus.write_text(CORPUS.replace(old, new), encoding="utf-8")
    after = speaker_table.digests(corpus, tmp_path / "cache.json")
    changed, word = after.pop("абзар"), before.pop("абзар")
    assert (changed.speakers != word.speakers) == speakers_change
    assert (changed.sets != word.sets) == sets_change
    assert after == before


def test_a_table_is_read_again_by_other_rules(corpus, tmp_path, monkeypatch):
    speaker_table.digests(corpus, tmp_path / "cache.json")
    monkeypatch.setattr(speaker_table, "RULES", [])
    monkeypatch.setattr(speaker_table, "rows", lambda table: iter([]))
    assert speaker_table.digests(corpus, tmp_path / "cache.json") == {}


def test_a_table_that_is_the_same_as_before_is_not_read_again(corpus, tmp_path, monkeypatch):
    before = speaker_table.digests(corpus, tmp_path / "cache.json")
    monkeypatch.setattr(speaker_table, "rows", None)
    assert speaker_table.digests(corpus, tmp_path / "cache.json") == before

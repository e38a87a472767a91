"""Lists and tables that spell names of recordings otherwise than their files do."""

import unicodedata

import pytest

from spokenwords.errors import UserError
from spokenwords.recordings import lists

FILES = ["é up/a b.wav", "é up/c.flac", "yes/d.wav", "yes/e.wav"]
PLAIN = ["é up/a b.wav", "yes/e.wav"]
# Lines that name the same, as other programs and people write them.
SPELLINGS = {
    "spaces around": [f"  {name}\t" for name in PLAIN],
    "quotes": [f'"{name}"' for name in PLAIN],
    "single quotes": [f" '{name}' " for name in PLAIN],
    "leading ./": [f"./{name}" for name in PLAIN],
    "prefix": [f"speech commands/{name}" for name in PLAIN],
    "absolute": [f"/data/set/{name}" for name in PLAIN],
    "backslashes": [name.replace("/", "\\") for name in PLAIN],
    "Windows": [f"C:\\data\\{name}".replace("/", "\\") for name in PLAIN],
    "both slashes": ["data/set\\é up\\a b.wav", "./yes\\e.wav"],
    "doubled slashes": [f"data//{name}".replace("/", "//") for name in PLAIN],
    "other suffixes": ["é up/a b.MP3", "yes/e.flac"],
    "no suffixes": ["é up/a b", "yes/e"],
    "comments": ["# of the validation set", *[f"{name}  # checked" for name in PLAIN], " #"],
    "blank lines": ["", PLAIN[0], "  ", PLAIN[1], "\t"],
    "twice": PLAIN * 2,
    "all of it": ["# x", " './data\\é up\\a b.opus' # y", '"C:\\x\\yes\\e.WAV"', ""],
}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("written", ["NFC", "NFD"])
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_all_spellings_match_what_the_plain_list_does(spelling, written, form):
    files = [unicodedata.normalize(form, file) for file in FILES]
    listed = [unicodedata.normalize(written, line) for line in spelling]
    plain = lists.matched([unicodedata.normalize(form, line) for line in PLAIN], files)
    assert lists.matched(listed, files) == plain == ({files[0], files[3]}, [])


@pytest.mark.parametrize(
    "file",
    [
        "#up/a.wav",
        "up/a #1.wav",
        '"up/a.wav"',
        "'up'/a.wav",
        " up/a.wav",
        "up/a\\b.wav",
        "x/up/a.wav",
    ],
)
def test_a_file_that_is_called_as_a_line_has_it_is_meant(file):
    other = "up/a.wav"
    assert lists.matched([file], [file, other]) == ({file}, [])
    assert lists.matched([other], [file, other]) == ({other}, [])


def test_a_name_of_another_suffix_stands_for_all_that_are_called_so():
    files = ["up/a.wav", "up/a.flac", "up/b.wav"]
    assert lists.matched(["up/a.mp3"], files) == ({"up/a.wav", "up/a.flac"}, [])
    for line in ("up/a.flac", " 'up/a.flac' # checked"):
        assert lists.matched([line], files) == ({"up/a.flac"}, [])


@pytest.mark.parametrize(
    "line", ["Up/a.wav", "a.wav", "up/a.txt", "up/a.wav.bak", "up", "down/a.wav"]
)
def test_other_names_match_nothing(line):
    assert lists.matched([line, "up/b.wav"], ["up/a.wav"]) == (set(), [line, "up/b.wav"])


@pytest.fixture
def write(tmp_path):
    """A function that writes the lists of validation and test set, and returns their folder."""

    def write(valid, test):
        for name, content in zip(lists.OFFICIAL.values(), (valid, test), strict=True):
            path = tmp_path / name
            path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content)
        return tmp_path

    return write


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_official_lists_name_files(write, start, line_end):
    valid = {"yes/b_nohash_0.wav", "はい/a.wav"}
    folder = write(
        start + b"".join(file.encode() + line_end for file in sorted(valid)), start + b"up/c.flac  "
    )
    files = [*valid, "up/c.flac", "up/d.wav"]
    assert lists.official_lists(folder, files) == {"valid": valid, "test": {"up/c.flac"}}


def test_missing_official_lists_are_named(tmp_path):
    (tmp_path / "testing_list.txt").touch()
    with pytest.raises(UserError, match=r"validation_list\.txt") as error:
        lists.official_lists(tmp_path, ["yes/a.wav"])
    assert "testing_list.txt" not in str(error.value)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le"])
def test_an_official_list_in_another_encoding_is_named(write, encoding):
    folder = write("yes/é.wav\n".encode(encoding), "")
    for read in (lists.digest_of_lists, lambda folder: lists.official_lists(folder, ["yes/a.wav"])):
        with pytest.raises(UserError, match=r"validation_list\.txt is not in UTF-8"):
            read(folder)


def test_the_digest_of_lists_is_one_of_what_they_name(write):
    def digest(valid, test):
        return lists.digest_of_lists(write(valid, test))

    before = digest("no/a.wav\nno/b.wav\n", "up/c.wav\n")
    assert digest("no/b.wav\nno/a.wav", "up/c.wav\n\n") == before
    others = [
        digest("no/a.wav\n", "up/c.wav\n"),
        digest("no/a.wav\nno/b.wav\n", "up/d.wav\n"),
        digest("up/c.wav\n", "no/a.wav\nno/b.wav\n"),
        digest("no/a.wav\n", "no/b.wav\nup/c.wav\n"),
    ]
    assert len({before, *others}) == 5


@pytest.mark.parametrize(
    ("listed", "says"),
    [
        ("Up/a.wav\nUp/b.wav\n", "2 names, .* lists 'Up/a.wav' and the folder has 'up/a.wav'"),
        ("down/x.wav\nup/a_1.wav\nno/a.wav\n", "'down/x.wav' and the folder has 'down/a.wav'"),
        ("up/a_1.wav\nno/a.wav\n", "lists 'up/a_1.wav' and the folder has 'up/a.wav'"),
        ("a.wav\n", "1 name, .* lists 'a.wav' and the folder has 'down/a.wav'"),
        ("# none yet\n", r"0 names, .* 3 usable .*\(for example, the folder has 'down/a.wav'\)"),
    ],
)
@pytest.mark.parametrize("which", [0, 1])
def test_a_list_of_other_recordings_is_refused_with_a_name_of_each_side(write, listed, says, which):
    contents = ["up/b.wav", "up/b.wav"]
    contents[which] = listed
    name = [*lists.OFFICIAL.values()][which]
    with pytest.raises(UserError, match=f"{name} has .*{says}"):
        lists.official_lists(write(*contents), ["up/a.wav", "up/b.wav", "down/a.wav"])


def test_a_list_that_matches_in_part_says_so(write, messages):
    valid = "up/a.wav\nup/b.wav\nup/gone.wav\nup/lost.wav\nUp/c.wav\nno/d.wav\nno/e.wav\n"
    folder = write(valid, "up/c.wav\n")
    files = [f"up/{name}.wav" for name in "abcd"]
    found = lists.official_lists(folder, files)
    assert found == {"valid": {"up/a.wav", "up/b.wav"}, "test": {"up/c.wav"}}
    valid, test = folder / "validation_list.txt", folder / "testing_list.txt"
    assert messages == [
        f"{valid} lists 2 of 4 usable recordings.",
        "It also lists 3 of other words (for example 'Up/c.wav').",
        f"Warning: 2 names in {valid} match no usable recording (for example, it lists "
        "'up/gone.wav' and the folder has 'up/c.wav').",
        f"{test} lists 1 of 4 usable recordings.",
    ]

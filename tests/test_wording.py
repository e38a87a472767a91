"""Numbers and lists in sentences."""

from spokenwords.wording import counted, some


def test_a_number_with_its_noun():
    assert counted(0, "word") == "0 words"
    assert counted(1, "word") == "1 word"
    assert counted(1_200, "word") == "1,200 words"


def test_many_names_are_counted():
    assert some(["a", "b"]) == "a, b"
    assert some("abcde", 5) == "a, b, c, d, e"
    assert some(map(str, range(1_210))) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1,200 more"

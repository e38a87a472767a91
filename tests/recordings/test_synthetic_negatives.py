"""Synthetic negatives: what is said, by whom, and that it is always the same."""

import wave

from spokenwords.recordings import negative_texts, synthetic_negatives


def written(folder, words):
    folder.mkdir()
    synthetic_negatives.write(folder, words)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.wav")
    }


def test_texts_with_a_word_of_the_data_set_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(negative_texts, "WORDS", ("stop", "shop", "stay"))
    monkeypatch.setattr(negative_texts, "SENTENCES", ("Can you stop?", "We shop, then we stay."))
    every = written(tmp_path / "every", [])
    some = written(tmp_path / "some", ["Stop", "shops", "then_you"])
    # Each text is spoken by four voices, and the others are as before.
    assert len(every) == 4 * 5
    assert len(some) == 4 * 3
    assert some.items() <= every.items()
    assert len({name.partition("_nohash_")[0] for name in every}) > 8
    # "stop" and "Can you stop?" are the first texts.
    assert not any(name.endswith("_nohash_0.wav") for name in some)


def test_they_are_speech_of_some_length(tmp_path, monkeypatch):
    monkeypatch.setattr(negative_texts, "WORDS", ("shop",))
    monkeypatch.setattr(negative_texts, "SENTENCES", negative_texts.SENTENCES[:1])
    for name in written(tmp_path / "folder", []):
        with wave.open(str(tmp_path / "folder" / name)) as file:
            assert file.getframerate() == 16_000
            seconds = file.getnframes() / 16_000
        assert (0.2 < seconds < 1.5) if name.startswith("synthetic_words") else (2 < seconds < 8)


def test_texts_are_many_and_different():
    assert len(set(negative_texts.WORDS)) == len(negative_texts.WORDS) > 500
    assert len(set(negative_texts.SENTENCES)) == len(negative_texts.SENTENCES) == 100
    assert all(word.isalpha() and word.islower() for word in negative_texts.WORDS)


def test_words_may_be_several_and_have_neighbours():
    contains = negative_texts.contains
    assert contains("Thank you very much.", "thank_you")
    assert contains("Thank you very much.", "Thank You")
    assert not contains("Thank you very much.", "you thank")
    assert not contains("Thanks to you.", "thank")
    assert negative_texts.spoken(["zebra", "kettle", "thank-you"]) == ["kettle", "thank-you"]

"""The workflow with Opus files and a table, as in the Multilingual Spoken Words Corpus."""

import json

import numpy as np
import pandas as pd
import pytest
import soundfile
from copies import OVERLAY, Copy

pytestmark = pytest.mark.workflow

WORDS = ["абзар", "агач", "ага"]
SCARCE = "аваз"
RECORDINGS = {**dict.fromkeys(WORDS, 10), SCARCE: 2}
SETS = {"TRAIN": "train", "DEV": "valid", "TEST": "test"}
RATE = 48_000
METRICS = "results/small/runs/complex/metrics.json"


def rows() -> pd.DataFrame:
    """What the table says: of each word six recordings to train on, two of the other sets."""
    return pd.DataFrame(
        {
            "SET": ["TRAIN", "TRAIN", "TRAIN", "DEV", "TEST"][number % 5],
            "LINK": f"{word}/common_voice_tt_{number}.opus",
            "WORD": word,
            "VALID": number > 0,
            "SPEAKER": f"{number % 5}f" if number else "NA",
            "GENDER": "NAN",
        }
        for word, count in RECORDINGS.items()
        for number in range(count)
    )


def write_corpus(folder) -> None:
    """A second of noise around a tone a clip, of another pitch a word."""
    generator = np.random.default_rng(0)
    time = np.arange(RATE) / RATE
    for row in rows().itertuples():
        pitch = 300 * (1 + [*RECORDINGS].index(row.WORD))
        samples = np.sin(2 * np.pi * pitch * time) / 4 + generator.normal(scale=0.02, size=RATE)
        path = folder / "clips" / row.LINK
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, RATE, format="OGG", subtype="OPUS")


def write_table(folder, table: pd.DataFrame) -> None:
    table.to_csv(folder / "tt_splits.csv", index=False)


@pytest.fixture(scope="module")
def copy(made_once) -> Copy:
    return made_once("multilingual", make)


def make(folder) -> Copy:
    """The workflow after a run on the corpus."""
    copy = Copy(folder, OVERLAY)
    corpus = folder / "mswc/tt"
    write_corpus(corpus)
    write_table(corpus, rows())
    copy.overlay["dataset"] = {
        "source": "folder",
        "folder": "mswc/tt/clips",
        "metadata": "mswc/tt/tt_splits.csv",
        "min_recordings": 5,
    }
    copy.overlay["runs"] = {"complex": {"features": "coarse", "split": "official"}}
    copy.overlay["train"] = ["complex"]
    copy.run(METRICS)
    return copy


def test_sets_and_speakers_are_those_of_the_table(copy):
    table = rows().set_index("LINK")
    for name, wanted in SETS.items():
        manifest = pd.read_csv(copy.results / f"splits/official/{wanted}.csv", dtype=str)
        expected = table[(table["SET"] == name) & (table["WORD"] != SCARCE)]
        assert sorted(manifest["file"]) == sorted(expected.index)
        for row in manifest.itertuples():
            speaker = expected.loc[row.file, "SPEAKER"]
            assert row.speaker == (row.file if speaker == "NA" else speaker)
    metrics = json.loads((copy.folder / METRICS).read_text())
    assert metrics["recordings"] == 2 * len(WORDS)


def test_a_line_that_changes_touches_its_word_alone(copy, tmp_path):
    copy = copy.duplicate(tmp_path / "copy")
    table = rows()
    table["GENDER"] = "OTHER"
    write_table(copy.folder / "mswc/tt", table)
    assert copy.plan(METRICS) == {}
    one = table["LINK"] == "ага/common_voice_tt_4.opus"
    table.loc[one, "SET"] = "TRAIN"
    write_table(copy.folder / "mswc/tt", table)
    plan = copy.plan(METRICS)
    assert plan["split"] == plan["train"] == 1
    assert {"inventory", "spectrograms"}.isdisjoint(plan)
    table.loc[one, "SPEAKER"] = "someone else"
    write_table(copy.folder / "mswc/tt", table)
    plan = copy.plan(METRICS)
    assert plan["inventory"] == plan["spectrograms"] == plan["split"] == plan["train"] == 1


def test_without_its_table_the_names_and_lists_count(copy, tmp_path):
    copy = copy.duplicate(tmp_path / "copy")
    corpus = copy.folder / "mswc/tt"
    table = rows()
    write_table(corpus, table.drop(columns="SET"))
    done = copy.dry_run()
    assert done.returncode == 1
    assert "needs validation_list.txt and testing_list.txt in mswc/tt/clips" in done.stdout
    for name, file in (("DEV", "validation_list.txt"), ("TEST", "testing_list.txt")):
        lines = "".join(f"{link}\n" for link in table.loc[table["SET"] == name, "LINK"])
        (corpus / "clips" / file).write_text(lines)
    plan = copy.plan(METRICS)
    assert plan["split"] == 1
    assert "inventory" not in plan
    copy.overlay["dataset"]["metadata"] = None
    assert copy.plan(METRICS)["inventory"] == len(WORDS)


@pytest.mark.parametrize("source", ["folder", "archive", "synthetic"])
def test_a_table_that_is_missing_is_reported_before_anything_runs(copy, tmp_path, source):
    copy = copy.duplicate(tmp_path / "copy")
    copy.overlay["dataset"] |= {"source": source, "metadata": "mswc/missing.csv"}
    done = copy.dry_run()
    assert done.returncode == 1
    assert "The table mswc/missing.csv (config key dataset.metadata) is not readable" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_table_of_other_recordings_is_refused(copy, tmp_path):
    copy = copy.duplicate(tmp_path / "copy")
    table = rows()
    write_table(copy.folder / "mswc/tt", table[table["WORD"] != "агач"])
    done = copy.dry_run()
    assert done.returncode == 1
    sentence = "(config key dataset.metadata) lists no recordings of 1 word in mswc/tt/clips"
    assert f"tt_splits.csv {sentence}: агач." in done.stdout
    assert "Traceback" not in done.stdout


def test_too_few_words_with_many_recordings(copy, tmp_path):
    copy = copy.duplicate(tmp_path / "copy")
    copy.overlay["dataset"]["min_recordings"] = 11
    done = copy.dry_run()
    assert done.returncode == 1
    sentence = "All 4 words in mswc/tt/clips have fewer than 11 recordings (config key"
    assert f"{sentence} dataset.min_recordings)" in done.stdout
    assert "Traceback" not in done.stdout

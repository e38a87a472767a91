"""Recognising recordings, by the command that takes a model and by the workflow."""

import csv
import io
import re
import resource
import signal
import subprocess
import sys
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from conftest import SMALL
from copies import REPOSITORY, Copy

from spokenwords.evaluation import predictions
from spokenwords.model.classifier import Classifier
from spokenwords.recognition import command, table
from spokenwords.recognition.table import COLUMNS
from spokenwords.recordings import doubts

COMMAND = REPOSITORY / "workflow/scripts/predict.py"
WORDS = ["left", "right", "unknown"]


# The command.


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An untrained model."""
    torch.manual_seed(1)
    classifier = Classifier(WORDS, "power", SMALL, 1000, "residual", ["unknown"])
    path = tmp_path_factory.mktemp("model") / "model.pt"
    classifier.save(path)
    return path


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Three recordings in a folder."""
    folder = tmp_path_factory.mktemp("recordings")
    (folder / "sub").mkdir()
    samples = np.random.default_rng(1).normal(0, 0.1, 2000)
    for name, part in [("a.wav", 1000), ("b, \n.flac", 700), ("sub/ü.wav", 2000)]:
        soundfile.write(folder / name, samples[:part], 1000)
    return folder


def predict(*arguments, **options):
    """Run the command; what it printed is bytes, as lines may end in names."""
    command = [sys.executable, COMMAND, *arguments]
    return subprocess.run(command, capture_output=True, timeout=120, **options)


def rows(table: bytes):
    return list(csv.DictReader(io.StringIO(table.decode(), newline="")))


def test_a_folder_to_a_table(model, recordings):
    done = predict("model.pt", recordings, cwd=model.parent)
    assert done.returncode == 0, done.stderr
    table = rows(done.stdout)
    assert list(table[0]) == COLUMNS
    # A folder's recordings are sorted, and the last one is twice as long as the model's window.
    names = [str(recordings / name) for name in ("a.wav", "b, \n.flac", "sub/ü.wav")]
    assert list(dict.fromkeys(row["file"] for row in table)) == names
    assert [(row["start"], row["end"]) for row in table[:2]] == [("0.0", "1.0"), ("0.0", "0.7")]
    for row in table:
        assert {row["word1"], row["word2"], row["word3"]} == set(WORDS)
        assert sum(float(row[f"p{place}"]) for place in "123") == pytest.approx(1, abs=3e-6)
        assert row["fault"] == ""


def test_several_places_and_a_table_in_a_file(model, recordings, tmp_path):
    (tmp_path / "list.txt").write_text(f"{recordings}/a.wav\nmissing.wav\n")
    options = ["--output", "words.csv", "--keep", "0.5", "--threads", "1", "--device", "cpu"]
    done = predict(model, "list.txt", recordings / "sub", *options, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.endswith(
        b"1 of 3 recordings could not be read:\n  missing.wav: No such file or directory\n"
    )
    assert b"Traceback" not in done.stderr
    table = rows((tmp_path / "words.csv").read_bytes())
    files = list(dict.fromkeys(row["file"] for row in table))
    assert files == [f"{recordings}/a.wav", "missing.wav", f"{recordings}/sub/ü.wav"]
    assert [row["fault"] for row in table if row["file"] == "missing.wav"] == [
        "No such file or directory"
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"list.txt", "words.csv"}


def test_a_reader_that_stops_early_ends_the_command_in_silence(model, recordings, tmp_path):
    (tmp_path / "list.txt").write_text(f"{recordings}/a.wav\n" * 5000)
    command = [sys.executable, COMMAND, model, tmp_path / "list.txt"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b"file,start,end,answer")
        process.stdout.close()
        errors = process.stderr.read()
        process.wait(timeout=120)
    assert process.returncode == 2
    assert b"Traceback" not in errors
    assert b"Broken pipe" not in errors


@pytest.mark.parametrize("place", ["a file", "standard output"])
def test_a_full_disk_is_reported_and_leaves_no_part_of_a_table(model, recordings, tmp_path, place):
    (tmp_path / "list.txt").write_text(f"{recordings}/a.wav\n" * 100)
    output = tmp_path / "words.csv"
    output.write_text("the table of last time")
    arguments = [sys.executable, COMMAND, model, tmp_path / "list.txt"]
    arguments += ["--output", output] if place == "a file" else []

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    with (tmp_path / "printed").open("wb") as printed:
        done = subprocess.run(
            arguments, stdout=printed, stderr=subprocess.PIPE, preexec_fn=limited, timeout=120
        )
    assert done.returncode == 2
    assert re.search(b"Error: The table cannot be written to .*File too large", done.stderr)
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    assert output.read_text() == "the table of last time"
    assert {path.name for path in tmp_path.iterdir()} == {"list.txt", "words.csv", "printed"}


def test_a_command_that_is_terminated_leaves_the_table_of_last_time(model, recordings, tmp_path):
    (tmp_path / "list.txt").write_text(f"{recordings}/a.wav\n" * 100_000)
    output = tmp_path / "words.csv"
    output.write_text("the table of last time")
    command = [sys.executable, COMMAND, model, tmp_path / "list.txt", "--output", output]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        # By then there is a part.
        assert any(line.startswith(b"Words are reported") for line in process.stderr)
        assert len(list(tmp_path.iterdir())) == 3
        process.terminate()
        process.wait(timeout=120)
    assert output.read_text() == "the table of last time"
    # The next run removes the part.
    assert predict(model, recordings / "a.wav", "--output", output).returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"list.txt", "words.csv"}


def test_a_link_is_written_to_and_not_replaced(model, recordings, tmp_path):
    (tmp_path / "link.csv").symlink_to("target.csv")
    assert predict(model, recordings / "a.wav", "--output", tmp_path / "link.csv").returncode == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert rows((tmp_path / "target.csv").read_bytes())[0]["fault"] == ""


def test_a_damaged_model_is_reported(recordings, tmp_path):
    (tmp_path / "model.pt").write_bytes(b"PK\3\4 damaged")
    done = predict("model.pt", recordings, "--output", "words.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert (
        b"Error: model.pt is not a model of this workflow, but a file that is damaged"
        in done.stderr
    )
    assert b"Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


def test_a_closed_standard_output_is_reported(model, recordings):
    command = [sys.executable, str(COMMAND), str(model), str(recordings)]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *command], stderr=subprocess.PIPE, timeout=120
    )
    assert done.returncode == 2
    assert b"Error: Standard output is closed: name a file for the table" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.fixture
def ask(tmp_path, monkeypatch, run_command):
    """A function that runs the command in `tmp_path`; returns its status and messages."""

    def ask(*arguments):
        # In this process: in others, most of them would import PyTorch first.
        monkeypatch.chdir(tmp_path)
        status, printed = run_command(command.predict, *arguments)
        return status, printed.err

    return ask


def test_a_file_that_is_no_model_is_reported_without_the_workflows_advice(tmp_path, ask):
    (tmp_path / "a.wav").touch()
    (tmp_path / "model.pt").write_text("version https://git-lfs.github.com/spec/v1")
    assert ask("model.pt", "a.wav", "--device", "cpu") == (
        2,
        "Error: model.pt is not a model of this workflow, but a text file that begins with "
        "'version https://git-lfs.github.com/spec/v1': name a run's model.pt.\n",
    )


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (MemoryError(), "There is not enough memory: end other programs, or lower --threads."),
        (RuntimeError("CUDA out of memory. Tried"), "There is not enough memory: end other"),
        (OSError(28, "No space left on device"), "The table cannot be written to standard output"),
    ],
)
def test_errors_of_the_machine_are_reported(model, tmp_path, ask, monkeypatch, raised, expected):
    (tmp_path / "a.wav").touch()
    monkeypatch.setattr(table, "recognize", mock.Mock(side_effect=raised))
    status, said = ask(str(model), "a.wav", "--device", "cpu")
    assert (status, said.startswith(f"Error: {expected}")) == (2, True)
    assert "config" not in said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "the following arguments are required: MODEL, RECORDING"),
        (["model.pt"], "the following arguments are required: RECORDING"),
        (["missing.pt", "a.wav"], "model missing.pt is not readable (No such file or directory)"),
        ([".", "a.wav"], "The model . is not readable (Is a directory)"),
        (["model.pt", "nowhere"], "There is no recording, folder or list of recordings nowhere"),
        (["model.pt", "typo.wav"], "There is no recording, folder or list of recordings typo.wav"),
        (["model.pt", "empty"], f"no {doubts.KINDS} files in the folder empty"),
        (
            ["model.pt", "model.pt"],
            f"model.pt is neither a {doubts.KINDS} file, nor a folder",
        ),
        (["model.pt", "a.wav", "--keep", "0"], "--keep: 0 is not above 0 and at most 1"),
        (["model.pt", "a.wav", "--keep", "nan"], "--keep: nan is not above 0 and at most 1"),
        (["model.pt", "a.wav", "--keep", "95%"], "--keep"),
        (["model.pt", "a.wav", "--threads", "0"], "--threads: 0 is not at least 1"),
        (["model.pt", "a.wav", "--device", "tpu"], "--device: invalid choice: 'tpu'"),
        (["model.pt", "a.wav", "--output", "empty"], "empty is not a regular file"),
        (["model.pt", "a.wav", "--output", "no/a.csv"], "cannot be written to no/a.csv (No such"),
    ],
)
def test_wrong_arguments_are_reported_before_anything_is_done(
    model, tmp_path, ask, arguments, expected
):
    (tmp_path / "model.pt").write_bytes(model.read_bytes())
    (tmp_path / "a.wav").touch()
    (tmp_path / "empty").mkdir()
    status, said = ask(*arguments)
    assert status == 2
    assert expected in said
    assert {path.name for path in tmp_path.iterdir()} == {"model.pt", "a.wav", "empty"}


# The workflow.

LIST = "tested.txt"


def words(copy: Copy, run: str) -> pd.DataFrame:
    table = pd.read_csv(copy.results / "predicted" / f"{run}.csv", keep_default_na=False)
    return table.set_index("file", drop=False)


@pytest.fixture(scope="module")
def recognized(finished, tmp_path_factory) -> Copy:
    """The workflow after it has recognised the test recordings of a run, and one that is broken."""
    copy = finished.duplicate(tmp_path_factory.mktemp("recognized") / "copy")
    tested = pd.read_csv(copy.results / "splits/speaker/test.csv")["file"]
    lines = [*(f"data/small/{file}" for file in tested), "broken.wav"]
    (copy.folder / LIST).write_text("\n".join(lines))
    (copy.folder / "broken.wav").write_text("no sound")
    copy.overlay["train"] = ["complex"]
    done = copy.snakemake("predict", "--config", f"predict={{recordings: {LIST}}}")
    assert done.returncode == 0, done.stdout
    assert "1 of " in done.stdout
    assert "broken.wav: a text" in done.stdout
    copy.overlay["predict"] = {"recordings": LIST}
    return copy


@pytest.mark.workflow
def test_answers_are_those_of_the_evaluation(recognized):
    predicted = words(recognized, "complex")
    expected = pd.read_csv(recognized.results / "runs/complex/predictions.csv")
    assert len(predicted) == len(expected) + 1
    for row in expected.itertuples():
        own = predicted.loc[f"data/small/{row.file}"]
        assert own["word1"] == row.prediction
        assert own["answer"] in (row.prediction, "unknown")
        known = dict(predictions.likeliest(row._asdict()))
        for place in "123":
            # The network's arithmetic may be that of bfloat16, and stores have values rounded.
            probability = known[own[f"word{place}"]]
            assert float(own[f"p{place}"]) == pytest.approx(probability, abs=0.02)
    assert predicted.loc["broken.wav", "fault"] == "a text file"


@pytest.mark.workflow
def test_what_is_recognised_again(recognized, tmp_path):
    copy = recognized.duplicate(tmp_path / "copy")
    again = {"predict_words": 1, "predict": 1}
    assert copy.plan("predict") == {}
    listed = copy.folder / LIST
    for path in [listed, *(copy.folder / "data/small").rglob("*.wav")]:
        path.touch()
    assert copy.plan("predict") == {}
    soundfile.write(copy.folder / "broken.wav", np.zeros(100), 1000)
    assert copy.plan("predict") == again
    copy.overlay["predict"] = {"recordings": "own"}
    own = copy.folder / "own/deeper"
    own.mkdir(parents=True)
    soundfile.write(own / "a.wav", np.zeros(100), 1000)
    copy.run("predict")
    assert list(words(copy, "complex").index) == ["own/deeper/a.wav"]
    assert copy.plan("predict") == {}
    soundfile.write(own / "b.wav", np.zeros(100), 1000)
    assert copy.plan("predict") == again
    (own / "b.wav").unlink()
    assert copy.plan("predict") == {}
    copy.overlay["predict"]["keep"] = 0.5
    assert copy.plan("predict") == again
    del copy.overlay["predict"]["keep"]
    (copy.results / "runs/complex/model.pt").unlink()
    assert copy.plan("predict") == again | {"train": 1}


@pytest.mark.workflow
def test_recordings_are_searched_only_for_the_target_predict(finished, tmp_path):
    copy = finished.duplicate(tmp_path / "copy")
    copy.overlay["predict"] = {"recordings": "nowhere"}
    assert copy.plan() == {}
    assert not (copy.results / "predicted").exists()
    done = copy.snakemake("predict", "--dry-run")
    assert done.returncode == 1
    assert "There is no recording, folder or list of recordings nowhere." in done.stdout
    assert "predict.recordings" in done.stdout
    assert "Traceback" not in done.stdout
    # Not after hours of training either.
    copy.overlay["predict"] = {"recordings": "typo.wav"}
    model = copy.results / "runs/mel/model.pt"
    model.unlink()
    for target in ("predict", "results/small/predicted/mel.csv"):
        done = copy.snakemake(target)
        assert done.returncode == 1
        assert "There is no recording, folder or list of recordings typo.wav." in done.stdout
        assert "Traceback" not in done.stdout
        assert not model.exists()
    del copy.overlay["predict"]
    for target in ("predict", "results/small/predicted/mel.csv"):
        done = copy.snakemake(target, "--dry-run")
        assert done.returncode == 1
        assert "Config key predict.recordings is empty: name" in done.stdout
        assert "Traceback" not in done.stdout

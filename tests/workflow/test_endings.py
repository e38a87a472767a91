"""How invocations start and end: what is said, what goes on after a failure, what is retried."""

import json
import shutil
import signal

import numpy as np
import pytest
import soundfile
from copies import OVERLAY, Copy

pytestmark = pytest.mark.workflow

INVENTORY = "results/small/inventory/left.csv"


@pytest.fixture
def own_words(tmp_path):
    """A workflow that has not run, on two words of which each has one recording."""
    overlay = OVERLAY | {"dataset": {"source": "folder", "folder": "words"}}
    copy = Copy(tmp_path, overlay)
    for word in ("left", "right"):
        (tmp_path / "words" / word).mkdir(parents=True)
        soundfile.write(tmp_path / "words" / word / "one.wav", np.full(16000, 0.1), 16000)
    return copy


def replace(copy: Copy, script: str, line: str) -> str:
    """Have a rule's script end with another line; return it as it was."""
    path = copy.library.parent / script
    text = path.read_text()
    path.write_text(f"{text}\n    {line}\n")
    return text


# The data folder is read only where its content matters.


@pytest.mark.parametrize("option", ["--unlock", "--lint", "--list-rules"])
def test_without_the_data_folder_snakemake_does_what_needs_none(own_words, option):
    shutil.rmtree(own_words.folder / "words")
    done = own_words.snakemake(option)
    assert done.returncode == 0, done.stdout
    assert "Error:" not in done.stdout


@pytest.mark.parametrize("arguments", [["--dry-run"], ["--touch"], [INVENTORY], []])
def test_without_the_data_folder_a_run_ends_with_a_sentence(own_words, arguments):
    shutil.rmtree(own_words.folder / "words")
    done = own_words.snakemake(*arguments)
    assert done.returncode == 1
    *_, before, last = done.stdout.splitlines()
    assert before == "Building DAG of jobs..."
    assert last.startswith("Error: The folder words does not exist (config key dataset.folder)")


def test_a_recording_of_none_of_the_words_is_reported_in_a_sentence(own_words):
    own_words.overlay["explore"] = {"recording": "up/one.wav"}
    done = own_words.snakemake("results/small/explore/waveform.svg")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == (
        "Error: Config key explore.recording is 'up/one.wav'; it must be a recording of one of the "
        "words left, right."
    )


# Retries.


@pytest.mark.parametrize(
    ("line", "times"),
    [
        ("raise RuntimeError('always')", 1),
        (f"import os; os.kill(os.getpid(), {signal.SIGKILL:d})", 3),
        ("raise MemoryError", 3),
    ],
)
def test_a_job_is_retried_where_more_memory_or_time_may_help(own_words, line, times):
    tried = f"open('tried.txt', 'a').write('.'); {line}"
    replace(own_words, "inventory.py", tried)
    done = own_words.snakemake(INVENTORY, "--retries", "2")
    assert done.returncode == 1
    assert (own_words.folder / "tried.txt").read_text() == "." * times


# The last lines.


def test_errors_are_reported_once_at_the_end_and_other_jobs_go_on(own_words):
    replace(own_words, "inventory.py", "if snakemake.wildcards.word == 'left': raise ValueError")
    done = own_words.snakemake("results/small/recordings/summary.csv", cores=1)
    assert done.returncode == 1
    ending = done.stdout.partition("\nFailed: ")[2].splitlines()
    log = "results/small/logs/inventory/left.log"
    assert ending[:5] == [
        "inventory (word left).",
        "Error: ValueError:",
        f"Log: {log}",
        "",
        "Stopped: finished results are kept; repeat the command to resume.",
    ]
    assert len(ending) == 6
    assert ending[5].startswith("Snakemake's log: ")
    assert (own_words.results / "inventory/right.csv").exists()


def test_an_analysis_that_fails_is_named_in_the_report(finished, tmp_path):
    """The report is made of the rest, and made again once the analysis succeeds."""
    copy = finished.duplicate(tmp_path / "copy")
    (copy.results / "runs/mel/difficulty.svg").unlink()
    script = replace(copy, "difficulty.py", "raise KeyError((0.0, 1.0))")
    whole = copy.overlay
    copy.overlay = whole | {"train": ["mel"]}
    done = copy.snakemake()
    assert done.returncode == 1
    page = copy.results / "report.html"
    assert done.stdout.splitlines()[-7:-1] == [
        "Failed: difficulty (run mel).",
        "Error: KeyError: (0.0, 1.0)",
        "Log: results/small/logs/difficulty/mel.log",
        "",
        "The report results/small/report.html is incomplete.",
        "Stopped: finished results are kept; repeat the command to resume.",
    ]
    report = page.read_text()
    assert "This report is incomplete." in report
    assert "<strong>difficulty (run mel)</strong> failed: KeyError: (0.0, 1.0) (log: " in report
    # Neither what is missing nor what was to be made of it; all else.
    assert "runs/mel/tables.html." in report
    assert '"errors by properties"' not in report
    assert '"confusion heat map"' in report
    accuracy = json.loads((copy.results / "runs/mel/metrics.json").read_text())["accuracy"]
    assert f"{accuracy:.2%}" in report

    (copy.library.parent / "difficulty.py").write_text(script)
    assert copy.plan() == {"difficulty": 1, "tabulate_run": 1, "html_report": 1}
    done = copy.snakemake()
    assert done.returncode == 0, done.stdout
    test, report = done.stdout.splitlines()[-2:]
    assert test.startswith(f"Run mel: test accuracy {accuracy:.2%} (95 % interval ")
    assert test.endswith(", split random.")
    assert report == "The report is results/small/report.html."
    assert "This report is incomplete." not in page.read_text()
    assert copy.plan() == {}


def test_an_incomplete_report_never_passes_for_the_whole_one(finished, tmp_path):
    """Not even when what failed is not asked for any more, and all else is as it was."""
    copy = finished.duplicate(tmp_path / "copy")
    whole = json.loads(json.dumps(copy.overlay))
    copy.overlay["explore"] = {"recording": "happy/nothing.wav"}
    done = copy.snakemake()
    assert done.returncode == 1
    assert "Failed: explore." in done.stdout
    assert "This report is incomplete." in (copy.results / "report.html").read_text()
    copy.overlay = whole
    assert copy.plan() == {"explore": 1, "html_report": 1}


# Results without a record.


def test_results_that_were_copied_without_their_record_are_pointed_out(finished, tmp_path):
    copy = finished.duplicate(tmp_path / "copy")
    assert "Warning: " not in copy.snakemake().stdout
    # Without a record, only times say what is up to date; other tests may have mixed these up.
    assert copy.snakemake("--touch", "--forceall").returncode == 0
    shutil.rmtree(copy.folder / ".snakemake")
    copy.overlay["splits"]["speaker"]["seed"] = 5
    done = copy.snakemake()
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout
    assert "Warning: .snakemake has no record of how results of 45 jobs were made" in done.stdout
    del copy.overlay["splits"]["speaker"]["seed"]
    done = copy.snakemake("--touch", "--forceall")
    assert done.returncode == 0, done.stdout
    assert "Warning: " not in copy.snakemake().stdout
    copy.overlay["splits"]["speaker"]["seed"] = 5
    assert copy.plan()["split"] == 1

"""The last lines of an invocation."""

import csv
import json
import os

import pytest

from spokenwords.jobs import summary
from spokenwords.jobs.summary import Failure

TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 1\nKeyError: (0.0, 1.0)'


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", None),
        ("2026-11-27 02:03:26 No GPU found.\n", None),
        ("2026-11-27 02:03:26 Interrupted.\n", None),
        ("2026-11-27 02:03:26 Error: No room.\n", "Error: No room."),
        # Only what a job says of itself: libraries write without a time.
        ("Error: deprecated\n2026-11-27 02:03:26 Read.\nError: ignored\n", None),
        (
            "2026-11-27 02:03:26 Error: 2 recordings cannot be read:\n  left/bad.wav: empty\n"
            "  right/bad.wav: empty\n",
            "Error: 2 recordings cannot be read:\n  left/bad.wav: empty\n  right/bad.wav: empty",
        ),
        (
            "2026-11-27 02:03:26 Read.\n2026-11-27 02:03:27 Error: KeyError: (0.0, 1.0) "
            f"(traceback in {{log}})\n2026-11-27 02:03:27 \n{TRACEBACK}\n",
            "Error: KeyError: (0.0, 1.0)",
        ),
    ],
)
def test_the_error_in_a_log(tmp_path, text, error):
    log = tmp_path / "job.log"
    log.write_text(text.replace("{log}", str(log)))
    assert summary.error_in(log, since=0) == error


def test_the_log_of_an_earlier_job_has_no_error_of_this_one(tmp_path):
    log = tmp_path / "job.log"
    assert summary.error_in(log, since=0) is None
    log.write_text("2026-11-27 02:03:26 Error: No room.\n")
    os.utime(log, (1_000, 1_000))
    assert summary.error_in(log, since=1_061) is None
    assert summary.error_in(log, since=1_060) == "Error: No room."


@pytest.mark.parametrize(
    ("rows", "tested_on"),
    [
        ([("bird/a_nohash_0.wav", "a"), ("cat/b_nohash_0.wav", "b")], "2 recordings of 2 speakers"),
        ([("bird/a_nohash_0.wav", "a"), ("cat/a_nohash_0.wav", "a")], "2 recordings of 1 speaker"),
        # Silence has no speaker.
        ([("bird/a_nohash_0.wav", "a"), ("_background_noise_/hum.wav", "")], None),
        # Names that do not contain a speaker.
        ([("bird/1.wav", "bird/1.wav")], "1 recording"),
        ([("bird/1.wav", "bird/1.wav"), ("cat/a_nohash_0.wav", "a")], "2 recordings"),
    ],
)
def test_the_line_of_a_run_describes_its_test_set(tmp_path, rows, tested_on):
    figures = {"accuracy": 0.93241, "accuracy_interval": [0.9251, 0.9398], "recordings": len(rows)}
    (tmp_path / "metrics.json").write_text(json.dumps(figures))
    with (tmp_path / "predictions.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "speaker"), *rows])
    assert summary.of_run("complex", "random", tmp_path) == (
        "Run complex: test accuracy 93.24% (95 % interval 92.51% to 93.98%), "
        f"{tested_on or '2 recordings of 1 speaker'}, split random."
    )


def test_each_error_is_reported_once_with_its_jobs_and_logs():
    failures = [
        Failure("inventory (word bed)", "logs/bed.log", "Error: No room."),
        Failure("train (run complex)", "logs/complex.log"),
        Failure("inventory (word cat)", "logs/cat.log", "Error: No room."),
        Failure("all", None, "Error: ended"),
    ]
    assert summary.of_failures(failures) == [
        "Failed: inventory (word bed), inventory (word cat).",
        "Error: No room.",
        "Log: logs/bed.log, logs/cat.log",
        "",
        "Failed: train (run complex).",
        "The log has no error: the job was killed, did not start, or its output is missing.",
        "Log: logs/complex.log",
        "",
        "Failed: all.",
        "Error: ended",
        "",
    ]
    assert summary.of_failures([]) == []


@pytest.mark.parametrize(
    ("error", "lasts"),
    [
        (None, False),
        ("Error: No recordings of cat in words (config key dataset.words).", True),
        ("Error: KeyError: 'a'", True),
        ("Error: The GPU does not have enough memory. Stop other programs on it.", True),
        ("Error: There is not enough memory (9 GiB requested). Stop other programs.", False),
    ],
)
def test_more_memory_or_time_helps_where_a_job_was_killed(error, lasts):
    assert Failure("train", "train.log", error).lasts is lasts

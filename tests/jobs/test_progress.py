"""A job's log, errors that end it, and progress lines."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from spokenwords.errors import UserError
from spokenwords.jobs import progress
from spokenwords.jobs.progress import Progress
from spokenwords.wording import duration

LIBRARY = Path(progress.__file__).parents[2]
START = """
import logging, os, sys, warnings
from spokenwords.errors import UserError
from spokenwords.jobs.log import job_log, logger
from spokenwords.jobs.progress import Progress
from spokenwords.wording import duration
"""


@pytest.fixture
def job(tmp_path):
    """A function that runs lines under a job's log; returns the process and what the log holds."""

    def job(*lines, **environment):
        body = "\n".join(f"    {line}" for line in lines)
        done = subprocess.run(
            [sys.executable, "-c", f"{START}with job_log('job.log'):\n{body}\nprint('after')"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(LIBRARY)} | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        log = tmp_path / "job.log"
        return done, log.read_text() if log.is_file() else ""

    return job


def test_messages_are_in_the_log_with_the_time_and_on_the_terminal(job):
    done, log = job("logger.info('Half of it.')", "logger.warning('Not good.')")
    assert done.returncode == 0
    assert done.stdout == "after\n"
    assert done.stderr == "Half of it.\nNot good.\n"
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    assert re.fullmatch(rf"{stamp} Half of it\.\n{stamp} Not good\.\n", log)


def test_all_else_on_standard_error_is_in_the_log_alone(job):
    done, log = job(
        "os.write(2, b'from compiled code\\n')",
        "print('from print', file=sys.stderr)",
        "warnings.warn('from a warning')",
        "logging.getLogger('other').warning('from another logger')",
        "os.system('echo from another process >&2')",
    )
    assert done.returncode == 0
    assert done.stderr == ""
    for source in ("compiled code", "print", "a warning", "another logger", "another process"):
        assert f"from {source}" in log


def test_log_lines_are_in_the_order_in_which_they_were_written(job):
    lines = ["logger.info('line 1')", "os.write(2, b'line 2\\n')", "logger.info('line 3')"]
    _, log = job(*lines)
    assert re.findall(r"line \d", log) == ["line 1", "line 2", "line 3"]


def test_standard_output_is_left_alone(job):
    done, log = job("print('a result')")
    assert done.stdout == "a result\nafter\n"
    assert log == ""


def test_an_earlier_log_is_replaced(job):
    job("logger.info('first')")
    _, log = job("logger.info('second')")
    assert "first" not in log


def test_a_users_error_is_reported_as_a_sentence_without_a_traceback(job):
    done, log = job("raise UserError('There is no folder data: make one.')")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "Error: There is no folder data: make one.\n"
    assert "There is no folder data: make one." in log
    assert "Traceback" not in log


def test_a_sentence_may_have_several_lines(job):
    done, _ = job(r"raise UserError('These are bad:\n  a.wav\n  b.wav')")
    assert done.stderr == "Error: These are bad:\n  a.wav\n  b.wav\n"


def test_an_unexpected_error_has_its_traceback_only_in_the_log(job):
    done, log = job("numbers = []", "numbers[7]")
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "IndexError" in line
    assert "list index out of range" in line
    assert "job.log" in line
    assert "Traceback (most recent call last)" in log
    assert "IndexError: list index out of range" in log.splitlines()[-1]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("OSError(28, 'No space left on device', 'a.csv')", "The disk is full: a.csv (No space"),
        ("OSError(122, 'Disk quota exceeded')", "The disk is full (Disk quota"),
        ("RuntimeError('[Errno 27] File too large')", "The disk is full (File too"),
        (
            "PermissionError(13, 'Permission denied', 'b')",
            "b is not readable or not writable (Perm",
        ),
        (
            "OSError(30, 'Read-only file system', 'b')",
            "b is not readable or not writable (Read-only",
        ),
        (
            "OSError(24, 'Too many open files', 'b')",
            "Too many files are open (Too many open files)",
        ),
        ("RuntimeError('[Errno 24] Too many open files')", "Too many files are open (Too many"),
        (
            "OSError(12, 'Cannot allocate memory')",
            "There is not enough memory. Stop other programs",
        ),
        ("MemoryError()", "There is not enough memory. Stop other programs"),
        (
            "MemoryError('Unable to allocate 7.11 PiB for an array with shape (9,)')",
            "There is not enough memory (7.11 PiB requested). Stop other programs",
        ),
        (
            'RuntimeError("can\'t allocate memory: you tried to allocate 40 bytes. Error")',
            "There is not enough memory (40 bytes requested). Stop other programs",
        ),
        (
            "RuntimeError('CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total')",
            "The GPU does not have enough memory. Stop other programs on it, use a larger one, or "
            "lower batch_size",
        ),
    ],
)
def test_errors_of_the_machine_are_reported_in_a_sentence(job, error, sentence):
    for lines in ([f"raise {error}"], [f"try: raise {error}", "except Exception: 1 / 0"]):
        done, log = job(*lines)
        assert done.returncode == 1
        assert done.stderr.startswith(f"Error: {sentence}")
        assert "Traceback" not in log


def test_a_log_that_cannot_be_written_is_reported(job, tmp_path):
    (tmp_path / "job.log").mkdir()
    done, _ = job("pass")
    assert done.returncode == 1
    assert done.stderr == "Error: [Errno 21] Is a directory: 'job.log'\n"


def test_causes_are_in_the_log(job):
    _, log = job("try: 1 / 0", "except Exception as error: raise KeyError('key') from error")
    assert "ZeroDivisionError" in log
    assert "direct cause" in log


def test_an_interruption_ends_as_interrupted_programs_do(job):
    done, log = job("raise KeyboardInterrupt")
    assert done.returncode == 130
    assert done.stderr == "Interrupted.\n"
    assert "Traceback" not in log
    assert "Interrupted." in log


def test_a_status_that_is_asked_for_is_kept(job):
    done, _ = job("sys.exit(7)")
    assert done.returncode == 7


def test_messages_that_a_terminal_cannot_show_are_shown_otherwise(job):
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done, log = job("logger.info('word \\u306f\\u3044')", "logger.info('next')", **ascii_only)
    assert done.returncode == 0
    assert done.stderr == "word \\u306f\\u3044\nnext\n"
    assert "Traceback" not in log


def test_a_user_error_is_an_exception_with_a_message():
    assert str(UserError("What is wrong.")) == "What is wrong."
    assert issubclass(UserError, Exception)


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until a test moves it."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_a_line_has_share_rate_and_time_left(clock, messages):
    task = Progress("Spectrograms yes", 2000, "recordings")
    clock.now += 10
    task.advance(500)
    # 50 a second; 1,500 are left.
    assert messages == ["Spectrograms yes: 500 of 2,000 recordings (25%), 50 per second, 30 s left"]


def test_the_rate_is_that_of_the_whole_task(clock, messages):
    task = Progress("Task", 1000, "steps")
    for count in (100, 20):
        clock.now += 10
        task.advance(count)
    # 120 in 20 s.
    assert messages[-1].endswith("120 of 1,000 steps (12%), 6 per second, 2 min 27 s left")


def test_lines_are_an_interval_apart(clock, messages):
    task = Progress("Task", 100, "steps", interval_seconds=5)
    logged = []
    for second in range(1, 21):
        clock.now += 1
        task.advance()
        if len(messages) > len(logged):
            logged.append(second)
    assert logged == [5, 10, 15, 20]


def test_steps_between_lines_are_counted(clock, messages):
    task = Progress("Task", 100, "steps", interval_seconds=5)
    for _ in range(10):
        clock.now += 0.7
        task.advance(2, "epoch 3")
    # The one line is at 5.6 s, after 8 times 2.
    (line,) = messages
    assert "16 of 100 steps (16%)" in line
    assert line.endswith("; epoch 3")


def test_a_task_that_is_over_soon_says_nothing(clock, messages):
    task = Progress("Task", 10, "steps")
    for _ in range(10):
        clock.now += 0.4
        task.advance()
    assert messages == []


@pytest.mark.parametrize(
    ("count", "seconds", "rate"),
    [(1, 8, "0.125"), (3, 8, "0.375"), (995, 10, "99.5"), (12346, 10, "1,235"), (20, 10, "2")],
)
def test_rates_have_three_figures_or_all_before_the_point(clock, messages, count, seconds, rate):
    task = Progress("Task", 20000, "steps")
    clock.now += seconds
    task.advance(count)
    assert f", {rate} per second, " in messages[0]


def test_nothing_is_left_at_the_end(clock, messages):
    task = Progress("Task", 100, "steps")
    clock.now += 10
    task.advance(100)
    assert "100 of 100 steps (100%)" in messages[0]
    assert messages[0].endswith("0 s left")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0, "0 s"), (0.4, "0 s"), (1, "1 s"), (59.4, "59 s"), (59.6, "1 min 0 s")),
        *((60, "1 min 0 s"), (200, "3 min 20 s"), (3599.4, "59 min 59 s"), (3599.6, "1 h 0 min")),
        *((3600, "1 h 0 min"), (7500, "2 h 5 min"), (100000, "27 h 46 min")),
    ],
)
def test_durations_in_words(seconds, text):
    assert duration(seconds) == text

"""Kills, full disks, two processes at once: what is lost and reported, and how work resumes."""

import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter

import pytest
from copies import OVERLAY, Copy, assert_as_if_undisturbed, files

pytestmark = pytest.mark.workflow

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
STAGES = [
    *("synthesize", "inventory", "check_recordings", "plot_recordings"),
    *("tabulate_recordings", "spectrograms"),
    *("measure_features", "split", "plot_split", "measure_recordings"),
    *("find_learning_rate", "plot_learning_rates", "train", "plot_history", "evaluate"),
    *("plot_confusion", "plot_alluvial", "calibrate", "difficulty", "tabulate_run", "gallery"),
    *("explore", "headline", "html_report"),
]
# After the beginning of a job, seconds: about as long as the short ones take.
LONGEST_DELAY = 1.2
MEGABYTE = 1_000_000


def kill(
    copy: Copy, targets: set[str], number: int, delay: float, *options: str
) -> set[str] | None:
    """Run, and send a signal to all processes some seconds after one of the `targets` has begun.

    Returns the rules of which a job was running then; None where the run came to its end before.
    """
    begun, running, output = threading.Event(), Counter(), []
    process = subprocess.Popen(
        # Less quiet than the profile: which jobs begin and end is read from the output.
        copy.command("--quiet", "host", *options),
        cwd=copy.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # A shell that starts the tests in the background has SIGINT ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )

    def watch():
        for line in process.stdout:
            output.append(line)
            if begins := re.match(r"(?:local)?(?:rule|checkpoint) (\w+):", line):
                running[begins[1]] += 1
                if begins[1] in targets:
                    begun.set()
            elif ends := re.match(r"Finished jobid: \d+ \(Rule: (\w+)\)", line):
                running[ends[1]] -= 1
        begun.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun.wait()
    time.sleep(delay)
    hit = {rule for rule, jobs in running.items() if jobs}
    if process.poll() is None and hit:
        end(process, number)
        watcher.join()
        return hit
    status = process.wait()
    watcher.join()
    assert status == 0, "".join(output)
    return None


def end(process: subprocess.Popen, number: int) -> None:
    """Send a signal to all processes of a session until they end, and then one that ends them."""
    for _ in range(4):
        os.killpg(process.pid, number)
        try:
            process.wait(timeout=15)
            return
        except subprocess.TimeoutExpired:
            # asyncio loses a Ctrl-C that comes while a coroutine does not pause, as many of
            # Snakemake's do not: people press it again.
            print(f"{signal.Signals(number).name} was missed.")
    # Snakemake's handler of SIGTERM can wait for a lock that the code it interrupted holds.
    print("Snakemake did not end within a minute: killed.")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def unlock(copy: Copy) -> None:
    """What Snakemake itself says to do after a kill."""
    done = copy.snakemake("--unlock")
    assert done.returncode == 0, done.stdout


def test_after_kills_and_a_second_process_it_ends_as_if_undisturbed(finished, tmp_path):
    """Killed in each of three stages; in the run to the end, a second process stops by itself."""
    copy = Copy(tmp_path / "copy", OVERLAY)
    for stage, number in zip(("synthesize", "spectrograms", "train"), SIGNALS, strict=True):
        for delay in (0.5, 0.2, 0.1, 0.05, 0):  # s; it may take less here.
            if stage in (kill(copy, {stage}, number, delay, "--forcerun", stage) or ()):
                break
            unlock(copy)
        else:
            pytest.fail(f"{stage} was never hit.")
        if number == signal.SIGKILL:  # which leaves Snakemake no time to do so itself
            done = copy.snakemake()
            assert done.returncode == 1
            assert "--unlock" in done.stdout
        unlock(copy)
    first = subprocess.Popen(
        copy.command(), cwd=copy.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for line in first.stdout:
        if line.startswith("Epoch 1"):
            break
    second = copy.snakemake()
    assert second.returncode == 1
    assert "Directory cannot be locked" in second.stdout
    assert first.poll() is None
    output = first.stdout.read()
    assert first.wait() == 0, output
    assert_as_if_undisturbed(copy, finished)


@pytest.mark.soak
def test_kills_at_random_moments_of_every_stage(finished, tmp_path):
    """At least fifty, aimed at the stages hit least; after each, the run goes on."""
    seed = int(os.environ.get("SOAK_SEED", time.time()))
    print(f"\nseed {seed} (repeat with SOAK_SEED={seed})")
    generator = random.Random(seed)
    hits, kills, runs = Counter(dict.fromkeys(STAGES, 0)), 0, 0
    copy = Copy(tmp_path / "0", OVERLAY)
    while kills < 50 or not all(hits.values()):
        fewest = {stage for stage in STAGES if hits[stage] == min(hits.values())}
        number, delay = generator.choice(SIGNALS), generator.uniform(0, LONGEST_DELAY)
        hit = kill(copy, fewest, number, delay)
        if hit:
            kills += 1
            hits.update(hit)
            print(f"{kills:3} {number.name} while {', '.join(sorted(hit))} ran")
            unlock(copy)
        else:
            assert_as_if_undisturbed(copy, finished)
            runs += 1
            shutil.rmtree(copy.folder)
            copy = Copy(tmp_path / str(runs), OVERLAY)
    copy.run()
    assert_as_if_undisturbed(copy, finished)
    print(f"{kills} kills in {runs + 1} full runs; running then: {dict(hits)}")


# Disks.


def test_a_full_disk_is_reported_and_work_resumes_once_there_is_room(finished, tmp_path):
    """A limit to the size of files stands for the disk: writing fails in the same way.

    The results lie on another file system than temporary files do.
    """
    if shutil.disk_usage("/dev/shm").free < 200 * MEGABYTE:
        pytest.skip("/dev/shm is too small")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        assert os.stat(elsewhere).st_dev != os.stat(tempfile.gettempdir()).st_dev  # noqa: PTH116
        copy = finished.duplicate(tmp_path / "copy")
        shutil.move(copy.results, f"{elsewhere}/small")
        copy.results.symlink_to(f"{elsewhere}/small")
        shutil.rmtree(copy.results / "features/coarse")
        for largest_file, failing in (
            (0.1 * MEGABYTE, "spectrograms"),
            (2 * MEGABYTE, "train"),  # at its checkpoint
        ):
            before = files(copy)
            assert_no_room(copy, failing, largest_file)
            assert not {name for name in files(copy) - before if "partial" in name}
        copy.run()
        assert_as_if_undisturbed(copy, finished)


@pytest.mark.parametrize(
    ("lost", "largest_file", "failing"),
    [
        ("report.html", 1 * MEGABYTE, "html_report"),
        pytest.param(
            # More than Snakemake writes to lock what it is to make.
            *("runs/complex/difficulty.svg", 0.05 * MEGABYTE, "difficulty"),
            marks=pytest.mark.soak,
        ),
    ],
)
def test_a_full_disk_leaves_no_half_of_a_page(finished, tmp_path, lost, largest_file, failing):
    copy = finished.duplicate(tmp_path / "copy")
    (copy.results / lost).unlink()
    before = files(copy)
    assert_no_room(copy, failing, largest_file)
    assert files(copy) <= before
    copy.run()
    assert_as_if_undisturbed(copy, finished)


def assert_no_room(copy: Copy, rule: str, largest_file: float) -> None:
    done = copy.snakemake(largest_file=largest_file)
    assert done.returncode == 1
    assert f"Failed: {rule}" in done.stdout
    assert "The disk is full" in done.stdout
    assert "Traceback" not in done.stdout


def test_results_that_may_not_be_written(finished, tmp_path):
    copy = finished.duplicate(tmp_path / "copy")
    (copy.results / "runs/mel/history.svg").unlink()
    place = copy.results
    script = f'mount --bind "{place}" "{place}" && mount -o remount,ro,bind "{place}"'
    if subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f'{script} && exec "$@"', "sh", *copy.command()],
        cwd=copy.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 1
    sentence = "Error: The folder results/small is not writable (config key pathvars.results)"
    assert done.stdout.splitlines()[-1].startswith(sentence)
    copy.run()
    assert_as_if_undisturbed(copy, finished)

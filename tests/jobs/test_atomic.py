"""Files and folders written under another name, then renamed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spokenwords.jobs import atomic, hashing

MAKING = """
import sys
from pathlib import Path
from spokenwords.jobs import atomic
place = atomic.beside(Path(sys.argv[1]))
place.mkdir()
(place / "half").touch()
print(place.name, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other():
    """A function that has another process make something; returns it and the name of the place."""
    started = []

    def other(path):
        command = [sys.executable, "-c", MAKING, str(path)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        folder = Path(atomic.__file__).parents[2]
        process = subprocess.Popen(command, cwd=folder, **pipes)
        started.append(process)
        return process, process.stdout.readline().strip()

    yield other
    for process in started:
        process.kill()
        process.communicate()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["a.json", "[x] don't*.zarr", "はい", "x" * 250])
def test_leftovers_are_removed_only_if_their_process_has_ended(tmp_path, other, name):
    process, place = other(tmp_path / name)
    own = atomic.beside(tmp_path / name)
    assert own.name != place
    assert names(tmp_path) == [place]
    assert names(tmp_path / place) == ["half"]
    process.send_signal(signal.SIGKILL)
    while "Z" not in zombie_state(process.pid):  # It has ended and nobody has asked for its status.
        time.sleep(0.01)
    assert atomic.beside(tmp_path / name) == own
    assert names(tmp_path) == []


def write(path, text):
    with atomic.written(path) as partial:
        partial.write_text(text)


def test_a_file_is_replaced_when_it_is_complete(tmp_path):
    path = tmp_path / "a"
    write(path, "old")
    with atomic.written(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["a"]


def test_an_interruption_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "a"
    write(path, "old")
    with pytest.raises(KeyboardInterrupt), atomic.written(path) as partial:
        partial.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_file_that_cannot_be_put_in_place_is_removed(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        write(tmp_path / "a", "new")
    assert names(tmp_path) == ["a"]


def zombie_state(process):
    with open(f"/proc/{process}/stat") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()[0]


def test_what_another_path_or_machine_is_made_from_stays(tmp_path, monkeypatch):
    elsewhere = atomic.beside(tmp_path / "ab")
    elsewhere.touch()
    monkeypatch.setattr(atomic.platform, "node", lambda: "another")
    remote = atomic.beside(tmp_path / "a")
    remote.touch()
    monkeypatch.undo()
    own = atomic.beside(tmp_path / "a")
    own.touch()
    mine = tmp_path / "a.partial"
    mine.touch()
    assert len({elsewhere, remote, own}) == 3
    assert atomic.beside(tmp_path / "a") == own
    assert set(tmp_path.iterdir()) == {elsewhere, remote, mine}


def test_what_another_machine_left_days_ago_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic.platform, "node", lambda: "another")
    for name, days in (("a", 8), ("a.b", 8), ("b", 6)):
        left = atomic.beside(tmp_path / name)
        left.mkdir()
        os.utime(left, times=(time.time() - days * 86400,) * 2)
    monkeypatch.undo()
    atomic.beside(tmp_path / "a")
    atomic.beside(tmp_path / "b")
    assert [name.split(".")[1:-2] for name in names(tmp_path)] == [["a", "b"], ["b"]]


def test_a_cache_leaves_those_of_living_processes(tmp_path, other):
    _, place = other(tmp_path / ".words.json")
    hashing.write_cache(tmp_path / ".words.json", "{}")
    assert names(tmp_path) == sorted([place, ".words.json"])

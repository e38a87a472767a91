"""Memory that jobs request, and the free memory of a machine and its control groups."""

from pathlib import Path

import psutil
import pytest

from spokenwords.jobs import free_memory, memory_request


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """A function that sets the limit of a control group; 1 MB of each is in use.

    The process is in the group slurm/job_7. Of what counts as used, 3 MB more are page cache.
    """
    read_text = free_memory.Path.read_text
    process = "1:name=systemd:/elsewhere\n0::/slurm/job_7\n"
    monkeypatch.setattr(free_memory, "GROUPS", tmp_path)
    monkeypatch.setattr(
        free_memory.Path,
        "read_text",
        lambda path: process if str(path) == "/proc/self/cgroup" else read_text(path),
    )

    def limit(group, value):
        folder = tmp_path / group
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "memory.max").write_text(f"{value}\n")
        (folder / "memory.current").write_text("4000000\n")
        cache = "anon 1000000\nactive_file 1000000\ninactive_file 2000000\n"
        (folder / "memory.stat").write_text(cache)

    return limit


def test_without_limits_it_is_the_machines(groups):
    groups("slurm/job_7", "max")
    assert free_memory.free() == pytest.approx(psutil.virtual_memory().available, rel=0.2)


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        ({"slurm/job_7": 9_000_000}, 8_000_000),
        ({"slurm/job_7": "max", "slurm": 7_000_000}, 6_000_000),
        ({"slurm/job_7": 9_000_000, "slurm": 7_000_000, ".": 8_000_000}, 6_000_000),
        ({"slurm/job_7": 9_000_000, "slurm/job_8": 2_000_000}, 8_000_000),
        # As in a container, whose own group is the only one it sees.
        ({".": 5_000_000}, 4_000_000),
        ({".": 500_000}, 0),
    ],
)
def test_the_tightest_group_counts(groups, limits, left):
    for group, value in limits.items():
        groups(group, value)
    assert free_memory.free() == left


@pytest.fixture
def stores(write_store):
    """Two stores, of 2 and 5 recordings of 2 by 33 by 51 values: 6,732 bytes each in float16."""
    return [str(write_store(word, count) / "zarr.json") for word, count in (("cat", 2), ("up", 5))]


@pytest.fixture
def table(tmp_path):
    """A function that writes a manifest of n recordings, and returns its path."""

    def table(name, rows):
        lines = ["file,word,label,speaker,row\n", *(f"up/{n}.wav,up,1,,{n}\n" for n in range(rows))]
        (tmp_path / name).write_text("".join(lines))
        return str(tmp_path / name)

    return table


@pytest.mark.parametrize(
    ("memory_budget", "rows", "for_spectrograms"),
    [
        ("auto", [3], 2 * 3 * 6_732),  # Half of what is free may be taken.
        (0.1, [3], 3 * 6_732),
        (0.1, [2, 0, 4], 6 * 6_732),
        (0.00001, [3], 10_000),  # The rest is streamed.
    ],
)
def test_what_a_job_needs(stores, table, memory_budget, rows, for_spectrograms):
    tables = [table(f"{number}.csv", count) for number, count in enumerate(rows)]
    assert (
        memory_request.needed(stores, tables, memory_budget)
        == memory_request.PYTORCH + for_spectrograms
    )


def test_a_table_that_is_made_again_is_counted_again(stores, table):
    before = memory_request.needed(stores, [table("test.csv", 3)], 1)
    assert memory_request.needed(stores, [table("test.csv", 4)], 1) == before + 6_732


def test_what_recordings_need_whose_store_or_table_is_not_there_yet(stores, table):
    """Snakemake waits for the file that the error names."""
    for files in (
        (["bed.zarr/zarr.json", *stores], [table("test.csv", 3)]),
        (stores, ["bed.zarr/zarr.json"]),
    ):
        with pytest.raises(FileNotFoundError) as error:
            memory_request.needed(*files, "auto")
        assert error.value.filename == "bed.zarr/zarr.json"


@pytest.mark.parametrize("damage", [None, "", "{}", "null", '{"shape": null}'])
def test_a_damaged_store_is_left_to_its_reader(stores, table, damage):
    array = Path(stores[0]).parent / "spectrogram/zarr.json"
    array.unlink() if damage is None else array.write_text(damage)
    tables = [table("test.csv", 3)]
    assert memory_request.needed(stores, tables, 1) == memory_request.PYTORCH + 3 * 6_732
    assert memory_request.needed(stores[:1], tables, 1) == memory_request.PYTORCH

"""What spectrograms need, and free memory: the least of what machine and groups leave."""

import psutil
import pytest

from spokenwords import memory


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """A function that sets the limit of a control group; 1 MB of each is in use.

    The process is in the group slurm/job_7. Of what counts as used, 3 MB more are page cache.
    """
    read_text = memory.Path.read_text
    process = "1:name=systemd:/elsewhere\n0::/slurm/job_7\n"
    monkeypatch.setattr(memory, "GROUPS", tmp_path)
    monkeypatch.setattr(
        memory.Path,
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
    assert memory.free() == pytest.approx(psutil.virtual_memory().available, rel=0.2)


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
    assert memory.free() == left


@pytest.fixture
def stores(write_store):
    """Two stores, of 2 and 5 recordings of 2 by 33 by 51 values: 47,124 bytes in float16."""
    return [str(write_store(word, count) / "zarr.json") for word, count in (("cat", 2), ("up", 5))]


@pytest.mark.parametrize(
    ("memory_budget", "for_spectrograms"),
    [
        ("auto", 2 * 47_124),  # Half of what is free may be taken.
        (0.001, 47_124),
        (0.00001, 10_000),  # The rest is streamed.
    ],
)
def test_what_a_job_needs(stores, memory_budget, for_spectrograms):
    assert memory.needed(stores, memory_budget) == memory.PYTORCH + for_spectrograms


def test_what_stores_need_that_are_not_there_yet(stores):
    """Snakemake waits for the file that the error names."""
    with pytest.raises(FileNotFoundError) as error:
        memory.needed([*stores, "bed.zarr/zarr.json"], "auto")
    assert error.value.filename == "bed.zarr/zarr.json"


@pytest.mark.parametrize("damage", [None, "", "{}", "null", '{"shape": null}'])
def test_a_damaged_store_is_left_to_its_reader(stores, damage):
    array = memory.Path(stores[1]).parent / "spectrogram/zarr.json"
    array.unlink() if damage is None else array.write_text(damage)
    assert memory.needed(stores, 1) == memory.PYTORCH + 2 * 2 * 2 * 33 * 51

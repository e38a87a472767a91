"""The workflow on a real Slurm cluster, of two nodes on this machine: make slurm-test."""

import re
import subprocess
import time

import pytest
from cluster import Cluster
from copies import OVERLAY, Copy, assert_as_if_undisturbed

pytestmark = [pytest.mark.slurm, pytest.mark.workflow]

# Which rules' jobs are submitted together.
GROUPS = {
    "words": {"inventory", "spectrograms"},
    "plots": {"plot_confusion", "plot_alluvial", "calibrate", "difficulty"},
}
# A run takes three minutes on two processors.
LONGEST = 900  # s


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster") / "slurm")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


class Run:
    """Snakemake on the cluster, in the background."""

    def __init__(self, copy: Copy, cluster: Cluster):
        self.copy, self.cluster = copy, cluster
        profile = ("--workflow-profile", "profiles/slurm", "--slurm-keep-successful-logs")
        # Such a small cluster answers sooner than large ones.
        waits = ("--latency-wait", "10", "--slurm-init-seconds-before-status-checks", "1")
        checks = ("--seconds-between-status-checks", "1")
        self.output = copy.folder / "slurm.out"
        self.process = subprocess.Popen(
            copy.command(*profile, *waits, *checks),
            cwd=copy.folder,
            env=cluster.environment,
            stdout=self.output.open("w"),
            stderr=subprocess.STDOUT,
        )

    def job(self, rule: str) -> tuple[str, str]:
        """The number and the node of a job of this rule, once it runs there."""
        for _ in range(10 * LONGEST):
            for number, what, node in self.cluster.jobs():
                if what.startswith(f"rule_{rule}") and node:
                    return number, node
            assert self.process.poll() is None, self.output.read_text()
            time.sleep(0.1)
        raise AssertionError(f"No job of {rule} within {LONGEST} s: {self.output.read_text()}")

    def ends(self) -> str:
        """What Snakemake printed, at its end, which is to be a success."""
        try:
            status = self.process.wait(timeout=LONGEST)
        finally:
            self.process.kill()
        output = self.output.read_text()
        assert status == 0, output
        self.output.unlink()
        return output

    def rules_by_job(self) -> dict[str, set[str]]:
        """The rules of which each job of Slurm's ran jobs, by the log's path."""
        logs = (self.copy.folder / ".snakemake/slurm_logs").rglob("*.log")
        return {
            log.relative_to(self.copy.folder / ".snakemake/slurm_logs").as_posix(): set(
                re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):$", log.read_text(), re.M)
            )
            for log in logs
        }


def test_jobs_that_the_scheduler_fails_are_run_again(finished, cluster, tmp_path):
    """One is cancelled and one loses its node; in the end all is as on one machine."""
    copy = Copy(tmp_path / "copy", OVERLAY)
    run = Run(copy, cluster)
    number, _ = run.job("train")
    cluster.run("scancel", number)
    _, node = run.job("evaluate")
    cluster.run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
    time.sleep(5)
    cluster.run("scontrol", "update", f"NodeName={node}", "State=RESUME")
    output = run.ends()
    assert "CANCELLED" in output
    assert_as_if_undisturbed(copy, finished)


def test_a_script_that_changes_meanwhile_runs_nothing_again(cluster, tmp_path):
    """Jobs that wait or run do what they were submitted for, and nothing that the change touches.

    What it touches is planned for the next run (snakemake issue 3234).
    """
    copy = Copy(tmp_path / "copy", OVERLAY | {"train": ["complex"]})
    run = Run(copy, cluster)
    run.job("train")
    stores = sorted(copy.results.glob("features/*/*.zarr/zarr.json"))
    made = [store.stat().st_mtime_ns for store in stores]
    assert made
    script = copy.folder / "workflow/scripts/spectrograms.py"
    script.write_text(script.read_text() + "\nchanged = True\n")
    run.ends()
    assert [store.stat().st_mtime_ns for store in stores] == made
    for log, rules in run.rules_by_job().items():
        submitted = re.match(r"(?:rule|group)_(\w+)/", log)[1]
        assert rules == GROUPS.get(submitted, {submitted}), log
    assert "spectrograms" in copy.plan()

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
# Trainings that can be met at work.
LONGER = OVERLAY | {"training": OVERLAY["training"] | {"epochs": 40}}
LONGEST = 900  # s


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The workflow as it is without a cluster."""
    copy = Copy(tmp_path_factory.mktemp("local") / "copy", LONGER)
    copy.run()
    return copy


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster") / "slurm")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
    assert cluster.processes() == []


class Run:
    """Snakemake on the cluster, in the background; ended at the end of its `with` block."""

    def __init__(self, copy: Copy, cluster: Cluster, *targets: str):
        self.copy, self.cluster = copy, cluster
        profile = ("--workflow-profile", "profiles/slurm", "--slurm-keep-successful-logs")
        # Such a small cluster answers sooner than large ones.
        waits = ("--latency-wait", "10", "--slurm-init-seconds-before-status-checks", "1")
        checks = ("--seconds-between-status-checks", "1")
        self.output = copy.folder / "slurm.out"
        self.process = subprocess.Popen(
            copy.command(*targets, *profile, *waits, *checks),
            cwd=copy.folder,
            env=cluster.environment,
            stdout=self.output.open("w"),
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()

    def job_at_work(self, rule: str, run: str, after: str) -> tuple[str, str]:
        """The number and the node of a run's job, once its log has a line that begins so."""
        log = self.copy.results / f"logs/{rule}/{run}.log"
        end = time.monotonic() + LONGEST
        while time.monotonic() < end:
            if log.exists() and re.search(rf"^[-0-9]+ [:0-9]+ {after}", log.read_text(), re.M):
                for number, what, node in self.cluster.jobs():
                    if what.startswith(f"rule_{rule}") and run in what and node:
                        return number, node
            assert self.process.poll() is None, self.output.read_text()
            time.sleep(0.05)
        raise AssertionError(f"{rule} was not at work within {LONGEST} s.")

    def ends(self) -> str:
        """What Snakemake printed, at its end, which is to be a success."""
        status = self.process.wait(timeout=LONGEST)
        output = self.output.read_text()
        assert status == 0, output
        self.output.unlink()
        return output

    def rules_by_job(self) -> dict[str, set[str]]:
        """The rules that jobs of Slurm's ran, by what was submitted: rule_train, group_words_…"""
        found, logs = {}, self.copy.folder / ".snakemake/slurm_logs"
        for log in logs.rglob("*.log"):
            ran = re.findall(r"^ *(?:local)?(?:rule|checkpoint) (\w+):$", log.read_text(), re.M)
            found.setdefault(log.relative_to(logs).parts[0], set()).update(ran)
        return found


def test_jobs_that_the_scheduler_fails_are_run_again(local, cluster, tmp_path):
    """One is cancelled and one loses its node, both in the middle; in the end all is as locally."""
    with Run(Copy(tmp_path / "copy", LONGER), cluster) as run:
        number, _ = run.job_at_work("train", "complex", "Epoch 2:")
        cluster.run("scancel", number)
        lost, node = run.job_at_work("train", "mel", "Epoch 2:")
        cluster.run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
        time.sleep(5)
        cluster.run("scontrol", "update", f"NodeName={node}", "State=RESUME")
        # Slurm lets such a job wait for two minutes.
        cluster.run("scontrol", "update", f"JobId={lost}", "StartTime=now")
        assert f"SLURM-job '{number}' failed, SLURM status is: 'CANCELLED'" in run.ends()
    controller = (cluster.folder / "slurmctld.log").read_text()
    assert f"requeue job JobId={lost} due to failure of node {node}" in controller
    for trained in ("complex", "mel"):
        log = (run.copy.results / f"logs/train/{trained}.log").read_text()
        assert "Resuming the training after epoch" in log
    assert_as_if_undisturbed(run.copy, local)


def test_a_script_that_changes_meanwhile_runs_nothing_again(cluster, tmp_path):
    """Jobs that wait or run do what they were submitted for, and nothing that the change touches.

    What it touches is planned for the next run (snakemake issue 3234).
    """
    copy = Copy(tmp_path / "copy", LONGER)
    with Run(copy, cluster, "results/small/runs/complex/metrics.json") as run:
        run.job_at_work("train", "complex", "Epoch 1:")
        stores = sorted(copy.results.glob("features/*/*.zarr/zarr.json"))
        made = [store.stat().st_mtime_ns for store in stores]
        assert made
        script = copy.folder / "workflow/scripts/spectrograms.py"
        script.write_text(script.read_text() + "\nchanged = True\n")
        run.ends()
    assert [store.stat().st_mtime_ns for store in stores] == made
    jobs = run.rules_by_job()
    assert {"rule_train", "rule_evaluate"} <= jobs.keys()
    for job, rules in jobs.items():
        kind, _, name = job.partition("_")
        submitted = GROUPS[name.partition("_")[0]] if kind == "group" else {name}
        assert rules == submitted, job
    assert "spectrograms" in copy.plan()

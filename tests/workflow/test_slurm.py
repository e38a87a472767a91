"""The workflow on a real Slurm cluster, of two nodes on this machine: make slurm-test."""

import re
import subprocess
import time
from types import SimpleNamespace

import pytest
from cluster import Cluster
from copies import OVERLAY, WORDS, Copy, assert_as_if_undisturbed

pytestmark = [pytest.mark.slurm, pytest.mark.workflow]

# Which rules' jobs are submitted together.
GROUPS = {
    "words": {"inventory", "spectrograms"},
    "plots": {"plot_confusion", "plot_alluvial", "calibrate", "difficulty"},
}
# Trainings that can be met at work; the epochs of `complex` are shorter.
RUNS = OVERLAY["runs"]
LONGER = OVERLAY | {"training": OVERLAY["training"] | {"epochs": 40}}
LONGER["runs"] = RUNS | {"mel": RUNS["mel"] | {"epochs": 15}}
LONGEST = 900  # s
# Snakemake as users start it, except that it asks for the jobs' status once per second: the plugin
# waits ten seconds longer each time that no job has ended, and no option limits this.
SNAKEMAKE = """
import runpy
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
RemoteExecutor.next_seconds_between_status_checks = property(lambda _: 1, lambda _, seconds: None)
runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster") / "slurm")
    try:
        cluster.start()
        with pytest.MonkeyPatch.context() as patch:
            # Where no controller answers, the plugin adds ten seconds to every call of Snakemake.
            patch.setenv("SLURM_CONF", str(cluster.configuration))
            yield cluster
    finally:
        cluster.stop()
    assert cluster.processes() == []


@pytest.fixture(scope="module")
def local(cluster, tmp_path_factory):
    """The workflow as it is when no job is submitted."""
    copy = Copy(tmp_path_factory.mktemp("local") / "copy", LONGER)
    copy.run()
    return copy


class Run:
    """Snakemake on the cluster, in the background; ended at the end of its `with` block."""

    def __init__(self, copy: Copy, cluster: Cluster):
        self.copy, self.cluster = copy, cluster
        profile = ("--workflow-profile", "profiles/slurm", "--slurm-keep-successful-logs")
        # Such a small cluster answers sooner than large ones.
        waits = ("--latency-wait", "10", "--slurm-init-seconds-before-status-checks", "1")
        python, _, _, *arguments = copy.command(*profile, *waits)
        self.output = copy.folder / "slurm.out"
        self.process = subprocess.Popen(
            [python, "-c", SNAKEMAKE, *arguments],
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


@pytest.fixture(scope="module")
def disturbed(cluster, tmp_path_factory) -> SimpleNamespace:
    """The workflow from a run on the cluster in which one training is cancelled, a script changes,
    and the other training loses its node.
    """
    copy = Copy(tmp_path_factory.mktemp("disturbed") / "copy", LONGER)
    script = copy.folder / "workflow/scripts/spectrograms.py"
    text = script.read_text()
    found = SimpleNamespace(copy=copy)
    with Run(copy, cluster) as run:
        found.cancelled, _ = run.job_at_work("train", "complex", "Epoch 2:")
        cluster.run("scancel", found.cancelled)
        found.lost, found.node = run.job_at_work("train", "mel", "Epoch 2:")
        stores = sorted(copy.results.glob("features/*/*.zarr/zarr.json"))
        found.made = [store.stat().st_mtime_ns for store in stores]
        script.write_text(f"{text}\nchanged = True\n")
        cluster.run("scontrol", "update", f"NodeName={found.node}", "State=DOWN", "Reason=test")
        time.sleep(5)
        cluster.run("scontrol", "update", f"NodeName={found.node}", "State=RESUME")
        # Slurm lets the jobs of such a node wait for two minutes.
        for number, *_ in cluster.jobs():
            cluster.run("scontrol", "update", f"JobId={number}", "StartTime=now")
        found.output = run.ends()
    found.rules_by_job = run.rules_by_job()
    found.made_later = [store.stat().st_mtime_ns for store in stores]
    found.planned = copy.plan()
    script.write_text(text)
    return found


def test_jobs_that_the_scheduler_fails_are_run_again(disturbed, cluster, local):
    """In the end all is as without a cluster."""
    failed = f"SLURM-job '{disturbed.cancelled}' failed, SLURM status is: 'CANCELLED'"
    assert failed in disturbed.output
    queued = f"requeue job JobId={disturbed.lost} due to failure of node {disturbed.node}"
    assert queued in (cluster.folder / "slurmctld.log").read_text()
    for trained in ("complex", "mel"):
        log = (disturbed.copy.results / f"logs/train/{trained}.log").read_text()
        assert "Resuming the training after epoch" in log
    assert_as_if_undisturbed(disturbed.copy, local)


def test_a_script_that_changes_meanwhile_runs_nothing_again(disturbed):
    """Jobs that wait or run do what they were submitted for, and nothing that the change touches.

    What it touches is planned for the next run (snakemake issue 3234).
    """
    assert len(disturbed.made) == 2 * len(WORDS)
    assert disturbed.made_later == disturbed.made
    assert {"rule_train", "rule_evaluate"} <= disturbed.rules_by_job.keys()
    for job, rules in disturbed.rules_by_job.items():
        kind, _, name = job.partition("_")
        submitted = GROUPS[name.partition("_")[0]] if kind == "group" else {name}
        assert rules == submitted, job
    assert "spectrograms" in disturbed.planned

"""A Slurm cluster of two nodes on this machine, all of it in a folder of its own."""

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

NODES = ("one", "two")
# Nodes are what the configuration says, not what the machine has; a GPU is a file, and not used.
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
MailProg=/bin/true
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0
KillWait=5
GresTypes=gpu
NodeName=one NodeHostname={host} NodeAddr=127.0.0.1 Port={one} CPUs=2 RealMemory=64000 Gres=gpu:1
NodeName=two NodeHostname={host} NodeAddr=127.0.0.1 Port={two} CPUs=2 RealMemory=64000
PartitionName=all Nodes=one,two Default=YES MaxTime=INFINITE State=UP
"""


class Cluster:
    """Started by `start`, which raises where a daemon does not come up; ended by `stop`."""

    def __init__(self, folder: Path):
        self.folder, self.daemons = folder, []
        self.configuration = folder / "slurm.conf"
        # Inside a job the executor drops all variables of Slurm's, this one too, before it calls
        # srun: there a wrapper names the configuration.
        self.environment = os.environ | {
            "SLURM_CONF": str(self.configuration),
            # Daemons are in /usr/sbin, where not every user looks.
            "PATH": f"{folder}/bin:{os.environ['PATH']}:/usr/sbin",
        }

    def start(self) -> None:
        for name in ("state", "bin", *NODES):
            (self.folder / name).mkdir(parents=True)
        names = ("controller", *NODES)
        self.configuration.write_text(
            CONFIGURATION.format(
                folder=self.folder,
                host=socket.gethostname(),
                user=getpass.getuser(),
                **dict(zip(names, _free_ports(len(names)), strict=True)),
            )
        )
        (self.folder / "gres.conf").write_text("NodeName=one Name=gpu File=/dev/null\n")
        wrapper = self.folder / "bin/srun"
        wrapper.write_text(
            f'#!/bin/sh\nSLURM_CONF={self.configuration} exec {shutil.which("srun")} "$@"\n'
        )
        wrapper.chmod(0o755)
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        ends = {"key-file": "key", "socket": "socket", "seed-file": "seed", "pid-file": "pid"}
        files = [f"--{option}={self.folder}/munge.{end}" for option, end in ends.items()]
        self._launch("munged", "--foreground", "--force", "--num-threads=10", *files)
        self._wait_for(lambda: (self.folder / "munge.socket").exists())
        self._launch("slurmctld", "-D", "-f", str(self.configuration))
        for node in NODES:
            self._launch("slurmd", "-D", "-N", node, "-f", str(self.configuration))
        self._wait_for(lambda: self.run("sinfo", "-h", "-o", "%T").split() == ["idle"])

    def stop(self) -> None:
        """End the jobs, then the daemons (the last started first), then every process left.

        A node that was marked down has forgotten jobs whose processes did not end.
        """
        if len(self.daemons) > 1:
            self.run("scancel", "--user", getpass.getuser())
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        # Those that end may start others before.
        for _ in range(10):
            left = self.processes()
            if not left:
                break
            for process in left:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(left, timeout=2)

    def processes(self) -> list[psutil.Process]:
        """What has been started in the cluster's environment, jobs and what they started too."""
        return [
            process
            for process in psutil.process_iter(["environ"])
            if f"{self.folder}/bin:" in (process.info["environ"] or {}).get("PATH", "")
        ]

    def run(self, *command: str) -> str:
        """What one of Slurm's commands prints; nothing where it fails."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout

    def jobs(self) -> list[tuple[str, str, str]]:
        """Of each job that has not ended: its number, what it makes, and the node it runs on."""
        lines = self.run("squeue", "-h", "-o", "%i|%k|%N").splitlines()
        return [tuple(line.split("|")) for line in lines]

    def _launch(self, *command: str) -> None:
        with (self.folder / f"{command[0]}.out").open("ab") as output:
            self.daemons.append(
                subprocess.Popen(
                    command, env=self.environment, stdout=output, stderr=subprocess.STDOUT
                )
            )

    def _wait_for(self, ready) -> None:
        for _ in range(300):
            if ready():
                return
            if any(daemon.poll() is not None for daemon in self.daemons):
                break
            time.sleep(0.1)
        logs = sorted(self.folder.glob("*.log")) + sorted(self.folder.glob("*.out"))
        tails = "\n".join(f"{log.name}:\n{log.read_text()[-1500:]}" for log in logs)
        raise RuntimeError(f"The Slurm cluster did not come up.\n{tails}")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()

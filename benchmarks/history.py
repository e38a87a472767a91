"""How many commits rebuild stores and retrain models, by the fingerprints of code.

    python benchmarks/history.py --commits 40 --until 48f98f5 --before 48f98f5

Replays the history with two implementations of the fingerprint: the one of the commit `before`, and
the one in this working tree. Each commit is compared with its first parent. Merges are left out:
the commits that they bring are replayed themselves.
"""

import argparse
import io
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
SCRIPTS = "workflow/scripts"
FINGERPRINTS = (
    f"{SCRIPTS}/spokenwords/jobs/fingerprint.py",
    f"{SCRIPTS}/spokenwords/fingerprint.py",
)
STEPS = {"stores rebuilt": "spectrograms.py", "models retrained": "train.py"}
# Modules that are in the package `jobs` today. The class UserError, for one, is not, but was in
# `errors` beside the sentences for full disks.
FORMER_JOBS = ("progress", "errors", "memory", "unfinished", "content", "fingerprint")


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout


def implementation(source: bytes, name: str) -> ModuleType:
    """The module `fingerprint` of this source."""
    module = ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
    return module


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commits", type=int, default=40)
    parser.add_argument("--until", default="HEAD")
    parser.add_argument("--before", default="48f98f5")
    options = parser.parse_args()
    now = implementation((ROOT / FINGERPRINTS[1]).read_bytes(), "now")
    now.JOBS += tuple(f"spokenwords.{name}" for name in FORMER_JOBS)
    before = implementation(git("show", f"{options.before}:{FINGERPRINTS[1]}"), "before")

    with tempfile.TemporaryDirectory() as folder:

        @cache
        def fingerprints(commit: str) -> dict[tuple[str, str], str]:
            tree = Path(folder) / commit
            with tarfile.open(fileobj=io.BytesIO(git("archive", commit, SCRIPTS))) as archive:
                archive.extractall(tree, filter="data")
            return {
                (step, module.__name__): module.of_script(tree / SCRIPTS / script)
                for step, script in STEPS.items()
                for module in (before, now)
            }

        listed = git("log", "--no-merges", f"-{options.commits}", "--format=%h %s", options.until)
        counts = dict.fromkeys([(s, n) for s in STEPS for n in ("before", "now")], 0)
        for line in listed.decode().splitlines():
            commit, _, subject = line.partition(" ")
            parent = git("rev-parse", f"{commit}^").decode().strip()
            old, new = fingerprints(parent), fingerprints(commit)
            changed = [key for key in counts if old[key] != new[key]]
            for key in changed:
                counts[key] += 1
            if left := [step for step, name in changed if name == "now"]:
                print(f"{commit} {subject}: {', '.join(left)}")
    print(f"\n| of {options.commits} commits | before | now |\n| --- | --- | --- |")
    for step in STEPS:
        print(f"| {step} | {counts[step, 'before']} | {counts[step, 'now']} |")


if __name__ == "__main__":
    main()

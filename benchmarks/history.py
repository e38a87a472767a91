"""How many commits rebuild all stores and retrain all models, by the fingerprints of code.

    python benchmarks/history.py --commits 40 --until 48f98f5

Replays commits from before the library was divided into packages, each against its first parent,
without merges: the commits that they bring are replayed themselves. Three columns:

- before: the fingerprint as it was then
- fingerprint: that of this working tree, with `FORMER_JOBS` in place of the package `jobs`
- and imports: also without the modules that the script no longer imports (`FORMER_IMPORTS`)

A model is retrained if its stores are rebuilt, or if the code of training changes.
"""

import argparse
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Collection
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
SCRIPTS = "workflow/scripts"
BEFORE = f"{SCRIPTS}/spokenwords/fingerprint.py"
NOW = f"{SCRIPTS}/spokenwords/jobs/fingerprint.py"
STEPS = {"stores rebuilt": "spectrograms.py", "training changed": "train.py"}
# What these modules held is in the package `jobs`, apart from the class UserError (in `errors`).
FORMER_JOBS = ("progress", "errors", "memory", "unfinished", "content", "fingerprint")
# What the scripts imported, directly or indirectly, and no longer do. A store's reader and writer
# were one module, `store`, which counts for both scripts here.
FORMER_IMPORTS = {
    "spectrograms.py": ("inventory", "dataset", "layout", "lists", "metadata", "names"),
    "train.py": ("audio", "decoding", "dataset", "layout", "lists"),
}


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout


def implementation(source: bytes, left_out: Collection[str] = ()) -> ModuleType:
    """The module `fingerprint` of this source, which does not follow the modules `left_out`."""
    module = ModuleType("fingerprint")
    exec(source, module.__dict__)
    module.JOBS = (*getattr(module, "JOBS", ()), *(f"spokenwords.{name}" for name in left_out))
    return module


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commits", type=int, default=40)
    parser.add_argument("--until", default="48f98f5")
    options = parser.parse_args()
    now = (ROOT / NOW).read_bytes()
    columns = {
        "before": dict.fromkeys(STEPS, implementation(git("show", f"{options.until}:{BEFORE}"))),
        "fingerprint": dict.fromkeys(STEPS, implementation(now, FORMER_JOBS)),
        "and imports": {
            step: implementation(now, (*FORMER_JOBS, *FORMER_IMPORTS[script]))
            for step, script in STEPS.items()
        },
    }
    changes = {column: dict.fromkeys([*STEPS, "models retrained"], 0) for column in columns}
    with tempfile.TemporaryDirectory() as folder:

        @cache
        def fingerprints(commit: str, column: str) -> dict[str, str]:
            tree = Path(folder) / commit
            if not tree.exists():
                with tarfile.open(fileobj=io.BytesIO(git("archive", commit, SCRIPTS))) as archive:
                    archive.extractall(tree, filter="data")
            return {
                step: columns[column][step].of_script(tree / SCRIPTS / script)
                for step, script in STEPS.items()
            }

        form = ("--no-merges", f"-{options.commits}", "--format=%h %p %s", options.until)
        for line in git("log", *form).decode().splitlines():
            commit, parent, subject = line.split(" ", 2)
            for column, counts in changes.items():
                old, new = fingerprints(parent, column), fingerprints(commit, column)
                changed = [step for step in STEPS if old[step] != new[step]]
                for step in [*changed, "models retrained"] if changed else []:
                    counts[step] += 1
            if changed:
                print(f"{commit} {subject}: {', '.join(changed)}")
    print(f"\n| of {options.commits} commits | {' | '.join(columns)} |")
    print(f"| {' | '.join(['---'] * (1 + len(columns)))} |")
    for step in [*STEPS, "models retrained"]:
        print(f"| {step} | {' | '.join(str(counts[step]) for counts in changes.values())} |")


if __name__ == "__main__":
    main()

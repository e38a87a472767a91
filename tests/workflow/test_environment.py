"""What is installed is locked: all that is imported, by its hash, from nowhere in particular."""

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ENVS = ROOT / "envs"
LOCKED = ("run.txt", "development.txt", "listen.txt")
REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")


def normalised(name):
    """The name of a package as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lines):
    """{package: its versions} of lines `package==version …`; of markers there may be several."""
    found = {}
    for line in lines:
        requirement = REQUIREMENT.match(line)
        assert requirement, f"not pinned: {line}"
        found.setdefault(normalised(requirement["name"]), set()).add(requirement["version"])
    return found


def locked_entries(name):
    """The entries of a locked list: all lines of a package, hashes included, as one."""
    text = (ENVS / name).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def test_conda_installs_what_is_locked_for_a_run():
    """Every package at its version, with the same conditions."""
    environment = yaml.safe_load((ENVS / "environment.yaml").read_text())
    (pip,) = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
    assert pip == [entry.partition(" --hash")[0].strip() for entry in locked_entries("run.txt")]


@pytest.mark.parametrize("name", LOCKED)
def test_every_locked_package_has_hashes(name):
    entries = locked_entries(name)
    assert len(entries) > 50
    for entry in entries:
        assert REQUIREMENT.match(entry)
        assert re.search(r"\s--hash=sha256:[0-9a-f]{64}(\s|$)", entry), entry[:60]


@pytest.mark.parametrize("name", LOCKED)
def test_locked_lists_name_no_place(name):
    text = (ENVS / name).read_text()
    assert "://" not in text
    # Only hashes are options; no index, links or local paths.
    assert set(re.findall(r"(?<!\S)--?[a-z][\w-]*", text)) <= {"--hash"}
    assert " @ " not in text


def imported(folder):
    """The packages that a folder's Python files import, other than Python's own and ours."""
    ours = {path.stem for path in folder.rglob("*.py")} | {"spokenwords"}
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.partition(".")[0])
    return found - ours - set(sys.stdlib_module_names)


def test_what_the_workflow_imports_is_locked():
    distributions = importlib.metadata.packages_distributions()
    packages = pins(locked_entries("run.txt"))
    # Only a microphone needs it.
    for module in imported(ROOT / "workflow" / "scripts") - {"sounddevice"}:
        assert any(normalised(name) in packages for name in distributions[module]), module


def test_what_the_report_needs_is_locked_for_a_run():
    """Snakemake asks for these only when it makes a report."""
    names = {line.partition("==")[0].lower() for line in (ENVS / "run.txt").read_text().split("\n")}
    assert {"docutils", "jinja2", "pygments"} <= names


def test_no_shell_is_given_anything():
    """Names of files and settings could mean something to one."""
    for rules in [ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")]:
        assert not re.search(r"^    (shell|run):|\bshell\(", rules.read_text(), re.M), rules
    for script in (ROOT / "workflow/scripts").rglob("*.py"):
        for node in ast.walk(ast.parse(script.read_text())):
            if isinstance(node, ast.Call):
                assert "shell" not in {keyword.arg for keyword in node.keywords}, script
                name = ast.unparse(node.func)
                assert name not in ("os.system", "os.popen", "subprocess.getoutput"), script

"""Imports run one way, along the pipeline: a package imports only from those before it."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import spokenwords

LIBRARY = Path(spokenwords.__path__[0])
# Packages in pipeline order; those of a line do not import each other.
ORDER = [
    ["errors", "names", "wording"],
    ["jobs"],
    ["config"],
    ["recordings"],
    ["spectrograms"],
    ["model"],
    ["recognition"],
    ["training"],
    ["evaluation"],
    ["report"],
    ["export"],
]
PLACES = {name: place for place, names in enumerate(ORDER) for name in names}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(LIBRARY).with_suffix("").parts)


MODULES = {module_of(path): path for path in LIBRARY.rglob("[a-z]*.py")}


def for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports(tree: ast.AST) -> set[str]:
    """The library's modules that are imported at run time, at any depth of the code."""
    found = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spokenwords"):
            package = node.module.removeprefix("spokenwords").strip(".")
            for alias in node.names:
                name = f"{package}.{alias.name}".strip(".")
                found.add(name if name in MODULES else package)
        elif not for_type_checkers(node):
            found |= imports(node)
    return found


IMPORTS = {
    name: imports(ast.parse(path.read_text(encoding="utf-8"))) for name, path in MODULES.items()
}


def top(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_run_one_way(module):
    own = top(module)
    others = {name for name in IMPORTS[module] if top(name) != own}
    assert all(PLACES[top(name)] < PLACES[own] for name in others), sorted(others)


def test_no_modules_import_each_other():
    assert IMPORTS["training.job"], "else nothing was found"
    TopologicalSorter(IMPORTS).prepare()  # raises CycleError


def test_modules_that_import_nothing():
    for name in ("errors", "names"):
        tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
        assert not [
            node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)
        ]


def test_jobs_contains_only_what_cannot_change_a_result():
    """Fingerprints leave this package out: a module that computes a result must not be added."""
    assert {name.partition(".")[2] for name in MODULES if top(name) == "jobs"} == {
        "atomic",  # write, then rename
        "disk_space",
        "fingerprint",
        "fingerprint_cache",
        "free_memory",
        "hashing",
        "log",
        "machine_errors",
        "memory_request",
        "progress",
        "replaced_folder",
        "summary",
    }

"""ARCHITECTURE.md is the map of the library: it names each module, once."""

import re
from pathlib import Path

import spokenwords

LIBRARY = Path(spokenwords.__path__[0])
TEXT = (Path(__file__).parents[1] / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_each_module_is_on_the_map_once():
    modules = [path for path in LIBRARY.rglob("*.py") if path.name != "__init__.py"]
    rows = re.findall(r"^\| `([\w/]+\.py)` \| .+ \|$", TEXT, re.M)
    assert sorted(rows) == sorted(path.relative_to(LIBRARY).as_posix() for path in modules)

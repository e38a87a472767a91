"""Fingerprints with a cache: the same as without, and nothing is parsed twice."""

import ast
import json
from pathlib import Path

import pytest

from spokenwords.jobs import fingerprint
from spokenwords.jobs.fingerprint_cache import Fingerprints

LIBRARY = Path(fingerprint.__file__).parents[2]
TREE = {
    "script.py": "from words import a\nfrom words.deep import c",
    "words/__init__.py": "",
    "words/a.py": "from . import b\nA = 1",
    "words/b.py": "B = 1",
    "words/deep/__init__.py": "",
    "words/deep/c.py": "from . import b",
}
MODULES = sorted(TREE)


@pytest.fixture
def tree(tmp_path):
    """The tree's folder."""
    for name, source in TREE.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return tmp_path / "tree"


@pytest.fixture
def cache(tmp_path):
    return tmp_path / ".snakemake/fingerprints.json"


@pytest.fixture
def invocation(tree, cache, monkeypatch):
    """A function: the script's fingerprint as another process finds it, and what that parses."""
    parse = ast.parse

    def invocation(path=cache):
        parsed = []

        def noted(source, filename):
            parsed.append(Path(filename).relative_to(tree).as_posix())
            return parse(source, filename)

        fingerprint.meaning.cache_clear()
        with monkeypatch.context() as patched:
            patched.setattr(ast, "parse", noted)
            fingerprints = Fingerprints(tree, path)
            found = fingerprints.of_script("script.py")
            fingerprints.remember()
        assert found == fingerprint.of_script(tree / "script.py")
        return found, sorted(parsed)

    return invocation


def test_the_second_invocation_parses_nothing(invocation, cache):
    found, parsed = invocation()
    assert parsed == MODULES
    written = cache.stat()
    assert invocation() == (found, [])
    # Nor does it write.
    assert (cache.stat().st_ino, cache.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    assert [path.name for path in cache.parent.iterdir()] == [cache.name]


def test_scripts_of_this_workflow_have_the_same_fingerprints_as_without(cache, monkeypatch):
    names = sorted(path.name for path in LIBRARY.glob("*.py"))
    expected = {name: fingerprint.of_script(LIBRARY / name) for name in names}
    for _ in range(2):
        fingerprints = Fingerprints(LIBRARY, cache)
        assert {name: fingerprints.of_script(name) for name in names} == expected
        fingerprints.remember()
        # From now on, nothing can be parsed.
        fingerprint.meaning.cache_clear()
        monkeypatch.setattr(ast, "parse", None)


def test_a_changed_module_is_parsed_again_and_no_other(invocation, tree):
    found, _ = invocation()
    (tree / "words/b.py").write_text("B = 2")
    changed, parsed = invocation()
    assert changed != found
    assert parsed == ["words/b.py"]
    (tree / "words/b.py").write_text("B = 1  # as before")
    assert invocation() == (found, ["words/b.py"])


def test_what_a_module_means_depends_on_its_place(invocation, tree):
    """In `words/deep`, `from . import b` is another module."""
    invocation()
    (tree / "words/deep/b.py").write_text("B = 1")
    assert invocation()[1] == ["words/deep/b.py"]
    (tree / "words/deep/c.py").rename(tree / "words/deep.py")
    (tree / "script.py").write_text("from words.deep import c")
    assert invocation()[1] == ["script.py", "words/deep.py"]


def test_modules_that_are_no_longer_imported_are_forgotten(invocation, tree, cache):
    invocation()
    assert sorted(json.loads(cache.read_text())) == MODULES
    (tree / "script.py").write_text("from words import b")
    invocation()
    assert sorted(json.loads(cache.read_text())) == ["script.py", "words/__init__.py", "words/b.py"]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"script.py": 1}', '{"script.py": ["", ""]}', b"\xff"]
)
def test_a_damaged_cache_is_as_good_as_none(invocation, cache, content):
    found, _ = invocation()
    cache.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert invocation() == (found, MODULES)
    assert invocation() == (found, [])


def test_half_a_cache_is_as_good_as_none(invocation, cache):
    found, _ = invocation()
    cache.write_bytes(cache.read_bytes()[: cache.stat().st_size // 2])
    assert invocation() == (found, MODULES)


def test_a_folder_that_is_not_writable_has_no_cache(invocation, tmp_path):
    (tmp_path / "file").write_text("no folder")
    found, parsed = invocation(tmp_path / "file" / "fingerprints.json")
    assert parsed == MODULES
    assert invocation(tmp_path / "file" / "fingerprints.json") == (found, MODULES)


def test_other_code_of_fingerprints_parses_all_again(invocation, tmp_path, monkeypatch):
    found, _ = invocation()
    other = tmp_path / "fingerprint.py"
    other.write_bytes(Path(fingerprint.__file__).read_bytes() + b"\nMESSAGES = set()\n")
    monkeypatch.setattr(fingerprint, "__file__", str(other))
    assert invocation() == (found, MODULES)
    assert invocation() == (found, [])


def test_a_syntax_error_is_raised_each_time(invocation, tree):
    invocation()
    (tree / "words/b.py").write_text("x = = 2")
    for _ in range(2):
        with pytest.raises(SyntaxError):
            invocation()

"""The fingerprint of code: what keeps it, what changes it, and that it is the same everywhere."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spokenwords.jobs import fingerprint

ROOT = Path(__file__).parents[2]
LIBRARY = Path(fingerprint.__file__).parents[2]

SCRIPT = '''"""What the script does."""

import json

from words import sounds


class Voice:
    """A voice."""

    pitch: int = 120  # Hz

    def say(self, word, *, loud=False):
        """Say a word."""
        text = 'say "%s"' % word
        return sounds.of(text, self.pitch) if loud else json.dumps({"text": text})


async def listen(source):
    """Listen."""
    async for sound in source:
        yield f"{sound!r:>{10}} heard"
'''

SOUNDS = '''"""Sounds."""


def of(text, pitch):
    """The sound of a text."""
    return [ord(letter) * pitch for letter in text]
'''


@pytest.fixture
def of_tree(tmp_path_factory):
    """A function that writes files to a new folder and takes the fingerprint of `script.py`."""

    def of_tree(files):
        root = tmp_path_factory.mktemp("tree")
        for name, source in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source if isinstance(source, bytes) else source.encode())
        return fingerprint.of_script(root / "script.py")

    return of_tree


TREE = {"script.py": SCRIPT, "words/__init__.py": "", "words/sounds.py": SOUNDS}


def edited(old, new, file="script.py"):
    """The tree with a text replaced in one file."""
    assert old in TREE[file]
    return TREE | {file: TREE[file].replace(old, new)}


@pytest.mark.parametrize(
    "tree",
    [
        TREE,
        edited("# Hz", "# hertz, about"),
        edited("  # Hz", ""),
        edited("import json\n", "# Reads and writes.\nimport json\n"),
        edited("import json\n", "\n\nimport json  # text\n\n\n"),
        edited('"""What the script does."""', '"""Something else.\n\nAt length.\n"""'),
        edited('"""What the script does."""\n', ""),
        edited('"""A voice."""', "'''A man's voice.'''"),
        edited('    """A voice."""\n\n', ""),
        edited('        """Say a word."""\n', ""),
        edited('"""Listen."""', 'r"""Listen, and tell."""'),
        edited("""'say "%s"' % word""", '"say \\"%s\\"" % word'),
        edited("""'say "%s"' % word""", '("say " \'"%s"\' % word)'),
        edited("""'say "%s"' % word""", """u'say "%s"' % word"""),
        edited(
            "return sounds.of(text, self.pitch) if", "return sounds.of(\n text,\n self.pitch,\n) if"
        ),
        edited("120", "1_2_0"),
        edited("120", "0x78"),
        edited("    ", "\t"),
        edited("\n", "\r\n"),
        edited("import json", "import json;"),
        edited("word, *, loud=False", "word,\n        *,\n        loud=False,\n    "),
        edited('"""Sounds."""', '"""Sounds and noises."""', "words/sounds.py"),
        edited("return [", "# Loud.\n    return [", "words/sounds.py"),
        TREE | {"words/__init__.py": '"""Words."""\n# A package.\n'},
        TREE | {"script.py": b"\xef\xbb\xbf" + SCRIPT.encode()},
        TREE | {"script.py": b"# coding: latin-1\n# \xe4\n" + SCRIPT.encode()},
    ],
)
def test_comments_docstrings_and_layout_keep_it(of_tree, tree):
    assert of_tree(tree) == of_tree(TREE)


@pytest.mark.parametrize(
    "tree",
    [
        edited("120", "121"),
        edited("120", "120.0"),
        edited("120", "True"),
        edited("120", "None"),
        edited("pitch: int = 120", "pitch = 120"),
        edited("pitch: int = 120", "pitch: int"),
        edited("pitch: int", "pitch: float"),
        edited("loud=False", "loud=True"),
        edited("word, *, loud", "word, loud"),
        edited('"%s"', '"%d"'),
        edited("'say", "b'say"),
        edited("async def", "@json\nasync def"),
        edited("class Voice:", "class Voice(json.JSONEncoder):"),
        edited("!r", "!s"),
        edited("{10}", "{11}"),
        edited(" heard", " seen"),
        edited("if loud else", "if not loud else"),
        edited("import json", "import json as json_"),
        edited("import json\n", "import json\nimport csv\n"),
        edited("import json\n\n", ""),
        edited("yield", "await"),
        edited("self.pitch", "self.tone"),
        edited("def listen", "def hear"),
        # A text that is no docstring is code.
        edited('"""Listen."""', 'pass\n    """Listen."""'),
        edited("ord(letter) * pitch", "pitch * ord(letter)", "words/sounds.py"),
        edited("[ord(letter) * pitch for letter in text]", "text, pitch", "words/sounds.py"),
        TREE | {"words/__init__.py": "loaded = True"},
    ],
)
def test_any_change_of_code_changes_it(of_tree, tree):
    assert of_tree(tree) != of_tree(TREE)


MESSAGES = """
import logging
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from spokenwords.jobs import paths
from spokenwords.jobs.progress import Progress
from words import few, sounds
from words.errors import DamagedError, UserError

if TYPE_CHECKING:
    from words.a import A

logger = logging.getLogger("spokenwords")

LIMIT = 3
_ADVICE = "Record it again."


def hear(files: list[str], loud: bool = False) -> Iterator["A"]:
    count: int = len(files)
    listed = ", ".join(sorted(files))
    assert loud or count, "no files"
    progress = Progress("Hearing", count, "files")
    for number, file in enumerate(files):
        if number > LIMIT:
            logger.warning(f"Warning: {file} is left out.")
            raise UserError(f"{file} is one too many of {listed}: {_ADVICE}") from None
        try:
            yield sounds.of(file, 2)
        except DamagedError as error:
            raise _damaged(file, f"it has no sound ({error})") from None
        progress.advance(1, f"file {file}")
    logger.info("Heard %d files.", count)


def _damaged(file: str, what: str) -> Exception:
    return UserError(f"The file {shlex.quote(file)} is damaged: {_cause(what)}.")


def _cause(what: str) -> str:
    reason = f"{few(what)}"
    return reason or "no reason"


class Ear:
    hears: bool = True
    name: str

    def __init__(self, size: float):
        self.size: float = paths.length(size)
        if size < 0:
            raise ValueError(f"An ear is not {size} long.")
        if size == 0:
            raise UnreadableRecordingError("no size")
        if size == 1:
            raise SystemExit(2)
"""
HEARING = {
    "script.py": MESSAGES,
    "spokenwords/jobs/__init__.py": "",
    "spokenwords/jobs/paths.py": "P = 1",
    "spokenwords/jobs/progress.py": "P = 2",
    "words/__init__.py": "FEW = 1",
    "words/a.py": "A = 1",
    "words/few.py": "F = 1",
    "words/errors.py": "E = 1",
    "words/sounds.py": SOUNDS,
}


def reworded(old, new):
    """The script of messages with a text replaced, wherever it stands."""
    assert old in MESSAGES
    return HEARING | {"script.py": MESSAGES.replace(old, new)}


@pytest.mark.parametrize(
    "tree",
    [
        # Messages: texts, and what only these are made of.
        reworded(" is one too many of ", " exceeds the limit among "),
        reworded('f"{file} is one too many of {listed}: {_ADVICE}"', '"Too many files."'),
        reworded('f"{file} is one too many of {listed}: {_ADVICE}"', '"Too many: %s", listed'),
        reworded('f"An ear is not {size} long."', ""),
        reworded("it has no sound", "it is silent"),
        reworded('(file, f"it has no sound ({error})")', "(file, str(error))"),
        reworded(" is damaged: ", " cannot be read: "),
        reworded('"no reason"', '"unknown"'),
        reworded("Record it again.", "Delete it."),
        reworded('_ADVICE = "Record it again."\n', ""),
        reworded('", ".join(sorted(files))', '"; ".join(files[:3])'),
        reworded("    listed = ", "    listed: str = "),
        reworded(', "no files"', ""),
        # Lines of logs and of progress.
        reworded(" is left out.", " is skipped."),
        reworded("logger.warning", "logger.error"),
        reworded('    logger.info("Heard %d files.", count)\n', ""),
        reworded('        progress.advance(1, f"file {file}")\n', ""),
        reworded('f"file {file}"', "file"),
        reworded('"Hearing", count, "files"', '"Listening", 2 * count, "recordings"'),
        reworded("LIMIT = 3\n", 'LIMIT = 3\nlogger.debug("begun")\n'),
        # Annotations, but for those of fields, and what only they need.
        reworded("files: list[str]", "files"),
        reworded("loud: bool = ", "loud: int = "),
        reworded("count: int = ", "count = "),
        reworded("self.size: float = ", "self.size = "),
        reworded("    from words.a import A\n", "    from words.b import A\n"),
        HEARING | {"words/a.py": "A = 2"},
        # What only messages import, and all jobs.
        HEARING | {"words/few.py": "F = 2"},
        HEARING | {"spokenwords/jobs/paths.py": "P = 2"},
        HEARING | {"spokenwords/jobs/progress.py": ""},
    ],
)
def test_what_cannot_change_a_result_keeps_it(of_tree, tree):
    assert of_tree(tree) == of_tree(HEARING)


@pytest.mark.parametrize(
    "tree",
    [
        # Whether, when and what is raised.
        reworded("raise ValueError", "raise TypeError"),
        reworded("raise UserError", "raise OSError"),
        reworded("raise _damaged", "raise _refused"),
        reworded("return UserError", "return OSError"),
        reworded("raise ValueError(f", "print(f"),
        reworded('raise ValueError(f"An ear is not {size} long.")', "pass"),
        reworded(" from None", ""),
        reworded("size < 0", "size <= 0"),
        reworded("number > LIMIT", "number >= LIMIT"),
        reworded("except DamagedError", "except UserError"),
        reworded("assert loud or count", "assert loud"),
        reworded('    assert loud or count, "no files"\n', ""),
        # Arguments that are results.
        reworded('"no size"', '"too small"'),
        reworded("SystemExit(2)", "SystemExit(0)"),
        # Arguments that act.
        reworded('"Heard %d files.", count', '"Heard %d files.", (count := 2)'),
        reworded('f"An ear is not {size} long."', "(size := 2)"),
        # Other calls, and values that are not for messages alone.
        reworded('logger.info("Heard', 'print("Heard'),
        reworded("logger.info(", "x = logger.info("),
        reworded("progress.advance", "process.advance"),
        reworded("LIMIT = 3", "LIMIT = 4"),
        reworded("loud: bool = False", "loud: bool = True"),
        reworded("count: int = len(files)", "count: int = len(files) + 1"),
        reworded('", ".join(sorted(files))', '", ".join(files.pop())'),
        reworded('", ".join(sorted(files))', "(listed := 2)"),
        reworded("sounds.of(file, 2)", "sounds.of(listed, 2)"),
        reworded("yield sounds.of(file, 2)", "yield _cause(file)"),
        reworded("_ADVICE", "ADVICE"),
        reworded("paths.length", "paths.width"),
        # Fields.
        reworded("hears: bool = ", "hears = "),
        reworded("name: str", "name: int"),
        reworded("    name: str\n", ""),
        # Imports.
        HEARING | {"words/sounds.py": "S = 1"},
        HEARING | {"words/errors.py": "E = 2"},
        HEARING | {"words/__init__.py": "FEW = 2"},
        reworded("if TYPE_CHECKING:\n", "if LIMIT:\n"),
        reworded("import few, sounds", "import few as sounds, sounds as few"),
        reworded(
            "from spokenwords.jobs import paths\n",
            "from spokenwords.jobs import progress as paths\n",
        ),
    ],
)
def test_what_can_change_a_result_changes_it(of_tree, tree):
    assert of_tree(tree) != of_tree(HEARING)


@pytest.mark.parametrize(
    ("line", "use", "other"),
    [
        ("import shlex\n", "shlex.quote(file)", "file!r"),
        ("from collections.abc import Iterator\n", ' -> Iterator["A"]', ""),
        (
            "from typing import TYPE_CHECKING\n",
            "if TYPE_CHECKING:\n    from words.a import A\n",
            "",
        ),
        ("import logging\n", 'logger = logging.getLogger("spokenwords")\n', ""),
    ],
)
def test_an_import_for_messages_or_annotations_may_come_and_go(of_tree, line, use, other):
    assert line in MESSAGES
    assert use in MESSAGES
    without = MESSAGES.replace(line, "").replace(use, other)
    assert of_tree(HEARING | {"script.py": without}) == of_tree(HEARING)


def test_a_definition_counts_once_something_uses_it(of_tree):
    """Also by way of others, and only from then on."""
    used = MESSAGES + "\nCAUSE = _cause('x')\n"
    reason = used.replace("no reason", "unknown")
    assert of_tree(HEARING | {"script.py": used}) != of_tree(HEARING | {"script.py": reason})
    few = HEARING | {"script.py": used, "words/few.py": "F = 2"}
    assert of_tree(HEARING | {"script.py": used}) != of_tree(few)


def test_code_that_is_not_type_checking_counts(of_tree):
    script = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    x = 1\nelse:\n    x = 2"
    of_script = of_tree({"script.py": script})
    assert of_tree({"script.py": script.replace("x = 1", "x = 3")}) == of_script
    assert of_tree({"script.py": script.replace("x = 2", "x = 3")}) != of_script


def test_a_global_variable_counts(of_tree):
    script = "def f():\n    global loud\n    loud = 1\n    raise ValueError(loud)"
    assert of_tree({"script.py": script}) != of_tree({"script.py": script.replace("1", "2")})


def test_statements_in_another_order_or_block_change_it(of_tree):
    sources = ["if a:\n    b()\nc()", "if a:\n    b()\n    c()", "c()\nif a:\n    b()"]
    sources += ["if a:\n    b()\nelse:\n    c()", "while a:\n    b()\nc()"]
    assert len({of_tree({"script.py": source}) for source in sources}) == len(sources)


def test_where_a_part_stands_matters(of_tree):
    sources = ["x[y:]", "x[:y]", "x[::y]", "def f(*a): x", "def f(**a): x", "def f(a, /): x"]
    sources += [
        "def f(a): x",
        "def f(*, a): x",
        "import a as b",
        "import b as a",
        "from a import b",
    ]
    sources += [
        "from . import a",
        "from .. import a",
        "from .a import b",
        "raise a",
        "raise a from b",
    ]
    assert len({of_tree({"script.py": source}) for source in sources}) == len(sources)


def test_constants_of_different_types_differ(of_tree):
    constants = [
        "1",
        "1.0",
        "1j",
        "True",
        "'1'",
        "b'1'",
        "None",
        "...",
        "-1",
        "0",
        "''",
        "()",
        "[]",
    ]
    constants += ["{}", "'None'", "'True'", "f'1'", "False", "{1}"]
    found = {of_tree({"script.py": f"x = {constant}"}) for constant in constants}
    assert len(found) == len(constants)


PACKAGE = {
    "words/__init__.py": "",
    "words/a.py": "A = 1",
    "words/b.py": "B = 1",
    "words/deep/__init__.py": "",
    "words/deep/c.py": "C = 1",
    "plain.py": "P = 1",
    "plain_package/m.py": "M = 1",
}


@pytest.mark.parametrize(
    ("script", "module"),
    [
        ("from words import a", "words/a.py"),
        ("from words import b, a", "words/a.py"),
        ("from words import a as letter", "words/a.py"),
        ("from words.a import A", "words/a.py"),
        ("from words.a import A as x, B", "words/a.py"),
        ("from words.a import *", "words/a.py"),
        ("import words.a", "words/a.py"),
        ("import words.a as letter", "words/a.py"),
        ("import json, words.a", "words/a.py"),
        ("import words", "words/__init__.py"),
        ("import words.a", "words/__init__.py"),
        ("from words.a import A", "words/__init__.py"),
        ("from words.deep import c", "words/deep/c.py"),
        ("from words.deep.c import C", "words/deep/c.py"),
        ("import words.deep.c", "words/deep/__init__.py"),
        ("import words.deep.c", "words/__init__.py"),
        ("import plain", "plain.py"),
        ("from plain import P", "plain.py"),
        ("from plain_package import m", "plain_package/m.py"),
        ("def f():\n    from words import a\n    return a", "words/a.py"),
        ("class K:\n    import words.a", "words/a.py"),
        ("if True:\n    from words import a", "words/a.py"),
        ("try:\n    import words.a\nexcept ImportError:\n    pass", "words/a.py"),
    ],
)
def test_a_change_in_an_imported_module_changes_it(of_tree, script, module):
    tree = PACKAGE | {"script.py": script}
    before = of_tree(tree)
    assert of_tree(tree | {module: "CHANGED = 1"}) != before
    # An edit of a comment does not, there neither.
    assert of_tree(tree | {module: f"{tree[module]}\n# A comment."}) == before


@pytest.mark.parametrize(
    ("importing", "line", "module"),
    [
        ("words/a.py", "from . import b", "words/b.py"),
        ("words/a.py", "from .b import B", "words/b.py"),
        ("words/a.py", "from .deep import c", "words/deep/c.py"),
        ("words/a.py", "from .deep.c import C", "words/deep/c.py"),
        ("words/a.py", "from words import b", "words/b.py"),
        ("words/a.py", "import words.b", "words/b.py"),
        ("words/a.py", "import plain", "plain.py"),
        ("words/a.py", "def f():\n    from . import b", "words/b.py"),
        ("words/__init__.py", "from . import b", "words/b.py"),
        ("words/__init__.py", "from .deep import c", "words/deep/c.py"),
        ("words/__init__.py", "from words.b import B", "words/b.py"),
    ],
)
def test_imports_are_followed_from_module_to_module(of_tree, importing, line, module):
    tree = PACKAGE | {"script.py": "from words import a", importing: line}
    before = of_tree(tree)
    assert of_tree(tree | {module: "CHANGED = 1"}) != before


def test_imports_relative_to_the_parent_package_are_followed(of_tree):
    for line, module in (
        ("from .. import b", "words/b.py"),
        ("from ..b import B", "words/b.py"),
        ("from . import d", "words/deep/d.py"),
    ):
        tree = PACKAGE | {"script.py": "import words.deep.c", "words/deep/c.py": line}
        tree |= {"words/deep/d.py": "D = 1"}
        assert of_tree(tree | {module: "CHANGED = 1"}) != of_tree(tree)


def test_chains_and_circles_of_imports_are_followed(of_tree):
    tree = PACKAGE | {
        "script.py": "from words import a",
        "words/a.py": "from words import b",
        "words/b.py": "from words import a\nfrom words.deep import c",
    }
    assert of_tree(tree | {"words/deep/c.py": "CHANGED = 1"}) != of_tree(tree)


@pytest.mark.parametrize(
    "script",
    ["from words import a", "import words.a", "import words", "import json", "from plain import P"],
)
def test_a_change_in_a_module_that_is_not_imported_keeps_it(of_tree, script):
    tree = PACKAGE | {"script.py": script}
    changed = {"words/b.py": "CHANGED = 1", "words/new.py": "", "other.py": "import words.a"}
    assert of_tree(tree | changed) == of_tree(tree)


def test_modules_of_python_and_of_others_are_not_followed(of_tree, tmp_path, monkeypatch):
    (tmp_path / "elsewhere.py").write_text("X = 1")
    monkeypatch.syspath_prepend(tmp_path)
    tree = {"script.py": "import json, numpy.linalg, elsewhere, not_there\nfrom os import path"}
    before = of_tree(tree)
    (tmp_path / "elsewhere.py").write_text("X = 2")
    assert of_tree(tree) == before


def test_a_local_module_that_comes_to_shadow_another_changes_it(of_tree):
    tree = {"script.py": "import json", "words/json.py": ""}
    assert of_tree(tree | {"json.py": ""}) != of_tree(tree)
    assert of_tree(tree | {"json/__init__.py": ""}) != of_tree(tree)
    # Absolute imports do not find what lies beside the importing module in its package.
    tree = {"script.py": "import words.a", "words/a.py": "import json"}
    assert of_tree(tree | {"words/json.py": ""}) == of_tree(tree)


def test_moving_a_definition_to_another_module_changes_it(of_tree):
    tree = PACKAGE | {"script.py": "from words import a, b"}
    moved = tree | {"words/a.py": tree["words/b.py"], "words/b.py": tree["words/a.py"]}
    assert of_tree(moved) != of_tree(tree)


def test_scripts_of_different_names_differ(tmp_path):
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text("x = 1")
    assert fingerprint.of_script(tmp_path / "one.py") != fingerprint.of_script(tmp_path / "two.py")


def test_an_edit_is_seen_at_once(tmp_path):
    script, module = tmp_path / "script.py", tmp_path / "module.py"
    script.write_text("import module")
    found = {fingerprint.of_script(script)}
    for source in ("x = 1", "x = 2"):
        module.write_text(source)
        found.add(fingerprint.of_script(script))
    script.write_text("import module\nmodule.x")
    found.add(fingerprint.of_script(script))
    assert len(found) == 4


def test_the_place_of_the_tree_does_not_matter(tmp_path, monkeypatch):
    expected = fingerprint.of_script(LIBRARY / "train.py")
    ignore = shutil.ignore_patterns("__pycache__")
    for place in ("a", "b c/workflow/scripts"):
        shutil.copytree(LIBRARY, tmp_path / place, ignore=ignore)
        assert fingerprint.of_script(tmp_path / place / "train.py") == expected
    monkeypatch.chdir(tmp_path / "a")
    assert fingerprint.of_script(Path("train.py")) == expected


def test_the_scripts_of_this_workflow_follow_what_they_import(tmp_path):
    scripts = tmp_path / "scripts"
    shutil.copytree(LIBRARY, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    names = sorted(path.name for path in scripts.glob("*.py"))
    before = {name: fingerprint.of_script(scripts / name) for name in names}
    assert len(set(before.values())) == len(names)

    def changed_by(module):
        path = scripts / "spokenwords" / module
        source = path.read_text(encoding="utf-8")
        path.write_text(f"{source}\nCHANGED = 1\n", encoding="utf-8")
        changed = {name for name in names if fingerprint.of_script(scripts / name) != before[name]}
        path.write_text(source, encoding="utf-8")
        return changed

    for module in (scripts / "spokenwords/jobs").glob("*.py"):
        assert changed_by(f"jobs/{module.name}") == set(), module
    decoding = changed_by("recordings/decoding.py")
    assert {"inventory.py", "spectrograms.py", "explore.py"} <= decoding
    # Training decodes negatives, to count false alarms.
    assert decoding.isdisjoint({"split.py", "find_learning_rate.py", "evaluate.py"})
    # A store is written and read by different modules.
    written = {"spectrograms.py", "silence_spectrograms.py", "negative_spectrograms.py"}
    assert changed_by("spectrograms/write.py") == written
    assert changed_by("spectrograms/write_noise.py") == {"noise_spectrograms.py"}
    read = changed_by("spectrograms/read.py")
    assert {"train.py", "evaluate.py", "find_learning_rate.py"} <= read
    assert read.isdisjoint({"inventory.py", "spectrograms.py", "noise_spectrograms.py"})
    assert changed_by("training/loop.py") == {"train.py"}
    # Sentences about folders and lists are for messages alone.
    assert changed_by("recordings/doubts.py") == set()
    # A change of training or plots rebuilds neither inventories nor stores nor splits.
    untouched = {"inventory.py", "spectrograms.py", "split.py", "unpack.py"}
    modules = ("training/loop.py", "report/plots/style.py", "evaluation/metrics.py")
    for module in (*modules, "model/classifier.py", "model/representation.py"):
        assert changed_by(module).isdisjoint(untouched), module
    plots = changed_by("report/plots/style.py")
    assert {"plot_history.py", "plot_confusion.py"} <= plots
    assert plots.isdisjoint({"train.py", "find_learning_rate.py"})
    assert before == {name: fingerprint.of_script(scripts / name) for name in names}


def test_a_syntax_error_names_file_and_line(of_tree):
    with pytest.raises(SyntaxError) as error:
        of_tree(TREE | {"words/sounds.py": "x = 1\nx = = 2\n"})
    assert error.value.filename.endswith("words/sounds.py")
    assert error.value.lineno == 2


def test_a_missing_script_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.py"):
        fingerprint.of_script(tmp_path / "gone.py")


def test_fields_that_other_pythons_add_do_not_matter(of_tree, monkeypatch):
    expected = of_tree(TREE)
    parse = ast.parse

    def parse_as_later_pythons_do(*arguments, **options):
        tree = parse(*arguments, **options)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                node._fields = (*dict.fromkeys([*node._fields, "type_params"]),)
                node.type_params = []
            node._fields = (*node._fields, "later")
            node.later = None
        return tree

    monkeypatch.setattr(ast, "parse", parse_as_later_pythons_do)
    assert of_tree(TREE) == expected


# Characters that came with later versions of Unicode, and all kinds of f-strings.
TRICKY = '''"""A docstring."""
from typing import Generic, TypeVar

T = TypeVar("T")
faces = "\U0001fae8 \U0001f6dc \\ud800 \\x7f ß", b"\\xff\\n", r"\\d", "a" "b" f"c{T}" "d"
texts = f"{T!r:>{10}}", f"{T = }", f"{{}}{T}{{x}}", f"{T:{T}.{T}f}", f"{T:{T}}", f"""{
    T
}""", f"{'nested' + f'{T}'}", f""
numbers = 1e400, 1e-7, 0.1, 10**40, 1j, -0.0, 0xFF, 1_000


class Box(Generic[T]):
    """A box."""

    def open(self: "Box", /, a, b=1, *c: int, d, e=None, **f) -> T:
        """Open."""
        match a:
            case {"x": [1, *rest], **others} if rest:
                return others
            case Box(b=2) | None:
                return (y := b)
        try:
            with open(a) as one, open(b):
                del one
        except* ValueError as error:
            raise error from None
        return lambda *x, y=1: [z async for z in x if z][1:2, ..., ::3]


def empty():
    """Nothing but a docstring."""
'''


def other_python(version):
    """An interpreter of this version, and the environment to run it in; None without one."""
    path = shutil.which(f"python{version}")
    # pyenv's command of that name needs the version as a variable.
    environment = os.environ | {"PYENV_VERSION": version, "PYTHONDONTWRITEBYTECODE": "1"}
    if path:
        check = "import sys; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([path, "-c", check], env=environment, capture_output=True, text=True)
        if done.stdout.strip() == version:
            return path, environment
    return None


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_every_python_finds_the_same(tmp_path, version):
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        pytest.skip("This is that Python.")
    if (found := other_python(version)) is None:
        pytest.skip(f"There is no Python {version}.")
    (tmp_path / "tricky.py").write_text(TRICKY, encoding="utf-8")
    scripts = [tmp_path / "tricky.py", *sorted(LIBRARY.glob("*.py"))]
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
        "from spokenwords.jobs import fingerprint;"
        "[print(fingerprint.of_script(Path(script))) for script in sys.argv[2:]]"
    )
    path, environment = found
    done = subprocess.run(
        [path, "-c", program, LIBRARY, *scripts],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [fingerprint.of_script(script) for script in scripts]


WORKING = """
def load(rows, wanted, threads, progress):
    def read(part):
        rows[part] = 1
        return 1

    for count in threads.map(read, wanted.values()):
        progress.advance(count)
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rows[part] = 1", "rows[part] = 2"),
        ("threads.map(read, wanted.values())", "threads.map(read, wanted.keys())"),
        ("threads.map", "map"),
        ("progress.advance(count)", "progress.advance(read(count))"),
    ],
)
def test_work_in_the_loop_of_a_progress_line_counts(of_tree, old, new):
    """The loop has no statement but a progress line, and yet does the work."""
    assert old in WORKING
    before = of_tree({"script.py": WORKING})
    assert of_tree({"script.py": WORKING.replace(old, new)}) != before


def test_every_line_that_reads_spectrograms_counts(tmp_path):
    """Whatever the loop around them: rows in another order are other recordings."""
    scripts = tmp_path / "scripts"
    shutil.copytree(LIBRARY, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    before = fingerprint.of_script(scripts / "train.py")
    path = scripts / "spokenwords/spectrograms/in_memory.py"
    source = path.read_text(encoding="utf-8")
    assert "piece.rows" in source
    path.write_text(source.replace("piece.rows", "piece.rows[::-1]"), encoding="utf-8")
    assert fingerprint.of_script(scripts / "train.py") != before

"""A fingerprint of what code means: the same after an edit that cannot change a result.

It leaves out comments, docstrings, layout, annotations (except those of fields, which libraries
read), the modules of the package `jobs`, and messages:

- the arguments of `raise` and of calls of `MESSAGES`, and the text of `assert`;
- calls of `logger`, `progress` and `warn` that are statements;
- imports, private functions, private constants and local variables that only these use.

Messages may call functions to read something. One that assigns, awaits or yields is not left out.
"""

import ast
import hashlib
from collections.abc import Callable
from copy import copy
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)

# Packages and modules that run jobs, and compute no results.
JOBS = ("spokenwords.jobs",)
MESSAGES = {"UserError", "Progress", "megabytes_progress", "require_space", "add_note"}
# Exceptions whose arguments are results: an exit status, or a recording's status in inventories.
RESULTS = {"SystemExit", "StopIteration", "UnreadableRecordingError"}
# Calls without side effects: variables that are computed with these alone may be left out.
BUILT_IN = {"len", "sorted", "min", "max", "sum", "list", "set", "str"}
METHODS = {"join", "format", "strip", "items", "keys", "values", "get", "getLogger"}
METHODS |= {"difference", "intersection"}


def of_module(path: Path, root: Path) -> tuple[str, list[Path]]:
    """A digest of the meaning of one module, and the modules in `root` that it may import."""
    digest, imported = meaning(path.read_bytes(), path, root)
    return digest, local_files(imported, root)


def of_script(
    script: Path, read: Callable[[Path, Path], tuple[str, list[Path]]] = of_module
) -> str:
    """SHA-256 over the meaning of `script` and of every local module it imports, transitively.

    Local are the modules and packages that lie in the script's own folder. What counts is the
    syntax tree, without what is left out, in a form that does not depend on the Python version
    that parses it. `read` returns what `of_module` does, and may remember it.
    """
    root = script.parent
    found: dict[Path, str] = {}
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path], imported = read(path, root)
            waiting.extend(imported)
    digest = hashlib.sha256()
    for path in sorted(found):
        digest.update(f"{path.relative_to(root).as_posix()}\0{found[path]}\0".encode())
    return digest.hexdigest()


def of_files(paths: list[Path]) -> str:
    """SHA-256 over the names and bytes of files that are no code."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    return digest.hexdigest()


@cache
def meaning(source: bytes, path: Path, root: Path) -> tuple[str, list[str]]:
    """A digest of one module's meaning, and the names of the modules that it may import."""
    tree = ast.parse(source, str(path))
    package = path.parent.relative_to(root).parts
    is_documented = ast.get_docstring(tree, clean=False) is not None
    parts = [_Code(statement, package, set()) for statement in tree.body[is_documented:]]
    unused: set[str] = set()
    # What only messages use is left out as well; then it uses nothing itself.
    while new := _unused(parts) - unused:
        unused |= new
        for number, part in enumerate(parts):
            if not new.isdisjoint(part.used | part.left_out | part.imported | part.defined.keys()):
                parts[number] = _Code(part.statement, package, unused)
    text = "\n".join(filter(None, (part.text for part in parts)))
    imports = set().union(*(part.imports for part in parts))
    return hashlib.sha256(text.encode()).hexdigest(), sorted(imports)


def _unused(parts: list["_Code"]) -> set[str]:
    """The names that a module in these parts defines, for messages or nothing at all."""
    used = set().union(*(part.used for part in parts))
    left_out = set().union(*(part.left_out for part in parts))
    imported = set().union(*(part.imported for part in parts))
    defined = set().union(*(part.defined for part in parts))
    for part in parts:
        for name in part.defined.keys() - used:
            if not all(map(part.reads, part.defined[name])):
                used.add(name)
    return (imported & left_out | defined) - used


class _Code:
    """Writes what counts of a module's statement as text, without the definitions of `unused`."""

    def __init__(self, statement: ast.stmt, package: tuple[str, ...], unused: set[str]):
        self.statement, self.package, self.unused = statement, package, frozenset(unused)
        self.imports: set[str] = set()  # modules, or names in them
        self.used: set[str] = set()  # names that are read by what counts,
        self.left_out: set[str] = set()  # and by what is left out
        self.imported: set[str] = set()  # names that imports define
        self.defined: dict[str, list[ast.AST]] = {}  # values of variables, none of functions
        self.text = self.write(statement)

    def write(self, node: object, place: type = ast.Module) -> str:
        """A node in a module, class or function as text; empty where it is left out."""
        if isinstance(node, list):
            return f"[{','.join(filter(None, [self.write(part, place) for part in node]))}]"
        if not isinstance(node, ast.AST):
            # Not repr: which characters that shows as they are depends on the Python version.
            return ascii(node)
        if not node._fields:  # an operator, or whether a name is read or set
            return f"{type(node).__name__}()"
        if kind := KINDS.get(type(node)):
            node = kind(self, node, place)
            if node is None:
                return ""
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                place = type(node)
        fields = []
        for name in _sorted(node._fields):
            value = getattr(node, name, None)
            # Later versions of Python add fields, which are empty where the syntax is not used. The
            # kind of a constant tells u"" from "".
            if value is not None and value != [] and name != "kind":
                fields.append(f"{name}={self.write(value, place)}")
        return f"{type(node).__name__}({','.join(fields)})"

    # What counts of a node: all of it, a copy without some of its fields, or nothing (None).

    def name(self, node: ast.Name, place: type) -> ast.AST:
        if isinstance(node.ctx, ast.Load):
            self.used.add(node.id)
        return node

    def shared(self, node: ast.Global, place: type) -> ast.AST:
        self.used.update(node.names)
        return node

    def f_string(self, node: ast.JoinedStr, place: type) -> ast.AST:
        # Some versions of Python put empty texts between the parts of an f-string.
        return _with(node, values=[v for v in node.values if getattr(v, "value", None) != ""])

    def documented(self, node: ast.ClassDef | ast.FunctionDef, place: type) -> ast.AST:
        undocumented = ast.get_docstring(node, clean=False) is None
        return node if undocumented else _with(node, body=node.body[1:])

    def function(self, node: ast.FunctionDef, place: type) -> ast.AST | None:
        if not node.decorator_list and self._is_unused(node.name, place):
            return self._without(node)
        if node.returns:
            self._without(node.returns)
            node = _with(node, returns=None)
        return self.documented(node, place)

    def argument(self, node: ast.arg, place: type) -> ast.AST:
        return _with(node, annotation=self._without(node.annotation)) if node.annotation else node

    def annotated(self, node: ast.AnnAssign, place: type) -> ast.AST | None:
        if place is ast.ClassDef:  # a field
            return node
        self._without(node.annotation)
        if node.value is None:
            return _with(node, annotation=None)
        return self.assigned(ast.Assign([node.target], node.value), place)

    def assigned(self, node: ast.Assign, place: type) -> ast.AST | None:
        match node.targets:
            case [ast.Name(id=name)] if self._is_unused(name, place, node.value):
                return self._without(node.value)
        return node

    def raised(self, node: ast.Raise, place: type) -> ast.AST:
        if isinstance(node.exc, ast.Call) and _called(node.exc) not in RESULTS:
            return _with(node, exc=self._without_arguments(node.exc))
        return node

    def called(self, node: ast.Call, place: type) -> ast.AST:
        return self._without_arguments(node) if _called(node) in MESSAGES else node

    def asserted(self, node: ast.Assert, place: type) -> ast.AST:
        return _with(node, msg=self._without(node.msg))

    def stated(self, node: ast.stmt, place: type) -> ast.AST | None:
        return self._without(node) if self._only_tells(node) else node

    def decided(self, node: ast.If, place: type) -> ast.AST | None:
        if getattr(node.test, "attr", getattr(node.test, "id", "")) == "TYPE_CHECKING":
            return _with(node, body=[]) if node.orelse else self._without(node.test)
        return node

    def imported_(self, node: ast.Import | ast.ImportFrom, place: type) -> ast.AST | None:
        base = ""
        if isinstance(node, ast.ImportFrom):
            package = self.package[: len(self.package) - node.level + 1] if node.level else ()
            base = "".join(f"{part}." for part in (*package, node.module) if part)
        names = []
        for alias in node.names:
            # A name may be a module of the package, or what a module defines.
            module = f"{base}{alias.name}"
            bound = alias.asname or alias.name.partition(".")[0]
            self.imported.add(bound)
            is_of_jobs = any(f"{module}.".startswith(f"{name}.") for name in JOBS)
            if bound not in self.unused:
                names.append(alias)
                if not is_of_jobs:
                    self.imports.add(module)
        return _with(node, names=names) if names else None

    def _without(self, node: ast.AST | None) -> ast.AST | None:
        """Leave out a node, if there is one; return what is left of it: None."""
        if node:
            self.left_out.update(_names(node))
        return None

    def _without_arguments(self, call: ast.Call) -> ast.Call:
        """The call without its arguments, unless these do more than read."""
        arguments = [*call.args, *call.keywords]
        if any(map(_acts, arguments)):
            return call
        for argument in arguments:
            self._without(argument)
        return ast.Call(call.func, [], [])

    def _is_unused(self, name: str, place: type, *values: ast.AST) -> bool:
        """Whether what is defined in `place` under this name is for messages alone."""
        if place is ast.ClassDef or (place is ast.Module and name[0] != "_" and name != "logger"):
            self.used.add(name)  # others may use it
        self.defined.setdefault(name, []).extend(values)
        return name in self.unused

    def _only_tells(self, node: ast.AST) -> bool:
        """Whether a statement does nothing but log a message or the progress."""
        match node:
            case ast.Expr(ast.Call(func=ast.Attribute(value=ast.Name(id="logger")))):
                return not _acts(node)
            case ast.Expr(ast.Call(func=ast.Name(id="warn"))):
                return not _acts(node)
            case ast.Expr(ast.Call(func=ast.Attribute(value=ast.Name(id="progress"))) as call):
                return all(map(self.reads, [*call.args, *call.keywords]))
        return False

    def reads(self, node: ast.AST) -> bool:
        """Whether it is known that an expression does no more than read."""
        calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
        return not _acts(node) and all(map(self._only_reads, calls))

    def _only_reads(self, call: ast.Call) -> bool:
        if not self.unused.isdisjoint(_names(call.func)):
            return True  # a function for messages
        match call.func:
            case ast.Name(id=name):
                return name in BUILT_IN
            case ast.Attribute(attr=name):
                return name in METHODS
        return False


KINDS: dict[type[ast.AST], Callable[..., ast.AST | None]] = {
    ast.Name: _Code.name,
    ast.Global: _Code.shared,
    ast.JoinedStr: _Code.f_string,
    ast.ClassDef: _Code.documented,
    ast.FunctionDef: _Code.function,
    ast.AsyncFunctionDef: _Code.function,
    ast.arg: _Code.argument,
    ast.AnnAssign: _Code.annotated,
    ast.Assign: _Code.assigned,
    ast.Raise: _Code.raised,
    ast.Call: _Code.called,
    ast.Assert: _Code.asserted,
    ast.Expr: _Code.stated,
    ast.If: _Code.decided,
    ast.Import: _Code.imported_,
    ast.ImportFrom: _Code.imported_,
}


_sorted = cache(sorted)


def _with(node: Node, **fields: object) -> Node:
    """A copy of a node with other fields."""
    node = copy(node)
    for name, value in fields.items():
        setattr(node, name, value)
    return node


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _called(call: ast.Call) -> str:
    """The name of a function or method, or of an exception's class; maybe empty."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _acts(node: ast.AST) -> bool:
    acting = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
    return any(isinstance(each, acting) for each in ast.walk(node))


def local_files(names: list[str], root: Path) -> list[Path]:
    """The files in `root` that imports of these names run."""
    # Importing a.b.c runs a, a.b and a.b.c.
    places = {place for name in names for place in accumulate(name.split("."), "{}/{}".format)}
    files = [root / f"{place}{end}" for place in sorted(places) for end in (".py", "/__init__.py")]
    return list(filter(Path.is_file, files))

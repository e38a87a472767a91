"""A fingerprint of what code means: the same after an edit of comments, docstrings or layout."""

import ast
import hashlib
from functools import cache
from pathlib import Path


def of_script(script: Path) -> str:
    """SHA-256 over the meaning of `script` and of every local module it imports, transitively.

    Local are the modules and packages that lie in the script's own folder. What counts is the
    syntax tree without docstrings and positions, written in a form that does not depend on the
    Python version that parses it.
    """
    root = script.parent
    found: dict[Path, str] = {}
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path], imported = _module(path.read_bytes(), path, root)
            waiting.extend(_local_files(imported, root))
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
def _module(source: bytes, path: Path, root: Path) -> tuple[str, list[str]]:
    """A digest of one module's meaning, and the names of the modules that it may import."""
    tree = ast.parse(source, str(path))
    return hashlib.sha256(_meaning(tree).encode()).hexdigest(), _imports(tree, path, root)


def _meaning(node: object) -> str:
    """A syntax tree as text, docstrings, positions and empty fields left out."""
    if isinstance(node, list):
        return f"[{','.join(map(_meaning, node))}]"
    if not isinstance(node, ast.AST):
        # Not repr: which characters that shows as they are depends on the Python version.
        return ascii(node)
    fields = []
    for name in sorted(node._fields):
        value = getattr(node, name, None)
        if name == "body" and isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ):
            value = value[1:] if ast.get_docstring(node, clean=False) is not None else value
        if name == "values" and isinstance(node, ast.JoinedStr):
            # Some versions of Python put empty texts between the parts of an f-string.
            value = [part for part in value if getattr(part, "value", None) != ""]
        # Later versions of Python add fields, which are empty where the syntax is not used. The
        # kind of a constant tells u"" from "".
        if value is not None and value != [] and name != "kind":
            fields.append(f"{name}={_meaning(value)}")
    return f"{type(node).__name__}({','.join(fields)})"


def _imports(tree: ast.Module, path: Path, root: Path) -> list[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = path.parent.relative_to(root).parts
                package = package[: len(package) - node.level + 1]
                base = ".".join([*package, base] if base else package)
            # The names may be modules of the package, or what a module defines.
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return sorted(names)


def _local_files(names: list[str], root: Path) -> list[Path]:
    files = []
    for name in names:
        parts = name.split(".")
        # Importing a.b.c runs a, a.b and a.b.c.
        for depth in range(1, len(parts) + 1):
            module = root.joinpath(*parts[:depth])
            files += [
                candidate
                for candidate in (module.with_name(f"{module.name}.py"), module / "__init__.py")
                if candidate.is_file()
            ]
    return files

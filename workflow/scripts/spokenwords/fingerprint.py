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
            found[path], imported = _module(path, root)
            waiting.extend(imported)
    digest = hashlib.sha256()
    for path in sorted(found):
        digest.update(f"{path.relative_to(root).as_posix()}\0{found[path]}\0".encode())
    return digest.hexdigest()


@cache
def _module(path: Path, root: Path) -> tuple[str, list[Path]]:
    """The meaning of one module, and the local modules it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return hashlib.sha256(_meaning(tree).encode()).hexdigest(), _imports(tree, path, root)


def _meaning(node: object) -> str:
    """A syntax tree as text, docstrings, positions and empty fields left out."""
    if isinstance(node, list):
        return f"[{','.join(map(_meaning, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = []
    for name in sorted(node._fields):
        value = getattr(node, name, None)
        if name == "body" and isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ):
            value = value[1:] if ast.get_docstring(node, clean=False) is not None else value
        # Later versions of Python add fields, which are empty where the syntax is not used.
        if value is not None and value != []:
            fields.append(f"{name}={_meaning(value)}")
    return f"{type(node).__name__}({','.join(fields)})"


def _imports(tree: ast.Module, path: Path, root: Path) -> list[Path]:
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
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)
    files = []
    for name in sorted(names):
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

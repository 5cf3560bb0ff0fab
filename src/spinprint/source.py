"""What source code a result depends on, so that results of other code are not used again."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGE = Path(__file__).parent


@cache
def source_digest(module: str) -> str | None:
    """SHA-256 of all source code that a module of this package depends on.

    It is read once in a process, best while the module is imported: what is edited later is not
    the code that runs.

    Parameters
    ----------
    module
        Its full name.

    Returns
    -------
    The digest of its source, of the sources of all modules of the package that it imports,
    directly or not, at the top or within a function, and of the versions of the other packages
    that these import; None where a source cannot be read, as in an archive.
    """
    return digest_below(_PACKAGE, module)


def digest_below(package: Path, module: str) -> str | None:
    """`source_digest` of a module of the package in a folder, read anew."""
    sources: dict[str, bytes] = {}
    others: set[str] = set()
    waiting = {module}
    try:
        while waiting:
            name = waiting.pop()
            path = _path(package, name)
            if path is None:
                others.add(name.partition(".")[0])
            elif name not in sources:
                sources[name] = path.read_bytes()
                within = name if path.name == "__init__.py" else name.rpartition(".")[0]
                waiting.update(_imported(sources[name], within))
    except (OSError, SyntaxError):
        return None
    if module not in sources:
        return None
    hasher = hashlib.sha256()
    for name in sorted(sources):
        hasher.update(f"{name} {len(sources[name])}\n".encode() + sources[name])
    others -= {package.name, *sys.stdlib_module_names}
    hasher.update(repr([(name, _version(name)) for name in sorted(others)]).encode())
    return hasher.hexdigest()


def _path(package: Path, module: str) -> Path | None:
    """The file of a module; None where it is no module of the package."""
    first, *below = module.split(".")
    place = package.joinpath(*below)
    files = (place / "__init__.py", place.with_name(f"{place.name}.py"))
    return next((file for file in files if first == package.name and file.is_file()), None)


@cache
def _imported(source: bytes, within: str) -> frozenset[str]:
    """Full names of what a source imports; a name taken from a module may be a module or not.

    A package whose module is imported runs first, but lends it nothing: it counts only where a
    name is taken from it.
    """
    found: set[str] = set()
    for statement in _imports(ast.parse(source).body):
        if isinstance(statement, ast.Import):
            found.update(alias.name for alias in statement.names)
        else:
            above = within.split(".")[: 1 - statement.level or None] if statement.level else []
            base = ".".join((*above, *filter(None, (statement.module,))))
            found.update((base, *(f"{base}.{alias.name}" for alias in statement.names)))
    return frozenset(found)


def _imports(body: Iterable[ast.AST]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The import statements among statements and those within them; expressions hold none."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            for field in ("body", "orelse", "finalbody", "handlers", "cases"):
                yield from _imports(getattr(node, field, ()))


@cache
def _version(name: str) -> str:
    """The version of another package; empty where it is not installed under its own name."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""

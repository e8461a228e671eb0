"""Imports of our modules, read from their source files without importing them."""

import ast
import functools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pipeline", "components", "trainer_module")


def source_file(module: str) -> Path | None:
    """Return the file of one of our modules, or None where there is no such module.

    Args:
        module: Dotted name, such as `trainer_module.data.preprocessing`.
    """
    base = ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def with_imported_modules(modules: Iterable[str]) -> set[str]:
    """Return modules together with all modules of ours that they import, directly or indirectly.

    Args:
        modules: Dotted names.
    """
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in reached and source_file(name):
            reached.add(name)
            waiting.extend(other for other in _imports(name) if _package(other) in PACKAGES)
    return reached


def imported_libraries(modules: Iterable[str]) -> set[str]:
    """Return the top-level packages that modules import, without ours and the standard library.

    Args:
        modules: Dotted names of our modules. Their own imports count, not those of what they
            import, see `with_imported_modules`.
    """
    packages = {_package(name) for module in modules for name in _imports(module)}
    return packages - sys.stdlib_module_names - set(PACKAGES)


@functools.cache
def _imports(module: str) -> frozenset[str]:
    """Dotted names in the import statements of a module, wherever they are in it."""
    path = source_file(module)
    if path is None:
        return frozenset()
    names: set[str] = set()
    for statement in _statements(ast.parse(path.read_bytes())):
        if isinstance(statement, ast.Import):
            names.update(alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            # `from package import name`: the name may be a module or something in it.
            names.add(statement.module)
            names.update(f"{statement.module}.{alias.name}" for alias in statement.names)
    return frozenset(names)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements below a node. Expressions are skipped: they hold no imports."""
    for block in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(node, block, ()):
            yield child
            yield from _statements(child)


def _package(module: str) -> str:
    return module.partition(".")[0]

"""Identity of our own code, so that TFX's cache notices when a line of it changes."""

import ast
import functools
import hashlib
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pipeline", "components", "trainer_module")

#: A new version of one of these may compute other results.
LIBRARIES = ("tfx", "tensorflow", "keras")


def code_fingerprint(*modules: str) -> str:
    """Digest of modules and of everything of ours that they import, directly or not.

    Args:
        modules: dotted names, such as `trainer_module.data.preprocessing`.

    Returns:
        SHA-256 in hex, over the sources and the versions of the libraries beneath.
    """
    digest = hashlib.sha256()
    for name in sorted(_with_imports(modules)):
        source = _source(name)
        if source is not None:
            digest.update(f"{name}\0".encode() + source.read_bytes())
    for library in LIBRARIES:
        digest.update(f"{library}=={metadata.version(library)}\n".encode())
    return digest.hexdigest()


def _with_imports(modules: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_imports(name))
    return found


@functools.cache
def _imports(module: str) -> frozenset[str]:
    """Modules of ours that a module names in its import statements."""
    source = _source(module)
    if source is None:
        return frozenset()
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_bytes())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import name`: the name may be a module or something in it.
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(name for name in names if name.split(".")[0] in PACKAGES)


def _source(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None

"""Checks that a library still has a name that it does not document."""

import importlib
import inspect
from importlib import metadata

import pytest


def require(path: str, used_in: str, parameters: tuple[str, ...] = ()) -> object:
    """Return what a path names, or fail with what has moved and where it is used.

    Args:
        path: Module and attribute, such as `tfx.utils.path_utils:serving_model_path`.
        used_in: Module of ours that uses it.
        parameters: Parameters that a callable must take.
    """
    module, _, attribute = path.partition(":")
    library = f"{module.partition('.')[0].replace('_', '-')}"
    where = f"{library} {metadata.version(library)}"
    try:
        found: object = importlib.import_module(module)
    except ImportError as error:
        pytest.fail(f"{where} has no module {module} ({error}). Change {used_in}, which uses it.")
    for name in attribute.split(".") if attribute else ():
        if not hasattr(found, name):
            pytest.fail(f"{where} has no {path}. Change {used_in}, which uses it.")
        found = getattr(found, name)
    taken = inspect.signature(found).parameters if parameters and callable(found) else {}
    missing = [name for name in parameters if name not in taken]
    if missing:
        pytest.fail(
            f"{path} of {where} takes {', '.join(taken) or 'nothing'}, but not "
            f"{', '.join(missing)}. Change {used_in}, which passes it."
        )
    return found

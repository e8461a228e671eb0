"""Command lines of Python processes that the working directory has no influence on."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def isolated_python(code: str) -> list[str]:
    """Return the command line that runs Python code without the working directory on its path.

    `python -m` and `python -c` look there first, so that a folder of the user named `components`
    would be imported in place of ours, or a file `random.py` in place of the standard library's.
    The option `-P` is missing in Python 3.10, and `-I` would ignore PYTHONPATH, too.

    Args:
        code: Program. Arguments may follow; they are in `sys.argv`.
    """
    path = f"[*filter(None, sys.path), {str(ROOT)!r}]"
    return [sys.executable, "-c", f"import sys; sys.path[:] = {path}; {code}"]


def isolated_module(module: str) -> list[str]:
    """Return the command line that runs a module as a program, see `isolated_python`.

    Args:
        module: Dotted name of the module.
    """
    return isolated_python(
        f"import runpy; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    )

"""Check of the settings that Python was started with."""

import sys

from trainer_module.contract.errors import InputError


def check_interpreter() -> None:
    """Refuse settings of Python under which libraries fail or names of files are misread.

    Raises:
        InputError: Docstrings are removed, or names of files are not read as UTF-8.
    """
    if sys.flags.optimize > 1:
        raise InputError(
            "Python runs without docstrings (PYTHONOPTIMIZE=2 or -OO), and TFX needs them. "
            "Unset PYTHONOPTIMIZE."
        )
    encoding = sys.getfilesystemencoding()
    if encoding.lower().replace("-", "") != "utf8":
        raise InputError(
            f"Python reads names of files as {encoding} here, so that domains and classes would "
            "get other names. Set PYTHONUTF8=1, or LC_ALL to a UTF-8 locale such as C.UTF-8."
        )

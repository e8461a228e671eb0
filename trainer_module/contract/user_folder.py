"""Folders of this user, see the XDG Base Directory Specification."""

import os
from pathlib import Path


def user_folder(variable: str, default: str) -> Path:
    """Return the folder in which this program keeps a kind of files of the user.

    Args:
        variable: Name of the variable with the folder for all programs, such as `XDG_CACHE_HOME`.
        default: That folder without the variable, such as `~/.cache`.
    """
    folder = os.environ.get(variable, "")
    # The specification says that a relative path is ignored.
    if not Path(folder).is_absolute():
        # Unlike Path.home(), this does not fail for a user without a home.
        folder = os.path.expanduser(default)  # noqa: PTH111
    return Path(folder, "carryover")

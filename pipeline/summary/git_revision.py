"""The git revision of the code that runs."""

import shutil
import subprocess
from pathlib import Path

from pipeline.identity.source_tree import ROOT


def git_revision(folder: Path = ROOT) -> str | None:
    """Return the commit that is checked out in a folder.

    Args:
        folder: Top folder of a git work tree. A folder further down, such as a virtual
            environment, may hold other code than the commit.

    Returns:
        The full hash. None if the folder is not the top of a work tree, nothing is committed, or
        git is not installed.
    """
    git = shutil.which("git")
    if git is None:
        return None
    # The first line is the relative path to the top: empty in the top folder itself.
    command = [git, "-C", str(folder), "rev-parse", "--show-cdup", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    path_to_top, revision = done.stdout.splitlines()
    return None if path_to_top else revision

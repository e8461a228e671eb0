"""The revision of our own code, where git knows it."""

import shutil
import subprocess
from pathlib import Path

from pipeline.running.fingerprint import ROOT


def git_revision(folder: Path = ROOT) -> str | None:
    """The commit that is checked out in a folder.

    Args:
        folder: top of a work tree. A folder further down in one, such as that of a virtual
            environment, holds something else than the commit does.

    Returns:
        The full hash; None where the folder is not such a top, nothing is committed, or there is
        no git.
    """
    git = shutil.which("git")
    if git is None:
        return None
    # The way up to the top comes first: nothing from the top itself.
    command = [git, "-C", str(folder), "rev-parse", "--show-cdup", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    way_up, revision = done.stdout.splitlines()
    return None if way_up else revision

"""Lease of a workspace: a run whose steps are processes of their own, one after the other, uses it.

A file lock ends with its process. Between two steps on a cluster there is no process, so that the
run leaves a file that names it. Every step renews the lease while it works. A lease that nobody has
renewed for `EXPIRES_AFTER` seconds belongs to a run that was terminated: the next command removes
it. A step must own the lease, so that a run that comes back too late changes nothing.
"""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.workspace_files.renewal import renewed
from trainer_module.contract.workspace_files.state_files import read_json_object

FILE = ".lease"

#: Seconds without a renewal after which the run is given up. Between two steps, a cluster may have
#: to wait for a machine.
EXPIRES_AFTER = 6 * 3600.0

#: Seconds between two renewals of a step that works.
RENEW_EVERY = 60.0

_REMEDY = "If no run on Kubeflow uses the workspace, remove the file."


@dataclass(frozen=True)
class Lease:
    """A run that uses a workspace.

    Attributes:
        holder: Id of the run in the system that starts its steps.
        run_id: Id of the run in the workspace.
    """

    holder: str
    run_id: str

    @classmethod
    def read(cls, workspace: Path) -> "Lease | None":
        """Return the lease of a workspace; None if there is none, or it has expired.

        Args:
            workspace: Folder of the workspace.

        Raises:
            UnavailableError: The file is unreadable or damaged.
        """
        file = workspace / FILE
        try:
            renewed = file.stat().st_mtime
        except FileNotFoundError:
            return None
        if time.time() - renewed > EXPIRES_AFTER:
            return None
        values = read_json_object(file, "lease", _REMEDY)
        return cls(str(values.get("holder")), str(values.get("run_id")))

    def write(self, workspace: Path) -> None:
        """Take the lease of a workspace. The caller holds its lock."""
        atomic_write(workspace / FILE, json.dumps(asdict(self)) + "\n")


def release_lease(workspace: Path, holder: str) -> None:
    """Give the lease of a workspace back, if this run has it.

    Args:
        workspace: Folder of the workspace.
        holder: Id of the run in the system that starts its steps.

    Raises:
        UnavailableError: The file is unreadable or damaged.
    """
    lease = Lease.read(workspace)
    if lease and lease.holder == holder:
        (workspace / FILE).unlink(missing_ok=True)


@contextlib.contextmanager
def leased(workspace: Path, holder: str) -> Iterator[Lease]:
    """Renew the lease of a run while the block works.

    Args:
        workspace: Folder of the workspace.
        holder: Id of the run that has the lease.

    Raises:
        UnavailableError: The lease has expired, or is that of another run.
    """
    lease = Lease.read(workspace)
    if lease is None or lease.holder != holder:
        raise UnavailableError(
            f"workspace {workspace} is no longer reserved for run {holder}: no step of it ran for "
            f"{EXPIRES_AFTER / 3600:g} hours, or it has ended. Start a new run."
        )

    def renew() -> None:
        with contextlib.suppress(OSError):  # the next renewal may succeed
            os.utime(workspace / FILE)

    renew()
    with renewed(renew, RENEW_EVERY):
        yield lease

"""What became of the models of all runs: versions, acceptances and rollbacks."""

from dataclasses import dataclass

from components.pusher.rollback_record import Rollback, read_rollback
from components.pusher.version_store import Push
from pipeline.terminal.plain_lines import print_line
from pipeline.version_lookup import find_stores
from pipeline.workspace import Workspace


@dataclass(frozen=True)
class ModelVersion:
    """Version that the model of a run became.

    Attributes:
        number: Number of the version.
        push: Record of its push.
        rollback: Record of its rollback; None while it is in the serving directory.
    """

    number: int
    push: Push
    rollback: Rollback | None

    @property
    def later_reasons(self) -> list[str]:
        """What persons said when they accepted the model, and when they rolled it back."""
        reasons = [f"accepted: {self.push.accepted}"] if self.push.accepted else []
        if self.rollback and self.rollback.rolled_back_at:
            reasons.append(str(self.rollback))
        return reasons


def read_model_versions(workspace: Workspace) -> dict[str, ModelVersion]:
    """Return run id -> the newest version of its model.

    A version whose record is damaged is left out, with a line on stderr.

    Args:
        workspace: Workspace with the versions.
    """
    versions: dict[str, ModelVersion] = {}
    for store in find_stores(workspace.root):
        for number, error in store.damaged_pushes().items():
            text = f"carryover: version {number} of '{store.name}' is left out: {error}"
            print_line(text, to_stderr=True)
        for number, push, is_served in store.pushes():
            rollback = None if is_served else read_rollback(store.rolled_back / str(number))
            # Versions in service come first: a candidate can be accepted again after a rollback.
            versions.setdefault(push.run_id, ModelVersion(number, push, rollback))
    return versions

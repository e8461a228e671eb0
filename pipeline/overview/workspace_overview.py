"""What the page tells of a workspace, read anew from its files."""

from collections.abc import Callable
from typing import Any, TypeVar

from components.pusher.version_store import Push, VersionStore
from pipeline.overview.recent_batches import RecentBatches, read_recent_batches
from pipeline.overview.run_reports import has_report, newest_run
from pipeline.overview.server_facts import ServerFacts
from pipeline.overview.traffic_alarms import describe_monitor
from pipeline.overview.version_facts import describe_version, domain_accuracies, utc_time
from pipeline.retraining.batch import FILE, Batch
from pipeline.retraining.current_reason import current_reason
from pipeline.summary.summary_schema import Domain, Summary
from pipeline.version_lookup import find_rollbacks
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.printable_names import printable_name, shortened

#: Most batches that the page shows, and most characters of one reason.
MAX_BATCHES, MAX_REASON = 10, 500

#: Most domains that the page shows, those with the lowest accuracy.
MAX_DOMAINS = 50

#: Said of a serving directory without a workspace around it.
NO_WORKSPACE = (
    "There is no workspace around this serving directory, so its runs, reports and batches are "
    "unknown."
)

#: What is told where nothing can be read.
NOTHING: list[dict[str, Any]] = []

Value = TypeVar("Value")


class WorkspaceOverview:
    """Reads what the page tells. Whatever cannot be read is named in `problems`.

    Attributes:
        problems: Sentences about files that are damaged or missing.
    """

    def __init__(self, store: VersionStore) -> None:
        """Read nothing yet.

        Args:
            store: Versions of the model.
        """
        self._store, self._workspace = store, Workspace(store.root)
        self.problems: list[str] = []

    def read(self, facts: ServerFacts) -> dict[str, Any]:
        """Return what the page tells, as a JSON object.

        Args:
            facts: State of the server.
        """
        number = facts.version
        push = self._try(lambda: self._store.read_any(number), None) if number else None
        summary = self._try(lambda: self._read_summary(push.run_id), None) if push else None
        newest = self._try(lambda: newest_run(self._workspace), None)
        recent = self._try(
            lambda: read_recent_batches(self._store.root, MAX_BATCHES), RecentBatches([], 0)
        )
        content = {
            "version": self._describe_version(number, push, facts) if number else None,
            "domains": self._domains(push, summary.domains if summary else {}),
            "batches": self._try(lambda: self._describe_batches(recent.batches), NOTHING),
            "num_batches": recent.total,
            "run": self._try(lambda: self._describe_run(newest), None) if newest else None,
            "has_workspace": self._has_workspace(),
            "shadow": facts.shadow,
            "monitor": self._try(
                lambda: describe_monitor(self._store, number, facts.monitor, recent.names), None
            ),
        }
        missing = [] if content["has_workspace"] else [NO_WORKSPACE]
        return content | {"problems": [*missing, *map(printable_name, self.problems)]}

    def _try(self, read: Callable[[], Value], otherwise: Value) -> Value:
        """Return what can be read; note why if it cannot."""
        try:
            return read()
        except (InputError, OSError) as error:
            text = str(error)
            self.problems += [] if text in self.problems else [text]
            return otherwise

    def _has_workspace(self) -> bool:
        return self._workspace.runs.is_dir() or (self._store.root / FILE).exists()

    def _read_summary(self, run_id: str) -> Summary | None:
        """Return the summary of a run; None if its folder is gone, as in a bare serving folder."""
        folder = self._workspace.runs / run_id
        return Summary.read(folder) if folder.is_dir() else None

    def _describe_version(
        self, number: int, push: Push | None, facts: ServerFacts
    ) -> dict[str, Any] | None:
        return self._try(
            lambda: describe_version(self._store, number, push, facts.promoted_at), None
        )

    def _domains(self, push: Push | None, results: dict[str, Domain]) -> list[dict[str, Any]]:
        if push is None:
            return []
        before: dict[str, dict[str, Any]] = {}
        if push.baseline_version is not None:
            number = push.baseline_version
            record = self._try(lambda: self._store.read_any(number), None)
            before = record.domains if record else {}
        return domain_accuracies(push, results, before)[:MAX_DOMAINS]

    def _describe_run(self, run_id: str) -> dict[str, Any]:
        summary = Summary.read(self._workspace.runs / run_id)
        return {
            "id": run_id,
            "status": summary.status,
            "version": summary.pushed_version,
            "reasons": [shortened(one, MAX_REASON) for one in summary.reasons[:MAX_BATCHES]],
            "has_report": has_report(self._workspace, run_id),
        }

    def _describe_batches(self, batches: list[Batch]) -> list[dict[str, Any]]:
        pushed = [
            (one.digest, one.version)
            for one in batches
            if one.state == "pushed" and one.version and not self._is_serving(one.version)
        ]
        # The records of all versions are read only if one of them may have been rolled back.
        rollbacks = find_rollbacks(self._store.root, pushed) if pushed else {}

        def rollback_of(one: Batch) -> str:
            found = rollbacks.get((one.digest, one.version)) if one.state == "pushed" else None
            return printable_name(str(found)) if found else ""

        serving = [
            one for one in reversed(batches) if one.state == "pushed" and not rollback_of(one)
        ]
        return [
            {
                "name": printable_name(one.name),
                "state": one.state,
                "time": utc_time(one.finished_at or one.taken_at),
                "reason": shortened(current_reason(one, serving), MAX_REASON),
                "version": one.version,
                "replaced_by": one.replaced_by,
                "rollback": rollback_of(one),
                "run": one.run_id if has_report(self._workspace, one.run_id) else None,
            }
            for one in batches
        ]

    def _is_serving(self, version: int) -> bool:
        return self._store.path(version).is_dir()

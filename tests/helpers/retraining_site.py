"""A workspace and an inbox for passes whose run of the pipeline is replaced."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from tiny_models import LABELS
from tiny_summary import domain, summary
from tiny_workspace import NAME, push_copy

from components.pusher.version_store import VersionStore
from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot
from pipeline.logs.command_log import CommandLog
from pipeline.retraining.batch import Batch
from pipeline.retraining.ledger import read_batches
from pipeline.retraining.notices import Notices
from pipeline.retraining.retraining_pass import RetrainingPass
from pipeline.running.run_failure import RunFailedError
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace

#: Pictures as (label, class that the model predicts).
CORRECT = [(label, label) for label in LABELS] * 4
WRONG = [("red", "green"), ("green", "blue"), ("blue", "red")] * 4


class KilledError(BaseException):
    """Stands for a kill: nothing but this process's memory is lost."""


class UnexpectedRunError(BaseException):
    """Nothing is to be trained. Unlike an AssertionError, it is no failed attempt of a batch."""


class Pipeline:
    """Stands for the run of the pipeline; its result is given, and the version is pushed."""

    def __init__(self, result: Summary | BaseException) -> None:
        self.result = result
        self.snapshots: list[Snapshot] = []

    def __call__(self, config: RunConfig, workspace: Workspace, snapshot: Snapshot) -> Summary:
        self.snapshots.append(snapshot)
        if isinstance(self.result, BaseException):
            raise self.result
        store = VersionStore(workspace.root, config.name)
        while (store.newest() or 0) < (self.result.pushed_version or 0):
            push_copy(store, workspace.root / "model", "run 2", snapshot.batch)
        return self.result


class OnEvent(Notices):
    """Calls a function when an event is sent."""

    def __init__(self, event: str, function: Callable[[], None]) -> None:
        super().__init__()
        self._event = event
        self._function = function

    def send(self, event: str, **values: Any) -> None:
        """See `Notices`."""
        if event == self._event:
            self._function()


def be_killed() -> None:
    """Stand for a kill of the process."""
    raise KilledError


PUSHED = summary(
    run_id="run 2",
    pushed_version=2,
    domains={"day": domain(0.88, 0.9), "night": domain(0.9, 0.1)},
    mean_domain_accuracy=0.89,
)
REJECTED = summary(
    run_id="run 2", status="not_blessed", pushed_version=None, reasons=["domain 'day': worse", "x"]
)

RUN_FAILED = RunFailedError("Trainer failed", Path("run.log"))


class RetrainingSite:
    """A workspace and an inbox, and passes over it."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "workspace"
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self.store = VersionStore(self.workspace, NAME)
        self.output = ""
        self.events: list[dict[str, Any]] = []

    def a_pass(
        self,
        pipeline: Callable[[RunConfig, Workspace, Snapshot], Summary] | None = None,
        notices: Notices | None = None,
        command_log: CommandLog | None = None,
        allow: tuple[str, ...] = (),
        settings: dict[str, Any] | None = None,
        **options: Any,
    ) -> RetrainingPass:
        """Make a pass; without a pipeline, a run is an error.

        `allow` is `validation.allow`, `settings` are further keys of the config, and `options`
        those of `retrain`.
        """
        retrain = {
            "inbox": self.inbox,
            "allowed_roots": [str(self.inbox.parent / "pictures"), "memory://"],
            "min_pictures": 4,
            "quiet_seconds": 0,
        } | options
        config = RunConfig(
            **{
                "name": NAME,
                "data": "/data",
                "workspace": self.workspace,
                "retrain": retrain,
                "validation": {"allow": allow},
            }
            | (settings or {}),
        )
        self._console, self._stream = io.StringIO(), io.StringIO()
        console = Console(file=self._console, width=1000)
        notices = notices or Notices(self._stream)
        pipeline = pipeline or Pipeline(UnexpectedRunError())
        return RetrainingPass(config, notices, console, pipeline, command_log)

    def run(self, *arguments: Any, is_quiet: bool = False, **options: Any) -> int:
        """Run a pass, and keep what it prints and the events that it sends."""
        retraining_pass = self.a_pass(*arguments, **options)
        try:
            return retraining_pass.run(is_quiet)
        finally:
            self.output = self._console.getvalue()
            self.events = [json.loads(line) for line in self._stream.getvalue().splitlines()]

    def preview(self, **options: Any) -> list[str]:
        """Return the lines of a preview."""
        self.a_pass(**options).preview()
        return self._console.getvalue().splitlines()

    def event_names(self) -> list[str]:
        """Return the names of the events of the last pass."""
        return [event["event"] for event in self.events]

    def batches(self) -> list[Batch]:
        """Return the batches in the ledger."""
        return read_batches(self.workspace)

    def states(self) -> list[str]:
        """Return the states of the batches in the ledger."""
        return [batch.state for batch in self.batches()]

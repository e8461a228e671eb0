"""One run, while it lasts."""

import time
from dataclasses import dataclass, field

from components.pusher.versions import VersionStore
from pipeline.config import RunConfig
from pipeline.snapshot import Snapshot
from pipeline.terminal import Reporter
from pipeline.workspace import Workspace


@dataclass
class Run:
    """One run, while it lasts.

    Attributes:
        run_id: names its folder and its log.
        config: with an absolute workspace.
        workspace: of the run.
        snapshot: the pictures.
        reporter: shows progress.
        seconds: per component, so far.
        cached: components answered from the cache, so far.
    """

    run_id: str
    config: RunConfig
    workspace: Workspace
    snapshot: Snapshot
    reporter: Reporter
    started: float = field(default_factory=time.perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)
    cached: list[str] = field(default_factory=list)

    @property
    def store(self) -> VersionStore:
        """The versions of this run's model."""
        return VersionStore(self.workspace.root, self.config.name)

    def finish(self) -> None:
        """Stop the clock."""
        self.seconds["total"] = time.perf_counter() - self.started

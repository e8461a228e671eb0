"""One run, while it lasts."""

import contextlib
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from components.data_gate.findings import Finding
from components.pusher.version_store import VersionStore
from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot
from pipeline.summary.revision import git_revision
from pipeline.summary.summary_schema import Summary
from pipeline.summary.terminal import Outcome, Reporter
from pipeline.workspace import Workspace

LIBRARIES = ("tfx", "tensorflow", "keras", "apache-beam", "numpy")


@dataclass
class Run:
    """One run, while it lasts.

    Attributes:
        run_id: names its folder and its log.
        config: with an absolute workspace.
        workspace: of the run.
        snapshot: the pictures.
        reporter: shows progress.
        folder: for what its user looks for.
        step: the component that runs now, or ran last.
        seconds: per component, so far.
        cached: components answered from the cache, so far.
        findings: what the data gate found.
    """

    run_id: str
    config: RunConfig
    workspace: Workspace
    snapshot: Snapshot
    reporter: Reporter
    folder: Path
    step: str = ""
    started: float = field(default_factory=time.perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)
    cached: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def rejects(self) -> Path:
        """The files that could not be used, each with its reason; missing where there are none."""
        return self.folder / "rejects.csv"

    @property
    def lookalikes(self) -> Path:
        """The pictures that are there twice, or nearly so; missing where there are none."""
        return self.folder / "lookalikes.csv"

    @property
    def store(self) -> VersionStore:
        """The versions of this run's model."""
        return VersionStore(self.workspace.root, self.config.name)

    def finish(self) -> None:
        """Stop the clock."""
        self.seconds["total"] = time.perf_counter() - self.started

    @contextlib.contextmanager
    def component(self, name: str) -> Iterator[Outcome]:
        """Show a component while it runs, and remember how it ended."""
        self.step = name
        with self.reporter.component(name) as outcome:
            yield outcome
        self.seconds[name] = outcome.seconds
        self.cached += [name] if outcome.cached else []

    def facts(self, device: str | None = None) -> dict[str, Any]:
        """What every summary says, however the run ended.

        Args:
            device: that the model was trained on, if it was.
        """
        return {
            "run_id": self.run_id,
            "data_root": self.snapshot.data_root,
            "seconds": self.seconds,
            "cached": self.cached,
            "ignored_files": self.snapshot.ignored,
            "findings": self.findings,
            "environment": environment(self.config.seed, device),
            "seed": self.config.seed,
        }


def environment(seed: int, device: str | None) -> dict[str, str | int | None]:
    """Seed, versions and hardware that the figures were made with."""
    versions = {name: metadata.version(name) for name in LIBRARIES}
    return {
        "seed": seed,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "device": device,
        "git_revision": git_revision(),
        **versions,
    }


def failed_summary(run: Run, reason: str) -> Summary:
    """Summary of a run that ended early."""
    return Summary(
        **run.facts(),
        status="failed",
        reasons=[reason],
        pushed_version=None,
        new_version=False,
        baseline_version=None,
        images=None,
        reject_reasons={},
        classes=[],
        domains={},
        worst_domain=None,
        mean_domain_accuracy=None,
        stages=None,
        calibration=None,
    )

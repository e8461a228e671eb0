"""One run of the pipeline in this process: its inputs, and what it has done so far."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from components.data_gate.findings import Finding
from components.pusher.version_store import VersionStore
from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot
from pipeline.running.reliable_interrupt import reliable_interrupt
from pipeline.summary.environment import describe_environment
from pipeline.summary.run_facts import RunFacts
from pipeline.terminal.progress_display import ComponentResult, ProgressDisplay
from pipeline.workspace import Workspace


@dataclass
class Run:
    """One run of the pipeline in this process.

    Attributes:
        run_id: Id of the run, which names its folder and its log.
        config: Config of the run, with an absolute workspace.
        workspace: Workspace of the run.
        snapshot: Listing of the pictures.
        progress: Display of the progress.
        folder: Folder for the files that the user looks at: summary, rejects, lookalikes.
        step: Component that runs now, or ran last.
        started: Reading of `time.perf_counter` when the run began.
        seconds: Seconds of every component that has ended, and `total` after `finish`.
        cached: Ids of the components whose outputs came from the cache.
        findings: Findings of the data gate.
    """

    run_id: str
    config: RunConfig
    workspace: Workspace
    snapshot: Snapshot
    progress: ProgressDisplay
    folder: Path
    step: str = ""
    started: float = field(default_factory=time.perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)
    cached: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def rejects(self) -> Path:
        """List of the unusable files, each with its reason; no file if there are none."""
        return self.folder / "rejects.csv"

    @property
    def lookalikes(self) -> Path:
        """List of the pictures that are copies or look alike; no file if there are none."""
        return self.folder / "lookalikes.csv"

    @property
    def blank_pictures(self) -> Path:
        """List of the pictures that are blank, or have a blank block; no file if there are none."""
        return self.folder / "blank.csv"

    @property
    def suspect_labels(self) -> Path:
        """List of the pictures that may be mislabelled; no file if there are none."""
        return self.folder / "suspect-labels.csv"

    @property
    def lists(self) -> dict[str, Path]:
        """The lists of pictures to look at, by what their files are."""
        return {
            "rejected": self.rejects,
            "blank": self.blank_pictures,
            "copied or look alike": self.lookalikes,
            "possibly mislabelled (the most suspicious first)": self.suspect_labels,
        }

    @property
    def store(self) -> VersionStore:
        """Versions of the model of this run."""
        return VersionStore(self.workspace.root, self.config.name)

    def finish(self) -> None:
        """Record the total time of the run."""
        self.seconds["total"] = time.perf_counter() - self.started

    @contextlib.contextmanager
    def component(self, name: str) -> Iterator[ComponentResult]:
        """Show a component while the block runs, and record its time.

        Args:
            name: Id of the component, or the name of another step.

        Yields:
            The result of the component; the block sets `cached`.
        """
        self.step = name
        # An interrupt that a library has made an error of is shown as an interrupt, too.
        with self.progress.component(name) as result, reliable_interrupt():
            yield result
        self.seconds[name] = result.seconds
        if result.cached:
            self.cached.append(name)

    def show_lists(self) -> None:
        """Print the paths of the lists of pictures to look at, where there are any."""
        for what, path in self.lists.items():
            if path.exists():
                self.progress.message(f"files that are {what} are listed in {path}")

    def facts(self) -> RunFacts:
        """Return what the summary of this run contains, whether it succeeds or fails."""
        return RunFacts(
            run_id=self.run_id,
            data_root=self.snapshot.data_root,
            seconds=self.seconds,
            cached=self.cached,
            ignored_files=self.snapshot.ignored,
            findings=self.findings,
            environment=describe_environment(self.config.seed, device=None),
            seed=self.config.seed,
            listing=self.snapshot.path.name,
            slice_values=self.snapshot.slice_values.name if self.snapshot.slice_values else "",
            batch=self.snapshot.batch_name,
            unlabelled=self.snapshot.unlabelled_list,
            without_label=self.snapshot.without_label,
            unverified={name: list(paths) for name, paths in self.snapshot.unverified.items()},
            label_commands=list(self.snapshot.label_commands),
        )

"""One pass over the traffic of a workspace."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from components.pusher.version_store import VersionStore
from pipeline.monitoring.known_pictures import KnownPictures
from pipeline.monitoring.monitor_state import (
    MonitorState,
    StreamState,
    monitor_lock,
    read_monitor_state,
)
from pipeline.monitoring.traffic_report import DomainTraffic, TrafficReport
from pipeline.retraining.notices import Notices
from pipeline.terminal.plain_lines import json_line
from pipeline.version_lookup import find_store, serving_version
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.export.novelty import read_novelty
from trainer_module.export.reference_embeddings import Reference, read_reference

if TYPE_CHECKING:
    from pipeline.monitoring.model_knowledge import ModelKnowledge
    from pipeline.monitoring.unusual_pictures import UnusualPictures


def monitoring_folder(workspace: Path) -> Path:
    """Return the folder in which `carryover monitor` keeps its states and reports.

    Args:
        workspace: Folder of the workspace.
    """
    return workspace / "monitoring"


@dataclass(frozen=True)
class MonitorPass:
    """A pass over the traffic of the serving version.

    Attributes:
        store: Versions of the model.
        version: Number of the serving version.
        reference: Its reference embeddings.
        known: Pictures that it knows.
        hours: Age of the oldest picture that numbers are about, where nothing is unusual.
        inbox: Folder to which unusual pictures are delivered; None for nowhere.
        notices: Receivers of events.
    """

    store: VersionStore
    version: int
    reference: Reference
    known: KnownPictures
    hours: float
    inbox: Path | None
    notices: Notices

    @classmethod
    def prepare(
        cls, workspace: Path, name: str | None, hours: float, inbox: Path | None, notices: Notices
    ) -> "MonitorPass":
        """Read what the serving version knows.

        Args:
            workspace: Folder of the workspace.
            name: Name of the model, see `find_store`.
            hours: See above.
            inbox: See above.
            notices: See above.

        Raises:
            InputError: There is no serving version, or it was exported without what is needed.
            UnavailableError: A file of it is damaged.
        """
        store = find_store(workspace, name)
        version = serving_version(store)
        model = str(store.path(version))
        reference = read_reference(model)
        known = KnownPictures.of_reference(reference, read_novelty(model)) if reference else None
        if reference is None or known is None:
            raise UnavailableError(
                f"version {version} of {store.name} was exported before carryover monitor, without "
                "the classes of its reference embeddings. Train it again with: carryover run"
            )
        return cls(store, version, reference, known, hours, inbox, notices)

    def run(self) -> TrafficReport:
        """Read the new traffic, test it, deliver what is unusual, and write state and report.

        Raises:
            InputError: Another pass is running, or a folder cannot be written.
            UnavailableError: The traffic or the state is damaged.
        """
        from pipeline.monitoring.traffic_reader import add_new_traffic

        folder = monitoring_folder(self.store.root)
        path = folder / f"{self.store.name}-{self.version}.npz"
        with monitor_lock(folder):
            state = read_monitor_state(path)
            left_out = add_new_traffic(
                state, self.store.root, self._model, self.version, self.known
            )
            report = TrafficReport(
                self.store.name,
                self.version,
                domains=self._report_streams(state) if state.streams else [],
                left_out=left_out,
            )
            try:
                state.write(path)
                atomic_write(folder / f"{self.store.name}.json", f"{json_line(report.to_json())}\n")
            except OSError as error:
                raise InputError(
                    f"{folder} cannot be written: {error.strerror}. Make room, or make it writable."
                ) from None
        return report

    @property
    def _model(self) -> Path:
        return self.store.path(self.version)

    def _report_streams(self, state: MonitorState) -> list[DomainTraffic]:
        from pipeline.monitoring.model_knowledge import ModelKnowledge  # imports TFX

        knowledge = ModelKnowledge(self._model, self.reference, self.known)
        return [
            self._report_stream(domain, stream, knowledge)
            for domain, stream in sorted(state.streams.items())
            if len(stream.pictures)
        ]

    def _report_stream(
        self, domain: str, stream: StreamState, knowledge: "ModelKnowledge"
    ) -> DomainTraffic:
        from pipeline.monitoring.traffic_report import report_stream
        from pipeline.monitoring.unusual_pictures import find_unusual

        found = find_unusual(stream, self.known)
        if found is None and stream.test.alarm:
            stream.restart()
        report = report_stream(domain, stream, found, knowledge, self.hours)
        if found is None:
            return report
        if self.inbox is not None:
            batch = self._deliver(stream, found, domain, self.inbox)
            report = replace(report, delivered=str(batch) if batch else None)
        if not stream.is_told or report.delivered:
            self.notices.send(
                "unusual_traffic",
                model=self.store.name,
                version=self.version,
                domain=domain,
                text=report.describe(),
                delivered=report.delivered,
            )
            stream.is_told = True
        return report

    def _deliver(
        self, stream: StreamState, found: "UnusualPictures", domain: str, inbox: Path
    ) -> Path | None:
        from pipeline.monitoring.unusual_batch import deliver

        return deliver(
            stream, found.unusual, domain, self.store.root, self.version, self._model, inbox
        )

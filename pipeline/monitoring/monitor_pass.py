"""One pass over the traffic of a workspace."""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from components.pusher.version_store import VersionStore
from pipeline.config.path_check import MISSING, folder_problem
from pipeline.monitoring.known_pictures import KnownPictures
from pipeline.monitoring.monitor_state import (
    MonitorState,
    has_pending_batch,
    monitor_lock,
    read_monitor_state,
)
from pipeline.monitoring.traffic_report import DomainTraffic, TrafficReport
from pipeline.retraining.notices import Notices
from pipeline.terminal.plain_lines import json_line
from pipeline.traffic.monitor_files import monitoring_folder, report_file
from pipeline.version_lookup import find_store, find_stores, serving_version
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.export.novelty import read_novelty
from trainer_module.export.reference_embeddings import Reference, read_reference

if TYPE_CHECKING:
    from pipeline.monitoring.model_knowledge import ModelKnowledge
    from pipeline.monitoring.traffic_reader import TrafficSource
    from pipeline.monitoring.unusual_pictures import UnusualPictures

_logger = logging.getLogger("carryover.monitoring")


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

        What cannot be delivered ends nothing: the report has the reason in `faults`.

        Raises:
            InputError: Another pass is running, or the folder of the state cannot be written.
            UnavailableError: The traffic or the state is damaged.
        """
        from pipeline.monitoring.traffic_reader import add_new_traffic

        with monitor_lock(self._folder):
            state = read_monitor_state(self._state_file)
            left_out = add_new_traffic(state, self._source, self._model, self.known)
            faults: list[str] = []
            finished = self._finish_earlier(faults)
            report = TrafficReport(
                self.store.name,
                self.version,
                domains=self._report_streams(state, faults) if state.streams else [],
                left_out=left_out,
                finished=finished,
                faults=faults,
            )
            with self._writing():
                path = report_file(self.store.root, self.store.name)
                atomic_write(path, f"{json_line(report.to_json())}\n", private=True)
            self._save(state)
        return report

    def _finish_earlier(self, faults: list[str]) -> list[str]:
        """Deliver what a killed monitor left of earlier versions, which are looked at no more."""
        from pipeline.monitoring.unusual_batch import move_to_inbox

        if self.inbox is None:
            return []
        delivered: list[Path | None] = []
        for version in self.store.versions():
            path = self._path_of_state(version)
            if version == self.version or not path.exists() or not has_pending_batch(path):
                continue
            try:
                state = read_monitor_state(path)
                delivered += [move_to_inbox(one, self.inbox) for one in state.streams.values()]
                with self._writing():
                    state.write(path)
            except InputError as error:
                faults.append(str(error))
        return [str(path) for path in delivered if path]

    @cached_property
    def _source(self) -> "TrafficSource":
        from pipeline.monitoring.traffic_reader import TrafficSource

        is_only_model = len(find_stores(self.store.root)) == 1
        return TrafficSource(self.store.root, self.store.name, self.version, is_only_model)

    @property
    def _model(self) -> Path:
        return self.store.path(self.version)

    @property
    def _folder(self) -> Path:
        return monitoring_folder(self.store.root)

    @property
    def _state_file(self) -> Path:
        return self._path_of_state(self.version)

    def _path_of_state(self, version: int) -> Path:
        return self._folder / f"{self.store.name}-{version}.npz"

    def _save(self, state: MonitorState) -> None:
        with self._writing():
            state.write(self._state_file)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"{self._folder} cannot be written: {error.strerror}. Make room, or make it "
                "writable."
            ) from None

    def _report_streams(self, state: MonitorState, faults: list[str]) -> list[DomainTraffic]:
        from pipeline.monitoring.model_knowledge import ModelKnowledge  # imports TFX

        knowledge = ModelKnowledge(self._model, self.reference, self.known)
        return [
            self._report_stream(domain, state, knowledge, faults)
            for domain, stream in sorted(state.streams.items())
            if len(stream.pictures)
        ]

    def _report_stream(
        self,
        domain: str,
        state: MonitorState,
        knowledge: "ModelKnowledge",
        faults: list[str],
    ) -> DomainTraffic:
        from pipeline.monitoring.settled_alarms import settle_alarms
        from pipeline.monitoring.traffic_report import report_stream
        from pipeline.monitoring.unusual_pictures import find_unusual

        stream = state.streams[domain]
        try:
            settle_alarms(stream, self.store, self.version)
        except InputError as error:  # the alarm goes on
            _logger.warning("it is not known whether an alarm was settled: %s", error)
        found = find_unusual(stream, self.known.with_group(stream.settled))
        if found is None and stream.test.alarm:
            stream.restart()
        if found is not None:
            stream.settled_alarm = None
        delivered = None
        try:
            delivered = self._deliver(domain, state, found)
        except InputError as error:  # the alarm is told all the same
            if str(error) not in faults:
                faults.append(str(error))
        report = report_stream(domain, stream, found, knowledge, self.hours)
        if (batch := stream.newest_batch) and (found or delivered):
            report = replace(
                report,
                delivered=batch.path,
                delivered_at=batch.time,
                is_new_delivery=delivered is not None,
                is_delivery_gone=folder_problem(batch.path) == MISSING,
            )
        if found is None:
            stream.newest_batch = None  # the next alarm has batches of its own
        if found and (delivered or not stream.is_told):
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
        self, domain: str, state: MonitorState, found: "UnusualPictures | None"
    ) -> Path | None:
        from pipeline.monitoring.unusual_batch import check_inbox, move_to_inbox, write_batch

        stream = state.streams[domain]
        if self.inbox is None or (found is None and stream.pending is None):
            return None
        check_inbox(self.inbox)
        delivered = move_to_inbox(stream, self.inbox)  # of a process that was killed
        if delivered and found:
            stream.offer(str(delivered), found.unusual.points)
        if delivered or found is None:
            return delivered
        has_batch = write_batch(
            stream,
            found.unusual,
            domain,
            self._source,
            self._model,
            self.inbox,
        )
        if has_batch:
            self._save(state)
        delivered = move_to_inbox(stream, self.inbox)
        if delivered:
            stream.offer(str(delivered), found.unusual.points)
        return delivered

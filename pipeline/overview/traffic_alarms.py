"""What the page tells of the newest look of `carryover monitor`, and what to do next."""

from collections.abc import Collection, Mapping
from typing import Any

from components.pusher.version_store import VersionStore
from pipeline.config.path_check import MISSING, folder_problem
from pipeline.overview.finite_number import finite_number
from pipeline.overview.server_facts import MonitorReading
from pipeline.overview.version_facts import utc_time
from pipeline.retraining.unlabelled.label_commands import (
    command_line,
    label_command,
    name_option,
    retrain_command,
)
from trainer_module.contract.printable_names import printable_name, shortened

#: Most alarms, most faults, and most words for the look of pictures that the page shows.
MAX_ALARMS, MAX_FAULTS, MAX_WORDS = 20, 5, 8

#: Most characters of a fault, and of the reason for which an alarm was settled.
MAX_FAULT = 500


def describe_monitor(
    store: VersionStore,
    version: int | None,
    monitor: MonitorReading,
    batch_names: Collection[str] = (),
) -> dict[str, Any]:
    """Return what the page tells, as a JSON object. A report may be of any version of carryover.

    Args:
        store: Versions of the model.
        version: Number of the serving version; None if no version is loaded.
        monitor: What the server has read. Of a report on another version, only the number is told.
        batch_names: Names of the batches of the workspace.

    Raises:
        OSError: The folder of the models cannot be read.
    """
    report = monitor.report or {}
    is_of_version = version is not None and report.get("version") == version
    steps = _NextSteps(store, batch_names)
    domains = report.get("domains") if is_of_version else None
    faults = report.get("faults") if is_of_version else None
    rows = [one for one in (domains if isinstance(domains, list) else []) if isinstance(one, dict)]
    alarms = [
        _describe_alarm(one, one["alarm"], steps)
        for one in rows
        if isinstance(one.get("alarm"), dict)
    ]
    settled = [
        _describe_settled(one, one["settled_alarm"])
        for one in rows
        if isinstance(one.get("settled_alarm"), dict)
    ]
    return {
        "time": utc_time(report.get("time")),
        "version": finite_number(report.get("version")),
        "is_of_serving_version": is_of_version,
        "problem": shortened(monitor.problem, MAX_FAULT),
        "alarms": alarms[:MAX_ALARMS],
        "settled": settled[:MAX_ALARMS],
        "faults": [
            shortened(one, MAX_FAULT)
            for one in (faults if isinstance(faults, list) else [])
            if isinstance(one, str)
        ][:MAX_FAULTS],
        "command": steps.look(),
    }


def _describe_alarm(
    domain: Mapping[str, Any], alarm: Mapping[str, Any], steps: "_NextSteps"
) -> dict[str, Any]:
    look, batch = alarm.get("look"), _text(domain.get("delivered"))
    is_gone = bool(batch) and folder_problem(batch) == MISSING
    return {
        "domain": shortened(_text(domain.get("domain"))),
        "since": utc_time(alarm.get("since")),
        "pictures": finite_number(alarm.get("pictures")),
        "share": finite_number(alarm.get("share")),
        "known_share": finite_number(alarm.get("known_share")),
        "nearest": shortened(_text(alarm.get("nearest_domain"))),
        "distance": finite_number(alarm.get("distance")),
        "look": [shortened(_text(one)) for one in look[:MAX_WORDS]]
        if isinstance(look, list)
        else [],
        "estimated_accuracy": finite_number(domain.get("estimated_accuracy")),
        "usual_accuracy": finite_number(domain.get("usual_accuracy")),
        "estimate_note": shortened(_text(domain.get("estimate_note")), MAX_FAULT),
        "delivered": printable_name(batch),
        "delivered_at": utc_time(domain.get("delivered_at")),
        "is_delivery_gone": is_gone,
        "steps": [] if is_gone else steps.after(batch) if batch else steps.deliver(),
    }


def _describe_settled(domain: Mapping[str, Any], settled: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "domain": shortened(_text(domain.get("domain"))),
        "batch": printable_name(_text(settled.get("batch"))),
        "time": utc_time(settled.get("time")),
        "reason": shortened(_text(settled.get("reason")), MAX_FAULT),
    }


class _NextSteps:
    """Commands for a person, each with the words for it."""

    def __init__(self, store: VersionStore, batch_names: Collection[str]) -> None:
        self._store, self._batch_names = store, batch_names

    def look(self, *options: str) -> str:
        """Return the command that looks at the traffic.

        Args:
            options: Further options.
        """
        root = self._store.root
        name = name_option(root, self._store.name)
        line = command_line("monitor", "--workspace", str(root), *name, *options)
        return printable_name(line)

    def deliver(self) -> list[dict[str, str]]:
        """Return what to do about pictures that were not delivered."""
        return [
            {
                "text": "Put them into the inbox of carryover watch, from 50 different ones on:",
                "command": self.look("--deliver", "my-inbox"),
            }
        ]

    def after(self, batch: str) -> list[dict[str, str]]:
        """Return what to do with a batch that was delivered.

        Args:
            batch: Path of its folder.
        """
        root, name = self._store.root, self._store.name
        label = label_command(batch, batch, root, self._batch_names, name)
        return [
            {
                "text": "Give labels to the pictures that were chosen:",
                "command": printable_name(label),
            },
            {
                "text": "carryover watch trains on the labels. Where it does not run:",
                "command": printable_name(retrain_command(batch, root, name)),
            },
        ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

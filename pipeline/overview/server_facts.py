"""What the page tells of the server, which no file of the workspace has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class MonitorReading:
    """What the server has read of `carryover monitor`.

    Attributes:
        report: Its newest report, as JSON has it; None if there is none that can be read.
        problem: Why the file of the report cannot be read; "" if it can, or if there is none.
    """

    report: Mapping[str, Any] | None = None
    problem: str = ""


@dataclass(frozen=True)
class ServerFacts:
    """State of the server at one moment.

    Attributes:
        version: Number of the serving version; None if no version is loaded.
        promoted_at: Time at which it began to serve later than at its push, as after a shadow, ISO
            8601 in UTC; "" if it did not, or if nobody knows.
        shadow: What is told of the version in shadow, a JSON object; None if there was none.
        monitor: What was read of `carryover monitor`.
    """

    version: int | None = None
    promoted_at: str = ""
    shadow: dict[str, Any] | None = None
    monitor: MonitorReading = MonitorReading()

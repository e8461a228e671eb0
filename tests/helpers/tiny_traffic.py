"""Records of traffic with the bytes of no real picture."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.traffic.traffic_record import TrafficRecord
from pipeline.traffic.traffic_store import TrafficWriter


def record(
    time: float = 0.0, image: bytes = b"picture", domain: str = "day", **changes: Any
) -> TrafficRecord:
    """A record in which all but time, picture, domain and some other fields is the same."""
    return replace(TrafficRecord(time, domain, 3, image, "car", 0.75, 0.5, True), **changes)


def write_times(folder: Path, times: list[float], image: bytes = b"picture") -> None:
    """Write records with these times by one writer, each in a call of its own."""
    with TrafficWriter(folder, 10**9) as writer:
        for time in times:
            writer.write([record(time, image)])

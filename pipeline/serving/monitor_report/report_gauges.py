"""Gauges for Prometheus from a report of `carryover monitor`, which may be of any version of it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pipeline.overview.finite_number import finite_number
from trainer_module.contract.printable_names import printable_name

#: A report, as JSON has it.
Report = Mapping[str, Any]

#: Gauges of every client domain: name without its prefix -> key in the report, description.
DOMAIN_GAUGES = {
    "pictures": ("pictures", "Pictures that the other gauges of the domain are about."),
    "novel_ratio": ("novel", "Share of the pictures with a novelty above 0.95, usually 0.05."),
    "novelty_mean": ("novelty", "Mean novelty, usually 0.5."),
    "confidence_mean": ("confidence", "Mean confidence."),
    "usual_confidence_mean": ("usual_confidence", "Mean confidence on test pictures."),
    "estimated_accuracy_ratio": ("estimated_accuracy", "Estimated accuracy."),
    "usual_accuracy_ratio": ("usual_accuracy", "Accuracy on test pictures."),
}

_PREFIX = "carryover_monitor_"


class ReportGauges(Collector):
    """Gauges of the newest report. Without a report there are none."""

    def __init__(self) -> None:
        """Have no report yet."""
        self.report: Report | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges. What the report lacks, or has in an unknown form, is left out."""
        report = self.report
        if report is None:
            return
        yield from _single(
            "last_look_timestamp_seconds",
            "Time of the last look at the traffic, in seconds since 1970.",
            _timestamp(report.get("time")),
        )
        yield from _single(
            "version",
            "Number of the version that it was about.",
            finite_number(report.get("version")),
        )
        yield from _single(
            "delivery_failed",
            "Whether the last look could not deliver what is unusual, 1 or 0.",
            _has_faults(report.get("faults")),
        )
        domains = _by_name(report.get("domains"))
        yield _of_domains(
            "alarm",
            "Whether the pictures are unlike every known domain, 1 or 0.",
            {name: float(bool(one.get("alarm"))) for name, one in domains.items()},
        )
        yield _of_domains(
            "unusual_ratio",
            "Share of the pictures that are unlike every known domain, 0 without an alarm.",
            {name: _unusual_share(one) for name, one in domains.items()},
        )
        for gauge, (key, text) in DOMAIN_GAUGES.items():
            values = {name: finite_number(one.get(key)) for name, one in domains.items()}
            yield _of_domains(gauge, text, values)


def _single(name: str, text: str, value: float | None) -> Iterator[GaugeMetricFamily]:
    if value is not None:
        yield GaugeMetricFamily(f"{_PREFIX}{name}", text, value)


def _of_domains(name: str, text: str, values: Mapping[str, float | None]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{_PREFIX}{name}", text, labels=["domain"])
    for domain, value in values.items():
        if value is not None:
            family.add_metric([domain], value)
    return family


def _by_name(domains: Any) -> dict[str, Report]:
    """Return the reports on client domains by printable names: two equal ones are no metric."""
    listed = domains if isinstance(domains, list) else []
    return {
        printable_name(one["domain"]): one
        for one in listed
        if isinstance(one, dict) and isinstance(one.get("domain"), str)
    }


def _unusual_share(domain: Report) -> float | None:
    alarm = domain.get("alarm")
    return finite_number(alarm.get("share")) if isinstance(alarm, dict) else 0.0


def _has_faults(faults: Any) -> float | None:
    """Return 1 if there are faults and 0 if not; None for a report that does not tell."""
    return float(bool(faults)) if isinstance(faults, list) else None


def _timestamp(value: Any) -> float | None:
    """Return the seconds since 1970 of a time in ISO 8601; None for anything else."""
    try:
        return datetime.fromisoformat(value).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None

"""Prometheus metrics of the version in shadow."""

from collections.abc import Callable, Iterator

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from pipeline.serving.shadow.shadow_record import ShadowRecord


class ShadowMetrics:
    """Collector of the counts of the shadow that lasts, or of the last one.

    They are gauges: another version begins at zero. Domains of clients are left out, because
    everybody who can reach the server can read its metrics.
    """

    def __init__(self, record: Callable[[], ShadowRecord | None]) -> None:
        """Create a collector.

        Args:
            record: Function that returns the record; None if there was no shadow.
        """
        self._record = record

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics, as Prometheus's registry asks for them."""
        record = self._record()
        version = record.version if record and record.is_in_shadow else 0
        yield GaugeMetricFamily(
            "carryover_shadow_version",
            "Number of the version in shadow, 0 if there is none.",
            version,
        )
        pictures = GaugeMetricFamily(
            "carryover_shadow_pictures",
            "Pictures that the version in shadow has predicted, by class of the serving version.",
            labels=["label", "agrees"],
        )
        confident = GaugeMetricFamily(
            "carryover_shadow_confident_pictures",
            "Those of which the serving version is confident.",
            labels=["label", "agrees"],
        )
        for one in record.by_class() if record else ():
            agreed = one.pictures - one.disagreements
            sure = one.confident - one.confident_disagreements
            pictures.add_metric([one.name, "true"], agreed)
            pictures.add_metric([one.name, "false"], one.disagreements)
            confident.add_metric([one.name, "true"], sure)
            confident.add_metric([one.name, "false"], one.confident_disagreements)
        yield pictures
        yield confident
        has_failed = bool(record and record.outcome == "failed")
        yield GaugeMetricFamily(
            "carryover_shadow_failed", "Whether the version in shadow cannot predict.", has_failed
        )
        yield GaugeMetricFamily(
            "carryover_shadow_dropped_pictures",
            "Pictures that were not compared, so that no request waits.",
            record.dropped if record else 0,
        )

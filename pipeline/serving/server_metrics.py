"""What a server counts, for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

#: Seconds; a picture takes milliseconds, a full batch of large ones seconds.
LATENCIES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Counters of one server, and of its process."""

    def __init__(self, serving_version: Callable[[], int]) -> None:
        """Start at zero.

        Args:
            serving_version: the version that answers, 0 while there is none.
        """
        here = self._registry = CollectorRegistry()
        ProcessCollector(registry=here)
        self._requests = Counter(
            "carryover_requests", "Answered requests.", ["code"], registry=here
        )
        self._seconds = Histogram(
            "carryover_predict_seconds",
            "From a predict request to its answer.",
            buckets=LATENCIES,
            registry=here,
        )
        self._batches = Histogram(
            "carryover_batch_instances",
            "Instances in one call of the model.",
            buckets=BATCHES,
            registry=here,
        )
        version = Gauge(
            "carryover_serving_version", "The version that answers, 0 for none.", registry=here
        )
        version.set_function(serving_version)

    def count_request(self, code: int) -> None:
        """An answer went out."""
        self._requests.labels(code=str(code)).inc()

    def time_predict(self, seconds: float) -> None:
        """A predict request was answered."""
        self._seconds.observe(seconds)

    def count_batch(self, instances: int) -> None:
        """The model is called."""
        self._batches.observe(instances)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)

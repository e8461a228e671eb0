"""Metrics of a server, for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

#: Bounds of the buckets of durations, in seconds. A picture takes milliseconds, a full batch of
#: large pictures seconds.
DURATION_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)

#: Bounds of the buckets of batch sizes.
BATCH_SIZE_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128)

#: Media type of `ServerMetrics.text`.
CONTENT_TYPE = CONTENT_TYPE_LATEST


class ServerMetrics:
    """Metrics of one server and of its process."""

    def __init__(self, serving_version: Callable[[], int]) -> None:
        """Start at zero.

        Args:
            serving_version: Function that returns the serving version, 0 if none is loaded.
        """
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "carryover_requests",
            "HTTP requests by the status of their response.",
            ["code"],
            registry=registry,
        )
        self._rpcs = Counter(
            "carryover_grpc_requests",
            "gRPC requests by method and by the code of their response.",
            ["method", "code"],
            registry=registry,
        )
        self._predict_seconds = Histogram(
            "carryover_predict_seconds",
            "Seconds from a predict request to its response.",
            buckets=DURATION_BUCKETS,
            registry=registry,
        )
        self._batch_instances = Histogram(
            "carryover_batch_instances",
            "Instances in one call of the model.",
            buckets=BATCH_SIZE_BUCKETS,
            registry=registry,
        )
        self._connections = Gauge(
            "carryover_connections",
            "Open connections.",
            registry=registry,
        )
        self._aborted = Counter(
            "carryover_aborted_connections",
            "Connections that were closed because of their client, by reason.",
            ["reason"],
            registry=registry,
        )
        self._sampled = Counter(
            "carryover_sampled_pictures",
            "Pictures of requests that were kept with their predictions.",
            registry=registry,
        )
        self._dropped = Counter(
            "carryover_dropped_sampled_pictures",
            "Pictures that were to be kept, but could not be without slowing requests.",
            registry=registry,
        )
        version = Gauge(
            "carryover_serving_version",
            "Number of the serving version, 0 if none is loaded.",
            registry=registry,
        )
        version.set_function(serving_version)

    def count_request(self, status: int) -> None:
        """Count a request that has ended.

        Args:
            status: HTTP status of the response.
        """
        self._requests.labels(code=str(status)).inc()

    def count_rpc(self, method: str, code: str) -> None:
        """Count a gRPC request that has ended.

        Args:
            method: Name of the method.
            code: Name of the response's code.
        """
        self._rpcs.labels(method=method, code=code).inc()

    def time_predict(self, seconds: float) -> None:
        """Record the duration of a predict request.

        Args:
            seconds: Time from the request to the end of its response.
        """
        self._predict_seconds.observe(seconds)

    def count_batch(self, num_instances: int) -> None:
        """Record a call of the model.

        Args:
            num_instances: Instances in the batch.
        """
        self._batch_instances.observe(num_instances)

    def count_connection(self, change: int) -> None:
        """Count a connection.

        Args:
            change: 1 for a new connection, -1 for one that has ended.
        """
        self._connections.inc(change)

    def count_aborted(self, reason: str) -> None:
        """Count a connection that was closed because of its client.

        Args:
            reason: Reason, one of few.
        """
        self._aborted.labels(reason=reason).inc()

    def count_sampled(self, num_kept: int, num_dropped: int) -> None:
        """Count pictures that were to be kept with their predictions.

        Args:
            num_kept: Pictures that are in a file.
            num_dropped: Pictures that are in none: the disk or the memory has no room for them.
        """
        self._sampled.inc(num_kept)
        self._dropped.inc(num_dropped)

    def add(self, collector: Collector) -> None:
        """Add metrics that are computed when they are asked for.

        Args:
            collector: Collector whose `collect` takes no time: all requests wait for it.
        """
        self._registry.register(collector)

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)

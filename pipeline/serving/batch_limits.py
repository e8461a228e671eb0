"""Most that one call of a model may hold."""

from collections.abc import Iterator
from typing import NamedTuple

from pipeline.serving.decoding.decoding_cost import DecodingCost


class BatchLimits(NamedTuple):
    """Most that one call of the model may hold, unless a single instance is more.

    Attributes:
        instances: Most instances; a version is called with as many before it serves.
        part_instances: Most instances in a part of a large request.
        pixels: Most pixels.
        scanned_pixels: Most pixels in all scans.
    """

    instances: int = 32
    pixels: int = 4_000_000
    scanned_pixels: int = 40_000_000
    part_instances: int = 4

    def of_part(self) -> "BatchLimits":
        """Return the limits of a part of a large request."""
        return self._replace(instances=min(self.instances, self.part_instances))

    def allow(self, costs: list[DecodingCost]) -> bool:
        """Return whether one call may hold pictures with these costs.

        Args:
            costs: Costs of the pictures.
        """
        if len(costs) > self.instances:  # without a sum: it is asked for every queued request
            return False
        total = DecodingCost.total(costs)
        return total.num_pixels <= self.pixels and total.scanned_pixels <= self.scanned_pixels

    def parts(self, costs: list[DecodingCost]) -> Iterator[tuple[int, int]]:
        """Yield start and end of the parts of a batch that may be called at a time.

        Args:
            costs: Costs of the pictures of the batch.
        """
        start = 0
        for end in range(1, len(costs) + 1):
            if end == len(costs) or not self.allow(costs[start : end + 1]):
                yield start, end
                start = end

"""Volume and novelty of traffic over time, per domain."""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trainer_module.contract.output_text.wording import counted
from trainer_module.contract.printable_names import shortened

#: Lengths of a bucket in seconds; the shortest one that gives at most `MAX_BUCKETS` is used.
LENGTHS = (60, 300, 900, 3600, 4 * 3600, 86400)
MAX_BUCKETS = 72

#: Domains with a line of their own, those with the most pictures. All others are taken together.
MAX_DOMAINS = 5

#: Seconds of a day.
DAY = 86400.0


class TrafficColumns(NamedTuple):
    """Kept pictures in the order of their times; all columns have one row for each.

    Attributes:
        times: Times in seconds since 1970, float64.
        domains: Indices of the domains, int64.
        novelties: Novelties, float32; NaN where the version does not know it.
        accepted: 1 for an accepted prediction, 0 for another one, NaN where it is not known.
    """

    times: npt.NDArray[np.float64]
    domains: npt.NDArray[np.int64]
    novelties: npt.NDArray[np.float32]
    accepted: npt.NDArray[np.float32]

    def where(self, rows: npt.NDArray[Any]) -> "TrafficColumns":
        """Return some of the rows.

        Args:
            rows: Mask or indices of the rows.
        """
        return TrafficColumns(*(column[rows] for column in self))


def describe_buckets(columns: TrafficColumns, names: Sequence[str], now: float) -> dict[str, Any]:
    """Return volume and median novelty per bucket of time and domain, as a JSON object.

    Args:
        columns: Kept pictures, at least one.
        names: Names of the domains by index.
        now: Time in seconds since 1970.
    """
    first, last = float(columns.times[0]), float(columns.times[-1])
    length = _bucket_length(last - first)
    start = first // length
    num_buckets = int(last // length - start) + 1
    buckets = (columns.times // length - start).astype(np.int64)
    counts = np.bincount(columns.domains, minlength=len(names))
    ordered = sorted(np.flatnonzero(counts), key=lambda index: (-counts[index], names[index]))
    shown, rest = ordered[:MAX_DOMAINS], ordered[MAX_DOMAINS:]
    series = _choose_series([names[index] for index in shown])
    groups = [
        ([index], {"name": shortened(names[index]), "is_rest": False, "series": number})
        for index, number in zip(shown, series, strict=True)
    ]
    if rest:
        name = counted(len(rest), "other domain")
        groups.append((rest, {"name": name, "is_rest": True, "series": MAX_DOMAINS}))
    return {
        "pictures": len(columns.times),
        "first": first,
        "last": last,
        "bucket_seconds": length,
        "starts": [(start + number) * length for number in range(num_buckets)],
        "domains": [
            named
            | _describe_group(np.isin(columns.domains, indices), columns, buckets, num_buckets)
            for indices, named in groups
        ],
        "last_day": _describe_rows(columns.where(columns.times > now - DAY)),
    }


def _choose_series(names: Sequence[str]) -> list[int]:
    """Return the number of the colour of every domain, below `MAX_DOMAINS`.

    It depends on the names alone, so that a domain keeps its colour while the volumes change.

    Args:
        names: At most `MAX_DOMAINS` different names.
    """
    chosen: dict[str, int] = {}
    for name in sorted(names):
        preferred = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()[0]
        free = set(range(MAX_DOMAINS)) - set(chosen.values())
        chosen[name] = min(free, key=lambda number: (number - preferred) % MAX_DOMAINS)
    return [chosen[name] for name in names]


def _bucket_length(span: float) -> int:
    return next((length for length in LENGTHS if span < length * (MAX_BUCKETS - 1)), LENGTHS[-1])


def _describe_group(
    is_member: npt.NDArray[np.bool_],
    columns: TrafficColumns,
    buckets: npt.NDArray[np.int64],
    num_buckets: int,
) -> dict[str, Any]:
    own, of_bucket = columns.where(is_member), buckets[is_member]
    # The rows are in the order of time, and so of the buckets.
    starts = np.searchsorted(of_bucket, np.arange(1, num_buckets))
    parts = np.split(own.novelties, starts)
    return _describe_rows(own) | {
        "counts": [len(part) for part in parts],
        "novelties": [_median(part) for part in parts],
    }


def _describe_rows(columns: TrafficColumns) -> dict[str, Any]:
    """Return number, median novelty and share of accepted predictions of pictures."""
    known = columns.accepted[~np.isnan(columns.accepted)]
    return {
        "pictures": len(columns.times),
        "novelty": _median(columns.novelties),
        "accepted": float(known.mean()) if known.size else None,
    }


def _median(novelties: npt.NDArray[np.float32]) -> float | None:
    known = novelties[~np.isnan(novelties)]
    return round(float(np.median(known)), 4) if known.size else None

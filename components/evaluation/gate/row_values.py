"""What a row of the gate table says about the counts of two models."""

from math import ceil, isfinite
from typing import Any

from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.statistics.detectable_loss import (
    needed_pictures,
    smallest_detectable_loss,
)
from components.evaluation.statistics.paired_counts import (
    PairCounts,
    accuracy_before,
    interval,
    loss_p_value,
)


def row_values(
    counts: PairCounts,
    limit: float | None,
    gate: GateOptions,
    level: float,
    hardest: float,
    is_possible: bool,
) -> dict[str, Any]:
    """Return the fields of `gate_table.PairedRow`, without the version.

    Args:
        counts: Counts of the candidate against an earlier version.
        limit: Largest loss that is allowed; None for a slice that is not gated.
        gate: Limits.
        level: Level of every test for a loss.
        hardest: Level of the first test that rejects, see `multiple_tests.first_level`.
        is_possible: Whether a loss must be ruled out. Otherwise it must be proven to be rejected.
    """
    low, high = interval(counts, gate.confidence)
    p_value = loss_p_value(counts)
    values: dict[str, Any] = {
        "pictures": counts.pictures,
        "before": accuracy_before(counts),
        "after": (counts.pictures - counts.wrong) / counts.pictures,
        "change_low": low,
        "change_high": high,
        "p_value": p_value,
    }
    if limit is None:
        return values
    gained_share = counts.gained / counts.pictures
    used = gate.error_rate if is_possible else hardest
    needed = needed_pictures(limit, gained_share, used)
    return values | {
        "limit": limit,
        "passed": low >= -limit or not (is_possible or p_value <= level),
        "detectable_loss": smallest_detectable_loss(counts.pictures, gained_share, used),
        "needed_pictures": ceil(needed) if isfinite(needed) else None,
    }

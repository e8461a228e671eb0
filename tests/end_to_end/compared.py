"""Compares the summaries of two runs that should come to the same."""

import copy
from typing import Any

import pytest

#: What depends on the clock, the place and the engine.
OWN = {"run_id", "seconds", "cached", "environment"}


def comparable(summary: dict[str, Any]) -> dict[str, Any]:
    """A summary without what differs between any two runs."""
    kept = {key: value for key, value in copy.deepcopy(summary).items() if key not in OWN}
    for stage in ("frozen", "fine_tuned"):
        for key in ("seconds", "share"):
            del kept["stages"][stage][key]
    return kept


def rounded(summary: dict[str, Any]) -> dict[str, Any]:
    """The Evaluator sizes its batches by the clock, and a sum depends on its order."""
    for domain in summary["domains"].values():
        for key in ("log_loss", "ece"):
            domain[key] = pytest.approx(domain[key], rel=1e-4, abs=1e-6)
    return summary


def close(value: Any) -> Any:
    """A summary in which numbers may differ by the rounding of a training in several processes.

    Each process sums over its part of a batch, and on some processors that changes the last bits
    of every step: after all epochs, the log loss differs in the fourth digit. Counts, names and
    choices have to be the same.
    """
    if isinstance(value, dict):
        return {key: close(one) for key, one in value.items()}
    return pytest.approx(value, rel=5e-3, abs=1e-5) if isinstance(value, float) else value

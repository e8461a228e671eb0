"""Compares further metrics of a candidate and of the serving version, in every known domain."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from components.evaluation.gate.gate_options import NO_POSSIBLE_LOSS, GateOptions
from components.evaluation.gate.gate_table import GateRow
from components.evaluation.statistics.detectable_loss import POWER
from components.evaluation.statistics.metric_change import MetricChange, measure_changes
from components.evaluation.statistics.paired_counts import PairCounts, interval
from components.evaluation.statistics.weighted_metric import Scores

#: Least and largest number of draws of a permutation test.
MIN_DRAWS, MAX_DRAWS = 5_000, 200_000

#: Draws of a permutation test for every test for a loss and every unit of the error rate: so many
#: losses are expected by chance at the level of the hardest test.
_DRAWS_AT_LEVEL = 5

#: Metrics that count pictures: they do not change where no predicted class does.
_COUNTING = frozenset({"macro_f1", "recall_at_precision"})


@dataclass(frozen=True)
class ScorePairs:
    """Predictions of the serving version and of the candidate for the same test pictures.

    Attributes:
        domains: Domains, str [pictures].
        before: Predictions of the serving version.
        after: Predictions of the candidate.
    """

    domains: npt.NDArray[np.object_]
    before: Scores
    after: Scores


@dataclass(frozen=True)
class MetricTest:
    """Test for a loss of one metric in one domain.

    Attributes:
        domain: Name of the domain.
        pictures: Number of test pictures.
        limit: Largest loss that is allowed.
        change: Change of the metric, and the p-value.
    """

    domain: str
    pictures: int
    limit: float
    change: MetricChange

    def make_row(self, gate: GateOptions, version: int, level: float, hardest: float) -> GateRow:
        """Return what the gate finds.

        Args:
            gate: Limits.
            version: Serving version.
            level: Level of every test for a loss.
            hardest: Level of the first test that rejects, see `multiple_tests.first_level`.
        """
        change = self.change
        quantile = _quantile((1 + gate.confidence) / 2)
        margin = quantile * change.error
        if change.metric in _COUNTING:
            # A few pictures without a change do not show that there is none.
            margin = max(margin, interval(PairCounts(self.pictures), gate.confidence)[1])
        is_possible = gate.mode == NO_POSSIBLE_LOSS
        at_level = _quantile(1 - (gate.error_rate if is_possible else hardest))
        detectable = margin / quantile * (at_level + _quantile(POWER))
        needed = self.pictures * (detectable / self.limit) ** 2 if self.limit else math.inf
        difference = change.after - change.before
        row = GateRow(
            domain=self.domain,
            metric=change.metric,
            version=version,
            pictures=self.pictures,
            before=change.before,
            after=change.after,
            change_low=difference - margin,
            change_high=difference + margin,
            p_value=change.p_value,
            limit=self.limit,
            detectable_loss=detectable,
            needed_pictures=math.ceil(needed) if math.isfinite(needed) else None,
        )
        possible_loss = row.possible_loss or 0.0
        is_proven = change.p_value <= level
        passed = possible_loss <= self.limit or not (is_possible or is_proven)
        return row.model_copy(update={"passed": passed})


def compare_metrics(
    pairs: ScorePairs, gate: GateOptions, known: Collection[str], other_tests: int
) -> Iterator[MetricTest]:
    """Yield the tests of all metrics in `gate.metrics`, in every known domain.

    Args:
        pairs: Predictions.
        gate: Limits.
        known: Domains that the serving version was trained on.
        other_tests: Number of the other tests for a loss. Many tests have a low level, which takes
            many draws.
    """
    limits = gate.metrics.gated
    domains = sorted(set(pairs.domains) & set(known)) if limits else []
    num_tests = other_tests + len(domains) * len(limits)
    wanted = math.ceil(_DRAWS_AT_LEVEL * num_tests / gate.error_rate)
    draws = min(max(wanted, MIN_DRAWS), MAX_DRAWS)
    for domain in domains:
        own = np.flatnonzero(pairs.domains == domain)
        before, after = pairs.before.take(own), pairs.after.take(own)
        for change in measure_changes(
            list(limits), before, after, gate.precision, draws, gate.error_rate
        ):
            yield MetricTest(domain, len(own), limits[change.metric], change)


def _quantile(probability: float) -> float:
    return NormalDist().inv_cdf(probability)

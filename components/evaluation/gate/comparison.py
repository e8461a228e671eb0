"""Compares a candidate with earlier versions, in every domain and in every class of a domain."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from components.evaluation.gate.gate_options import (
    BEST,
    NO_POSSIBLE_LOSS,
    SERVING,
    GateOptions,
)
from components.evaluation.gate.gate_table import GateRow, GateTable
from components.evaluation.gate.metric_comparison import compare_metrics
from components.evaluation.gate.row_values import row_values
from components.evaluation.gate.slice_comparison import (
    SliceTest,
    count_without_value,
    find_slice_tests,
)
from components.evaluation.gate.tested_pictures import (
    UNKNOWN,
    Slice,
    TestedPictures,
    count_groups,
    with_new_classes,
)
from components.evaluation.statistics.multiple_tests import common_level, first_level
from components.evaluation.statistics.paired_counts import (
    PairCounts,
    accuracy_before,
    gain_p_value,
    interval,
    loss_p_value,
    smallest_p_value,
)


@dataclass(frozen=True)
class _Test:
    """Test for a loss in one slice, against one version."""

    where: Slice
    version: int
    counts: PairCounts
    limit: float

    @cached_property
    def p_value(self) -> float:
        return loss_p_value(self.counts)


def compare(
    split: TestedPictures,
    gate: GateOptions,
    serving: int,
    known: Collection[str],
    slices: Collection[tuple[str, ...]] = (),
) -> GateTable:
    """Return what the gate finds.

    A loss is proven if so many lost pictures are improbable for equally good models, with all
    slices and versions that are compared taken into account, see `multiple_tests`. A proven loss is
    rejected unless its interval shows that it is no larger than the limit. With the mode
    `no_possible_loss`, a domain is rejected unless its interval shows that. All gates must pass
    there, so each one has the whole error rate (Berger, "Multiparameter hypothesis testing and
    acceptance sampling", Technometrics 24, 1982). A picture of a class that a version does not know
    is not compared with it, but in a new domain it counts as a gain.

    Args:
        split: Correctness of all predictions.
        gate: Limits.
        serving: Version that is compared with in every slice; 0 without a baseline.
        known: Domains that this version was trained on.
        slices: Columns of every further slice.
    """
    slice_tests = find_slice_tests(split, slices, gate, serving, known)
    tests = list(_tests(split, gate, serving, known)) if serving else []
    # A limit of 1 switches a gate off: its tests must not take power from the others.
    counted: list[_Test | SliceTest] = [test for test in tests if test.limit < 1]
    counted += [test for test in slice_tests if test.is_counted]
    metrics = list(compare_metrics(split.scores, gate, known, len(counted))) if split.scores else []
    p_values = [test.p_value for test in counted] + [one.change.p_value for one in metrics]
    smallest = [smallest_p_value(test.counts) for test in counted]
    smallest += [one.change.smallest_p_value for one in metrics]
    level = common_level(p_values, smallest, gate.error_rate)
    hardest = first_level(smallest, gate.error_rate)
    rows = [_row_of_test(test, gate, level, hardest) for test in tests]
    of_serving = [row for row in rows if row.version == serving]
    classes = [row for row in of_serving if row.label is not None]
    if gate.class_min_recall is not None:
        classes += _classes_without_test(split, {(row.domain, row.label) for row in classes})
    return GateTable(
        level=level,
        num_tests=len(p_values),
        accuracies=_accuracies(split),
        rows=[
            *_domain_rows(split, gate, serving, known, of_serving),
            *_most_demanding(row for row in rows if row.version != serving),
            *classes,
            *(one.make_row(gate, serving, level, hardest) for one in metrics),
        ],
        slices=[test.make_row(gate, level, hardest) for test in slice_tests],
        without_value=count_without_value(split, slices),
    )


def _accuracies(split: TestedPictures) -> dict[str, float]:
    domains, numbers = split.domain_groups
    return {
        name: float(split.correct[numbers == number].mean())
        for number, (name, _) in enumerate(domains)
    }


def _tests(
    split: TestedPictures, gate: GateOptions, serving: int, known: Collection[str]
) -> Iterator[_Test]:
    for version, before in split.earlier.items():
        # The serving version may be the best one, so that it is always compared with in domains.
        if version != serving and BEST not in gate.against:
            continue
        by_class = version == serving and SERVING in gate.against
        for where, counts in _count_pairs(split, before, by_class):
            limit = gate.max_drop if where[1] is None else gate.class_max_drop
            if where[0] in known:
                yield _Test(where, version, counts, limit)


def _count_pairs(
    split: TestedPictures, before: npt.NDArray[np.int8], by_class: bool
) -> Iterator[tuple[Slice, PairCounts]]:
    """Yield the counts of every slice with pictures that are compared."""
    for slices, groups in (split.domain_groups, *([split.class_groups] if by_class else [])):
        for number, counts in count_groups(split, before, groups):
            yield slices[number], counts


def _row_of_test(test: _Test, gate: GateOptions, level: float, hardest: float) -> GateRow:
    domain, label = test.where
    is_possible = gate.mode == NO_POSSIBLE_LOSS and label is None
    values = row_values(test.counts, test.limit, gate, level, hardest, is_possible)
    return GateRow(domain=domain, label=label, version=test.version, **values)


def _domain_rows(
    split: TestedPictures,
    gate: GateOptions,
    serving: int,
    known: Collection[str],
    of_serving: list[GateRow],
) -> Iterator[GateRow]:
    """Yield one row per domain: known ones have a test, new ones must gain."""
    tested = {row.domain: row for row in of_serving if row.label is None}
    nothing: npt.NDArray[np.int8] = np.full(len(split.correct), UNKNOWN, np.int8)
    before = split.earlier.get(serving, nothing) if serving else nothing
    pairs, known_classes = (
        {where[0]: counts for where, counts in _count_pairs(split, values, by_class=False)}
        for values in (with_new_classes(before), before)
    )
    for domain, _ in split.domain_groups[0]:
        if domain in tested:
            yield tested[domain]
        elif domain in pairs and domain not in known:
            of_known = known_classes.get(domain, PairCounts())
            yield _new_domain_row(pairs[domain], of_known, gate, serving, domain)
        else:
            is_known = not serving or domain in known
            yield _uncompared_row(split, gate, domain, is_known, has_earlier=bool(serving))


def _uncompared_row(
    split: TestedPictures, gate: GateOptions, domain: str, is_known: bool, has_earlier: bool
) -> GateRow:
    """Return the row of a domain in which no picture can be compared with the serving version.

    That is every domain of a first run. Later, it is a domain of pictures that the serving version
    was trained on, or a known domain with test pictures of new classes only. Nothing proves that
    the candidate is better in it, or no worse.
    """
    own = split.correct[split.domains == domain]
    may_be_large = has_earlier and interval(PairCounts(), gate.confidence)[0] < -gate.max_drop
    passed = is_known and not (may_be_large and gate.mode == NO_POSSIBLE_LOSS)
    return GateRow(
        domain=domain,
        is_new=not is_known,
        pictures=len(own),
        after=float(own.mean()),
        passed=passed,
    )


def _classes_without_test(split: TestedPictures, tested: Collection[Slice]) -> Iterator[GateRow]:
    """Yield the rows of the classes that have a floor only: in new domains, or in a first run."""
    nobody: npt.NDArray[np.int8] = np.zeros(len(split.correct), np.int8)
    for (domain, label), counts in _count_pairs(split, nobody, by_class=True):
        if label is not None and (domain, label) not in tested:
            recall = (counts.pictures - counts.wrong) / counts.pictures
            yield GateRow(domain=domain, label=label, pictures=counts.pictures, after=recall)


def _new_domain_row(
    counts: PairCounts, of_known: PairCounts, gate: GateOptions, serving: int, domain: str
) -> GateRow:
    """Return the row of a new domain.

    Args:
        counts: Counts of its pictures.
        of_known: Counts of those whose class the serving version knows.
        gate: Limits.
        serving: Serving version.
        domain: Name of the domain.
    """
    low, high = interval(counts, gate.confidence)
    is_loss = is_worse(of_known, gate.gain_confidence)
    return GateRow(
        domain=domain,
        version=serving,
        is_new=True,
        pictures=counts.pictures,
        before=accuracy_before(counts),
        after=(counts.pictures - counts.wrong) / counts.pictures,
        change_low=low,
        change_high=high,
        p_value=gain_p_value(counts),
        limit=1 - gate.gain_confidence,
        passed=is_gain(counts, gate.gain_confidence) and not is_loss,
    )


def is_gain(counts: PairCounts, confidence: float) -> bool:
    """Return whether a candidate has gained in a domain that the baseline was not trained on.

    Where both models classify every picture correctly there is nothing to gain. Otherwise a new
    domain of a few pictures that the serving model happens to classify correctly would keep every
    candidate from being blessed. Without pictures to compare, nothing is gained.

    Args:
        counts: Counts of the domain.
        confidence: Confidence that the candidate is better, between 0.5 and 1.
    """
    nothing_to_gain = counts.pictures > 0 and not counts.wrong and not counts.gained
    return nothing_to_gain or gain_p_value(counts) <= 1 - confidence


def is_worse(counts: PairCounts, confidence: float) -> bool:
    """Return whether a candidate has lost in the known classes of a new domain.

    What it gains in new classes must not hide that.

    Args:
        counts: Counts of the pictures whose class the baseline knows.
        confidence: Confidence that the candidate is worse, between 0.5 and 1.
    """
    return loss_p_value(counts) <= 1 - confidence


def _most_demanding(rows: Iterator[GateRow]) -> list[GateRow]:
    """Return, for every domain, the comparison with the version that was best in it."""
    best: dict[str, GateRow] = {}
    for row in rows:
        other = best.get(row.domain)
        if other is None or (row.passed, row.p_value) < (other.passed, other.p_value):
            best[row.domain] = row
    return [best[domain] for domain in sorted(best)]

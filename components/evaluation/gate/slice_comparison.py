"""Compares a candidate with the serving version in slices of further columns."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.gate_table import SliceRow
from components.evaluation.gate.row_values import row_values
from components.evaluation.gate.slice_names import slice_columns
from components.evaluation.gate.tested_pictures import UNKNOWN, TestedPictures, count_groups
from components.evaluation.statistics.paired_counts import PairCounts, loss_p_value
from trainer_module.contract import example_features


@dataclass(frozen=True)
class SliceTest:
    """Test for a loss in one slice, against the serving version.

    Attributes:
        values: Column -> value.
        counts: Counts of the pictures that are compared.
        version: Serving version; 0 where there is nothing to compare with. Then the counts are
            those of all test pictures.
        limit: Largest loss that is allowed; None where the slice is not gated.
    """

    values: dict[str, str]
    counts: PairCounts
    version: int
    limit: float | None

    @property
    def is_counted(self) -> bool:
        """Whether the test can reject, and takes power from the others."""
        return self.limit is not None and self.limit < 1

    @cached_property
    def p_value(self) -> float:
        """P-value of a loss."""
        return loss_p_value(self.counts)

    def make_row(self, gate: GateOptions, level: float, hardest: float) -> SliceRow:
        """Return what the gate finds.

        Args:
            gate: Limits.
            level: Level of every test for a loss.
            hardest: Level of the first test that rejects, see `multiple_tests.first_level`.
        """
        counts = self.counts
        if not self.version:
            accuracy = (counts.pictures - counts.wrong) / counts.pictures
            return SliceRow(values=self.values, pictures=counts.pictures, after=accuracy)
        found = row_values(counts, self.limit, gate, level, hardest, is_possible=False)
        return SliceRow(values=self.values, version=self.version, **found)


def find_slice_tests(
    split: TestedPictures,
    slices: Collection[tuple[str, ...]],
    gate: GateOptions,
    serving: int,
    known: Collection[str],
) -> list[SliceTest]:
    """Return the tests of all slices with test pictures.

    Only pictures of known domains are compared: what a candidate gains in a new domain must not
    hide what a slice loses in the others. Slices are compared with the serving version, whatever
    `gate.against` says: it is one of the versions that may be best.

    Args:
        split: Correctness of all predictions.
        slices: Columns of every slice.
        gate: Limits; a loss must be proven in every mode, as that of a class.
        serving: Version to compare with; 0 without a baseline.
        known: Domains that this version was trained on.
    """
    nothing: npt.NDArray[np.int8] = np.full(len(split.correct), UNKNOWN, np.int8)
    is_known = np.isin(split.domains.astype(str), list(known))
    before = np.where(is_known, split.earlier.get(serving, nothing), UNKNOWN).astype(np.int8)
    return [test for names in slices for test in _tests(split, names, gate, serving, before)]


def count_without_value(
    split: TestedPictures, slices: Collection[tuple[str, ...]]
) -> dict[str, int]:
    """Return the number of test pictures without a value, by column.

    Args:
        split: Test split.
        slices: Columns of every slice.
    """
    return {name: int((split.values[name] == "").sum()) for name in slice_columns(slices)}


def _tests(
    split: TestedPictures,
    names: tuple[str, ...],
    gate: GateOptions,
    serving: int,
    before: npt.NDArray[np.int8],
) -> Iterator[SliceTest]:
    keys, groups = _groups(split, names)
    compared = dict(count_groups(split, before, groups))
    for number, counts in count_groups(split, np.zeros_like(before), groups):
        values = dict(zip(names, keys[number], strict=True))
        if number in compared:
            limit = gate.max_drop if names in gate.slices else None
            yield SliceTest(values, compared[number], serving, limit)
        else:
            yield SliceTest(values, counts, 0, None)


def _groups(
    split: TestedPictures, names: tuple[str, ...]
) -> tuple[list[tuple[str, ...]], npt.NDArray[np.intp]]:
    """Return the values of a slice, and the number of every picture's values in this list.

    A picture without a value of one of the columns is in no group: its number is -1.
    """
    columns = [
        split.domains if name == example_features.DOMAIN else split.values[name] for name in names
    ]
    keys = list(zip(*columns, strict=True))
    found = sorted({key for key in keys if all(key)})
    numbers = {key: number for number, key in enumerate(found)}
    return found, np.array([numbers.get(key, -1) for key in keys], np.intp)

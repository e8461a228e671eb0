"""The gate of slices: a loss in known domains, at the common level of all tests."""

import numpy as np
import pytest

from components.evaluation.gate import tested_pictures
from components.evaluation.gate.comparison import compare
from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.gate_table import GateTable, SliceRow

SERVING = 7

#: Number of pictures, domain, scanner, whether the candidate and the serving version are correct.
Rows = list[tuple[int, str, str, bool, int]]

#: One scanner loses 12 pictures, and another gains as many.
LOST: Rows = [
    (12, "day", "B", False, 1),
    (12, "day", "A", True, 0),
    (76, "day", "A", True, 1),
    (20, "day", "", True, 1),
]

SCANNER = (("scanner",),)


def compare_rows(
    rows: Rows,
    names: tuple[tuple[str, ...], ...] = SCANNER,
    is_gated: bool = True,
    serving: int = SERVING,
    **gate: object,
) -> GateTable:
    domains, scanners, correct, before = (
        [row[column] for row in rows for _ in range(row[0])] for column in (1, 2, 3, 4)
    )
    split = tested_pictures.TestedPictures(
        np.array(domains, object),
        np.full(len(domains), "house", object),
        np.array(correct, bool),
        {SERVING: np.array(before, np.int8)} if serving else {},
        {"scanner": np.array(scanners, object)},
    )
    options = GateOptions(slices=names if is_gated else (), **gate)
    return compare(split, options, serving, ("day",), names)


def of_scanner(table: GateTable, scanner: str) -> SliceRow:
    [row] = [row for row in table.slices if row.values["scanner"] == scanner]
    return row


def test_a_gated_slice_that_loses_fails_while_its_domain_passes():
    table = compare_rows(LOST, is_gated=False)
    assert [row.passed for row in table.slices] == [True, True]
    gated = compare_rows(LOST)
    row = of_scanner(gated, "B")
    assert (row.passed, row.before, row.after, row.pictures) == (False, 1.0, 0.0, 12)
    assert (row.version, row.limit) == (SERVING, 0.02)
    assert row.p_value == pytest.approx(0.5**13)
    assert of_scanner(gated, "A").passed
    assert all(row.passed for row in gated.rows)


def test_gated_slices_are_among_the_tests_that_share_the_level_and_others_are_not():
    reported, gated = compare_rows(LOST, is_gated=False), compare_rows(LOST)
    assert gated.num_tests == reported.num_tests + 2
    assert gated.level < reported.level
    row = of_scanner(reported, "B")
    assert (row.limit, row.detectable_loss, row.needed_pictures) == (None, None, None)
    assert row.change_high < 0
    assert of_scanner(gated, "B").needed_pictures > 12


def test_a_limit_of_one_switches_the_gate_off():
    assert all(row.passed for row in compare_rows(LOST, max_drop=1.0).slices)


@pytest.mark.parametrize("against", [["best"], ["serving"], ["serving", "best"]])
def test_slices_are_gated_whatever_versions_domains_are_compared_with(against):
    row = of_scanner(compare_rows(LOST, against=against), "B")
    assert (row.version, row.limit, row.passed) == (SERVING, 0.02, False)


def test_a_gain_in_a_new_domain_hides_no_loss_in_a_known_one():
    rows = [*LOST, (40, "new", "B", True, 0)]
    row = of_scanner(compare_rows(rows), "B")
    assert (row.pictures, row.passed) == (12, False)


def test_a_crossed_slice_is_compared_in_every_known_domain_by_itself():
    rows = [*LOST, (40, "new", "B", True, 0)]
    table = compare_rows(rows, (("domain", "scanner"),))
    assert [(row.values, row.version, row.passed) for row in table.slices] == [
        ({"domain": "day", "scanner": "A"}, SERVING, True),
        ({"domain": "day", "scanner": "B"}, SERVING, False),
        ({"domain": "new", "scanner": "B"}, 0, True),
    ]


@pytest.mark.parametrize("mode", ["no_proven_loss", "no_possible_loss"])
def test_a_loss_that_is_only_possible_passes_in_both_modes(mode):
    rows = [(3, "day", "B", True, 1), (400, "day", "A", True, 1)]
    table = compare_rows(rows, mode=mode)
    assert of_scanner(table, "B").change_low < -0.02
    assert of_scanner(table, "B").passed


def test_in_a_first_run_slices_are_only_described_and_pictures_without_a_value_counted():
    table = compare_rows(LOST, serving=0)
    assert table.slices == [
        SliceRow(values={"scanner": "A"}, pictures=88, after=1.0),
        SliceRow(values={"scanner": "B"}, pictures=12, after=0.0),
    ]
    assert table.without_value == {"scanner": 20}


def test_a_slice_of_which_no_picture_has_a_value_has_no_row():
    table = compare_rows([(5, "day", "", True, 1)])
    assert (table.slices, table.without_value) == ([], {"scanner": 5})

"""The simulation of the gate plants the changes that it names, and judges its lines."""

from dataclasses import replace

import bench_gate as bench
import numpy as np
import planted_models as planted
import pytest

from components.evaluation.gate.gate_options import GateOptions

SHARE = 0.02


def push(change: float, pictures: int, domain: str = "first") -> list[bool]:
    slices = planted.domain_slices(domain, 2, pictures, change)
    slices += planted.domain_slices("second", 2, 200)
    rng = np.random.default_rng(0)
    return planted.simulate_chain(slices, SHARE, 2, GateOptions(), rng)


def test_the_pictures_of_a_domain_are_divided_evenly() -> None:
    slices = planted.domain_slices("night", 7, 50)

    assert sum(one.pictures for one in slices) == 50
    assert {one.pictures for one in slices} == {7, 8}


@pytest.mark.parametrize("change", [-0.05, 0.0, 0.1])
def test_a_candidate_has_the_planted_change(change: float) -> None:
    rng = np.random.default_rng(1)
    accuracy = np.full(200_000, 0.8)
    serving = rng.random(len(accuracy)) < accuracy

    candidate = planted.make_candidate(
        serving, accuracy, SHARE, np.full_like(accuracy, change), rng
    )

    assert np.mean(candidate & ~serving) == pytest.approx(SHARE + max(change, 0), abs=0.002)
    assert np.mean(serving & ~candidate) == pytest.approx(SHARE + max(-change, 0), abs=0.002)


def test_the_gate_decides_about_every_candidate_of_a_chain() -> None:
    assert push(change=0.0, pictures=1000) == [True, True]
    assert push(change=-0.3, pictures=1000) == [False, False]
    assert push(change=0.1, pictures=1000, domain=planted.NEW_DOMAIN) == [True, True]
    assert push(change=-0.1, pictures=1000, domain=planted.NEW_DOMAIN) == [False, False]


def test_every_setting_has_its_lines() -> None:
    lines = list(bench.simulate(pairs=1, share=SHARE, workers=1))

    assert [line.part for line in lines] == sorted(line.part for line in lines)
    assert {line.part for line in lines} == set("abcdefg")
    assert all(0 <= line.value <= 1 for line in lines)


def test_only_the_questions_that_are_named_are_simulated() -> None:
    lines = bench.simulate(pairs=1, share=SHARE, workers=1, parts="be")

    assert {line.part for line in lines} == {"b", "e"}


def test_a_chain_is_followed_to_its_first_rejection_and_to_its_end() -> None:
    setting = next(one for one in bench.settings() if one.part == "d")
    chains = [[True, True, True], [True, False, True], [False, True, True], [False, True, False]]

    until_rejection, to_the_end = bench.make_lines(setting, chains)

    # Two losses of 1.5 points are above the limit of 4 points, three are not.
    assert until_rejection.value == 0.75
    assert to_the_end.value == 0.75
    assert until_rejection.details == "points at the end: 0: 0.500, -1.5: 0.250, -4.5: 0.250"
    assert to_the_end.details == "points at the end: -1.5: 0.250, -3: 0.500, -4.5: 0.250"


def test_a_line_says_whether_it_is_what_is_wanted() -> None:
    line = bench.Line("a", "equal models", 0.94, least=0.95, most=None)

    assert line.is_missed
    assert str(line).split()[-3:] == [">=", "0.95", "MISS"]
    assert str(replace(line, value=0.95)).endswith("ok")
    assert replace(line, least=None, most=0.05).is_missed
    assert not replace(line, least=None).is_missed


def test_a_miss_at_the_middle_share_is_a_failure() -> None:
    good = bench.Line("a", "equal models", 0.99, least=0.95, most=None)
    bad = replace(good, value=0.9)

    assert bench.exit_code({0.01: [bad], 0.02: [good], 0.04: [bad]}) == 0
    assert bench.exit_code({0.01: [good], 0.02: [bad], 0.04: [good]}) == 1
    assert bench.exit_code({0.02: [replace(bad, part="b")]}) == 0
    assert bench.exit_code({0.02: [replace(bad, part="d", is_reachable=False)]}) == 0

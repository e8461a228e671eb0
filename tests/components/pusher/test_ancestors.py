"""Ancestors of a version, found in the records of the versions."""

from dataclasses import replace
from pathlib import Path

import pytest

from components.pusher.ancestors import find_ancestors
from components.pusher.version_store import Push
from trainer_module.contract.errors import InputError

PUSH = Push("digest", "run", "key", None, "2024-01-01T00:00:00", {})


def ancestors(baselines: dict[int, int | None], version: int | None, **kept: list[int]):
    """Ancestors where every version has a record with its baseline, and some keep theirs."""

    def read_push(number: int) -> Push:
        if number not in baselines:
            raise InputError(Path(str(number)))
        push = replace(PUSH, baseline_version=baselines[number])
        return replace(push, ancestors=kept.get(f"v{number}"))

    numbers, lost = find_ancestors(version, read_push)
    return sorted(numbers), lost


@pytest.mark.parametrize(
    ("version", "expected"),
    [(None, []), (1, [1]), (2, [1, 2]), (4, [1, 3, 4])],
)
def test_a_version_goes_back_to_its_baseline_and_to_that_of_its_baseline(version, expected):
    assert ancestors({1: None, 2: 1, 3: 1, 4: 3}, version) == (expected, 0)


def test_the_walk_ends_at_a_lost_record_and_tells_which():
    assert ancestors({2: 1, 4: 3}, 4) == ([3, 4], 3)
    assert ancestors({}, 4) == ([4], 4)


def test_kept_ancestors_need_no_other_record():
    assert ancestors({4: 3}, 4, v4=[1, 3]) == ([1, 3, 4], 0)


def test_records_that_name_each_other_end_the_walk():
    assert ancestors({1: 2, 2: 1}, 2) == ([1, 2], 0)

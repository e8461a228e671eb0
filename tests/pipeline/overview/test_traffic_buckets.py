import numpy as np
import pytest

from pipeline.overview.traffic_buckets import (
    DAY,
    MAX_BUCKETS,
    MAX_DOMAINS,
    TrafficColumns,
    describe_buckets,
)

#: A time at the start of a day, and so of a bucket of every length.
START = 20000 * DAY


def columns(rows: list[tuple[float, int, float, float]]) -> TrafficColumns:
    """Rows of time after `START`, domain, novelty and acceptance."""
    times, domains, novelties, accepted = (np.array(column) for column in zip(*rows, strict=True))
    return TrafficColumns(
        times + START, domains.astype(np.int64), novelties.astype(np.float32), accepted
    )


def test_pictures_are_counted_per_bucket_and_domain():
    rows = [
        *((0.0, 0, 0.2, 1.0), (59.0, 0, 0.4, 1.0), (60.0, 1, 0.9, 0.0)),
        *((200.0, 0, 0.6, 0.0), (200.0, 0, np.nan, np.nan)),
    ]
    described = describe_buckets(columns(rows), ["door", "yard"], START + 200)
    assert described["bucket_seconds"] == 60
    assert described["starts"] == [START, START + 60, START + 120, START + 180]
    door, yard = described["domains"]
    assert (door["name"], door["pictures"], door["counts"]) == ("door", 4, [2, 0, 0, 2])
    assert door["novelties"] == pytest.approx([0.3, None, None, 0.6], nan_ok=True)
    assert door["accepted"] == pytest.approx(2 / 3)
    assert (yard["counts"], yard["novelties"]) == (
        [0, 1, 0, 0],
        [None, pytest.approx(0.9), None, None],
    )
    assert described["last_day"]["pictures"] == 5


@pytest.mark.parametrize(
    ("span", "length"),
    [(0, 60), (3600, 60), (5 * 3600, 300), (DAY, 3600), (7 * DAY, 4 * 3600), (30 * DAY, DAY)],
)
def test_buckets_are_as_short_as_their_number_allows(span, length):
    described = describe_buckets(columns([(0.0, 0, 0.5, 1.0), (span, 0, 0.5, 1.0)]), ["a"], START)
    assert described["bucket_seconds"] == length
    assert len(described["starts"]) <= MAX_BUCKETS
    assert sum(described["domains"][0]["counts"]) == 2


def test_versions_that_know_no_novelty_have_none():
    described = describe_buckets(columns([(0.0, 0, np.nan, np.nan)]), [""], START)
    [domain] = described["domains"]
    assert (domain["name"], domain["novelty"], domain["accepted"]) == ("", None, None)
    assert domain["novelties"] == [None]


def test_domains_with_few_pictures_are_taken_together():
    rows = [
        (float(number), domain, 0.5, 1.0) for domain in range(8) for number in range(9 - domain)
    ]
    described = describe_buckets(columns(sorted(rows)), list("abcdefgh"), START)
    assert [one["name"] for one in described["domains"]] == [*"abcde", "3 other domains"]
    assert described["domains"][-1]["pictures"] == 4 + 3 + 2


def colours(counts: dict[str, int]) -> dict[str, int]:
    """Colours of domains with so many pictures each."""
    rows = [
        (float(number), domain, 0.5, 1.0)
        for domain, count in enumerate(counts.values())
        for number in range(count)
    ]
    described = describe_buckets(columns(sorted(rows)), list(counts), START)
    return {one["name"]: one["series"] for one in described["domains"]}


def test_a_domain_keeps_its_colour_while_the_volumes_change():
    names = ["door", "yard", "gate", "roof", "hall"]
    first = colours({name: number + 1 for number, name in enumerate(names)})
    assert sorted(first.values()) == list(range(MAX_DOMAINS))
    assert colours({name: 9 - number for number, name in enumerate(names)}) == first
    assert colours({"a": 1} | dict.fromkeys(names, 9)) == first | {"1 other domain": MAX_DOMAINS}


def test_the_last_day_ends_now():
    rows = [(0.0, 0, 0.1, 1.0), (2 * DAY, 0, 0.7, 0.0)]
    described = describe_buckets(columns(rows), ["a"], START + 2.5 * DAY)
    assert described["last_day"] == {
        "pictures": 1,
        "novelty": pytest.approx(0.7),
        "accepted": 0.0,
    }

import pytest
from overview_site import NIGHT, compared, make_site

from pipeline.overview.version_facts import describe_version, domain_accuracies, utc_time


def test_a_version_serves_since_its_push(tmp_path):
    store = make_site(tmp_path)
    described = describe_version(store, 2, store.read_push(2))
    assert described["since"] == "2024-01-02T08:00:00+00:00"
    assert (described["after_rollback"], described["baseline"]) == (None, 1)


def test_a_version_serves_since_the_rollback_of_the_one_after_it(tmp_path):
    store = make_site(tmp_path)
    record = store.path(2) / "assets.extra" / "rollback.json"
    record.write_text('{"rolled_back_at": "2024-03-01T09:00:00+00:00", "reason": ""}')
    store.roll_back()
    described = describe_version(store, 1, store.read_push(1))
    assert described["since"] == "2024-03-01T09:00:00+00:00"
    assert described["after_rollback"] == 2


def test_a_version_serves_since_the_end_of_its_time_in_shadow(tmp_path):
    store = make_site(tmp_path)
    described = describe_version(store, 2, store.read_push(2), "2024-01-05T10:00:00+00:00")
    assert described["since"] == "2024-01-05T10:00:00+00:00"
    described = describe_version(store, 2, store.read_push(2), "2024-01-01T10:00:00+00:00")
    assert described["since"] == "2024-01-02T08:00:00+00:00"


def test_nothing_is_said_of_a_version_without_a_record(tmp_path):
    described = describe_version(make_site(tmp_path), 2, None)
    assert (described["number"], described["since"], described["baseline"]) == (2, "", None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-01T10:00:00", "2024-01-01T10:00:00+00:00"),
        ("2024-01-01T10:00:00+02:00", "2024-01-01T08:00:00+00:00"),
        ("0001-01-01T00:00:00+14:00", ""),
        ("yesterday", ""),
        ("", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_times_are_in_utc_and_what_is_no_time_is_empty(text, expected):
    assert utc_time(text) == expected


def test_accuracies_come_from_the_summary_with_their_intervals(tmp_path):
    push = make_site(tmp_path).read_push(2)
    rows = domain_accuracies(push, {"day": compared(0.9, 0.8, 0.02)}, {"day": {}, "fog": {}})
    assert [row["name"] for row in rows] == [NIGHT, "fog", "day", "snow"]
    assert rows[2]["change"] == pytest.approx(0.1)
    assert (rows[2]["low"], rows[2]["high"]) == pytest.approx((0.88, 0.92))
    assert [row["is_new"] for row in rows] == [True, False, False, True]


def test_without_a_summary_a_change_is_the_difference_of_two_records(tmp_path):
    store = make_site(tmp_path)
    rows = domain_accuracies(store.read_push(2), {}, store.read_push(1).domains)
    assert [(row["name"], row["change"], row["is_new"]) for row in rows] == [
        (NIGHT, None, True),
        ("fog", pytest.approx(-0.05), False),
        ("day", pytest.approx(0.1), False),
        ("snow", None, True),
    ]
    assert rows[0]["test_images"] == 1200
    assert rows[0]["low"] is None


def test_a_record_without_numbers_has_no_accuracies(tmp_path):
    push = make_site(tmp_path).read_push(2)
    for value in (None, "high", float("nan"), 10**400):
        push.domains["day"]["accuracy"] = value
        assert [row["name"] for row in domain_accuracies(push, {}, {})] == [NIGHT, "fog", "snow"]

from pathlib import Path
from typing import Any

import pytest
from tiny_catalog import random_look, row, write_chunks

from components.data_gate.checks.split_findings import split_findings
from components.pusher.data_set import write_data_set

pytestmark = pytest.mark.component


def picture(
    name: str,
    split: str = "train",
    content: int | None = None,
    group: str | None = None,
    given: bool = False,
    final: str | None = None,
) -> dict[str, Any]:
    number = content if content is not None else abs(hash(name)) % 10**9
    made = row(f"day/cat/{name}".encode(), number, random_look(0), final or split)
    digest = group.encode().ljust(16, b".") if group else made["content"]
    return made | {"assigned": split, "given": given, "known": False, "group": digest}


def catalog(folder: Path, *rows: dict[str, Any]) -> str:
    folder.mkdir(parents=True)
    return write_chunks(folder, list(rows[:1]), list(rows[1:]))


def baseline(folder: Path, *rows: dict[str, Any]) -> str:
    uri = catalog(folder / "catalog", *rows)
    write_data_set(uri, "/data", folder, folder / "model", None)
    return str(folder / "model")


def found(uri: str, model: str | None = None) -> dict[str, tuple[str, str]]:
    return {one.kind: (one.severity, one.text) for one in split_findings(uri, model)}


@pytest.mark.parametrize(
    "changes",
    [
        {"group": "patient 1"},  # members of one group
        {"content": 7},  # copies
        {"content": 7, "group": "patient 1"},  # both, named once
    ],
)
def test_pictures_of_one_group_or_content_with_two_given_splits_are_named(tmp_path, changes):
    uri = catalog(
        tmp_path / "c",
        picture("a.png", "train", given=True, final="test", **changes),
        picture("b.png", "test", given=True, **changes),
        picture("c.png", "eval", given=True),
    )
    severity, text = found(uri)["split_conflict"]
    assert severity == "warning"
    assert text.startswith("Found 1 group ") or "content" in changes
    assert "'day/cat/a.png' (train) and 'day/cat/b.png' (test)" in text
    assert "c.png" not in text


def test_splits_that_only_the_hash_assigned_are_no_conflict(tmp_path):
    uri = catalog(
        tmp_path / "c",
        picture("a.png", "train", group="p", final="test"),
        picture("b.png", "test", group="p"),
        picture("c.png", "test", group="p", given=True),
    )
    assert found(uri) == {}


@pytest.mark.parametrize("before", ["train", "eval"])
def test_a_test_picture_that_the_baseline_was_made_with_is_named(tmp_path, before):
    model = baseline(tmp_path / "old", picture("a.png", before, 1), picture("b.png", "test", 2))
    uri = catalog(tmp_path / "c", picture("a.png", "test", 1), picture("b.png", "test", 2))
    severity, text = found(uri, model)["moved_splits"]
    assert severity == "warning"
    assert "Found 1 picture in another split" in text
    assert "trained or tuned on 1 picture of the test split" in text
    # The candidate starts from the serving version, so it has seen the picture, too.
    assert "Its metrics on them are too optimistic, and so are those of a candidate" in text
    assert "(warm_start)" in text
    assert "'day/cat/a.png' (test)" in text
    assert "b.png" not in text


def test_a_new_test_picture_of_a_group_that_the_baseline_was_trained_on_is_named(tmp_path):
    model = baseline(tmp_path / "old", picture("a.png", "train", 1, "patient 1"))
    uri = catalog(tmp_path / "c", picture("new.png", "test", 2, "patient 1"))
    severity, text = found(uri, model)["moved_splits"]
    assert severity == "warning"
    assert "in another split" not in text
    assert "'day/cat/new.png' (test)" in text


def test_a_test_picture_that_is_trained_on_now_is_information(tmp_path):
    model = baseline(tmp_path / "old", picture("a.png", "test", 1))
    uri = catalog(tmp_path / "c", picture("a.png", "train", 1))
    assert found(uri, model)["moved_splits"][0] == "information"


def test_pictures_that_stay_and_new_ones_with_a_group_of_their_own_are_no_finding(tmp_path):
    rows = [picture("a.png", "train", 1, "p"), picture("b.png", "test", 2)]
    model = baseline(tmp_path / "old", *rows)
    uri = catalog(tmp_path / "c", *rows, picture("c.png", "test", 3), picture("d.png", "train", 4))
    assert found(uri, model) == {}


def test_a_digest_of_zeros_at_its_end_is_told_from_others(tmp_path):
    model = baseline(tmp_path / "old", picture("a.png", "train", 1 << 64))
    uri = catalog(tmp_path / "c", picture("b.png", "test", (1 << 64) + 1))
    assert found(uri, model) == {}

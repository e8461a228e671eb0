"""Splits of new pictures whose group the serving version knows, over several real ingestions."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ingesting_pipeline import PictureSite, picture

from components.image_example_gen.splits import assign_split, digest
from components.pusher.data_set import SCHEMA
from pipeline.inputs.snapshot import write_listing
from pipeline.retraining.unlabelled.held_out_pictures import rows_to_test_with
from trainer_module.contract.errors import InputError
from trainer_module.contract.model_assets import PICTURES

pytestmark = pytest.mark.component


def hashed_to(split: str) -> list[str]:
    """Return names of groups that the hash assigns to a split."""
    names = (f"patient-{number}" for number in range(1000))
    return [name for name in names if assign_split(digest(name.encode()), 0.15, 0.15) == split]


IN_TRAIN, IN_TEST = hashed_to("train"), hashed_to("test")


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> PictureSite:
    return PictureSite(tmp_path)


def first_run(site: PictureSite, *rows: dict[str, Any], **settings: Any) -> None:
    """Push version 1 from pictures; besides those given it has 20 without a group."""
    rows = (*rows, *({"content": picture(5000 + number)} for number in range(20)))
    listing = []
    for number, row in enumerate(rows):
        content = row.pop("content")
        name = row.pop("name", f"{number}.png")
        path = site.data / "day" / row.get("label", "cat") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        common = {"path": str(path.relative_to(site.data)), "domain": "day", "label": "cat"}
        listing.append(common | row)
    site.workspace.root.mkdir(exist_ok=True)
    snapshot = write_listing(listing, str(site.data), "data", site.workspace.inputs)
    site.pipeline(site.config(**settings), site.workspace, snapshot)


def new(number: int, **values: Any) -> dict[str, Any]:
    return {"content": picture(number), "name": f"day/cat/new-{number}.png"} | values


def splits(site: PictureSite, *numbers: int) -> list[str]:
    return [site.row(picture(number))["split"] for number in numbers]


@pytest.mark.parametrize(
    ("group", "split"), [(IN_TRAIN[0], "test"), (IN_TEST[0], "train"), (IN_TRAIN[1], "eval")]
)
def test_new_pictures_of_a_group_get_the_split_that_a_manifest_gave_it_first(site, group, split):
    first_run(site, {"content": picture(1), "group": group, "split": split})
    site.retrain(site.batch(new(2, group=group), new(3, group=group)))
    assert splits(site, 1, 2, 3) == [split] * 3


#: Name of a group -> another spelling: the other Unicode form, or a number as pandas writes it.
SPELLINGS = {
    "caf\u00e9 1": "cafe\u0301 1",
    "A\u030angstrom": "\u00c5ngstrom",
    "7": "7.0",
    "-12.0": "-12",
}


def test_a_group_is_known_in_all_spellings_of_its_name(site):
    first_run(
        site,
        *(
            {"content": picture(n), "group": name, "split": "test"}
            for n, name in enumerate(SPELLINGS)
        ),
        {"content": picture(9), "group": "8.50", "split": "test"},
        {"content": picture(10), "name": "caf\u00e9.png", "split": "test"},
        split={"group_by": "stem"},
    )
    rows = [new(100 + n, group=name) for n, name in enumerate(SPELLINGS.values())]
    others = [new(200, group="8.5", split="train"), new(201, name="x/y/cafe\u0301.jpg")]
    snapshot = site.retrain(site.batch(*rows, *others))
    assert splits(site, *range(4), *range(100, 104)) == ["test"] * 8
    assert splits(site, 200, 201) == ["train", "test"]
    assert snapshot.findings == ()


def test_only_pictures_whose_group_is_in_test_can_test_without_a_label(site):
    names = ("eval", "test", "train")
    first_run(site, *({"content": picture(n), "group": s, "split": s} for n, s in enumerate(names)))
    rows = [new(100 + n, group=name, label="") for n, name in enumerate(names)]
    others = [new(200, group=IN_TEST[0], label=""), new(201, group=IN_TRAIN[0], label="")]
    pictures = site.read(site.batch(*rows, *others))
    held_out = pictures.held_out(site.config())["day"]
    assert {row["group"] for row in held_out} == {"eval", "test", IN_TEST[0]}
    testing = rows_to_test_with(held_out, pictures.listing_rows(site.config()))
    assert {row["group"] for row in testing} == {"test", IN_TEST[0]}


@pytest.mark.parametrize("spelling", ["7.0", "7"])
def test_a_spelling_that_was_a_group_of_its_own_in_an_earlier_version_still_binds(site, spelling):
    first_run(site, {"content": picture(1), "group": spelling, "split": "test"})
    path = site.model / PICTURES
    rows = pq.read_table(path).to_pylist()
    for row in rows:
        if row["split"] == "test" and row["group"] == digest(b"7"):
            row["group"] = digest(spelling.encode())
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path)
    number = site.batch(new(2, group="7"), new(3, group="7.0"), new(4, group="7.0", label=""))
    assert len(site.read(number).held_out(site.config())["day"]) == 1
    site.retrain(number)
    assert splits(site, 2, 3) == ["test", "test"]
    assert {site.row(picture(n))["group"] for n in (1, 2, 3)} == {digest(spelling.encode())}


def test_a_group_that_a_copy_moved_to_test_stays_there_for_new_pictures(site):
    # A picture of the second group is a copy of one of the first, which the hash puts into test.
    first_run(
        site,
        {"content": picture(1), "group": IN_TEST[0]},
        {"content": picture(1), "group": IN_TRAIN[0]},
        {"content": picture(2), "group": IN_TRAIN[0]},
    )
    assert splits(site, 2) == ["test"]
    site.retrain(site.batch(new(3, group=IN_TRAIN[0])))
    assert splits(site, 2, 3) == ["test", "test"]


def test_groups_are_known_after_retrainings_that_did_not_read_them(site):
    rows = [{"content": picture(n), "group": IN_TEST[0], "split": "train"} for n in range(1, 9)]
    first_run(site, *rows)
    for number in (100, 101, 102):
        site.retrain(site.batch(new(number)))
        assert sum("group_digest" in row for row in site.pipeline.rows()) <= 1
    site.retrain(site.batch(new(9, group=IN_TEST[0])))
    assert splits(site, *range(1, 10)) == ["train"] * 9


def test_files_of_a_known_stem_get_its_split_whatever_their_folders(site):
    first_run(
        site,
        {"content": picture(1), "name": f"{IN_TEST[0]}.png"},
        {"content": picture(2), "name": f"{IN_TRAIN[0]}.png", "split": "test"},
        split={"group_by": "stem"},
    )
    rows = [
        new(3, name=f"night/dog/{IN_TEST[0]}.jpg", domain="night"),
        new(4, name=f"fog/cat/deep/{IN_TRAIN[0]}.png"),
    ]
    site.retrain(site.batch(*rows), split={"group_by": "stem"})
    assert splits(site, 3, 4) == ["test", "test"]
    later = new(5, name=f"x/cat/{IN_TRAIN[0]}.webp")  # without its stem being replayed
    site.retrain(site.batch(later), split={"group_by": "stem"})
    assert splits(site, 5) == ["test"]


def test_stems_bind_after_the_setting_changed_from_content_to_stem(site):
    known = [{"content": picture(n), "name": f"stem-{n}.png"} for n in range(1, 41)]
    first_run(site, *known)
    before = splits(site, *range(1, 41))
    assert {"train", "test"} <= set(before)
    rows = [new(100 + n, name=f"day/dog/stem-{n}.png") for n in range(1, 41)]
    site.retrain(site.batch(*rows), split={"group_by": "stem"})
    assert splits(site, *range(101, 141)) == before
    assert splits(site, *range(1, 41)) == before


def test_stems_bind_after_the_setting_changed_from_stem_to_content(site):
    first_run(
        site,
        {"content": picture(1), "name": f"{IN_TRAIN[0]}.png", "split": "test"},
        {"content": picture(2), "name": f"{IN_TEST[0]}.png"},
        split={"group_by": "stem"},
    )
    site.retrain(site.batch(new(3, name=f"a/b/{IN_TRAIN[0]}.png")))
    assert splits(site, 3) == ["test"]


def test_known_pictures_of_one_stem_in_two_splits_stay_and_new_ones_are_kept_from_training(site):
    first_run(
        site,
        {"content": picture(1), "name": "same.png", "split": "train"},
        {"content": picture(2), "name": "same.jpg", "split": "test"},
    )
    site.retrain(site.batch(new(3, name="day/cat/same.webp")), split={"group_by": "stem"})
    assert splits(site, 1, 2, 3) == ["train", "test", "test"]


@pytest.mark.parametrize(("given", "known"), [("test", "train"), ("train", "test")])
def test_a_given_split_that_contradicts_the_group_is_named_and_not_followed(site, given, known):
    first_run(site, {"content": picture(1), "group": "A", "split": known})
    snapshot = site.retrain(site.batch(new(2, group="A", split=given), new(3, split="test")))
    assert splits(site, 2, 3) == [known, "test"]
    [finding] = snapshot.findings
    assert (finding.kind, finding.severity) == ("split_conflict", "warning")
    assert f"'day/cat/new-2.png' (given {given}, kept in {known})" in finding.text
    assert "new-3" not in finding.text


def test_a_contradiction_stops_the_retraining_where_warnings_do(site):
    first_run(site, {"content": picture(1), "group": "A", "split": "train"})
    number = site.batch(new(2, group="A", split="test"))
    with pytest.raises(InputError, match="new-2"):
        site.read(number).write(site.config(validation={"stop_at": "warning"}))


def forget_groups(site: PictureSite) -> None:
    """Turn the list of the serving version into one of before groups were kept."""
    path = site.model / PICTURES
    pq.write_table(pq.read_table(path).drop(["group"]), path)


def test_the_groups_of_an_earlier_version_are_read_from_the_catalogs_of_its_runs(site):
    first_run(site, {"content": picture(1), "group": IN_TRAIN[0], "split": "test"})
    site.retrain(site.batch(new(2, group=IN_TRAIN[1], split="test")))
    site.retrain(site.batch(new(3)))
    forget_groups(site)
    site.retrain(site.batch(new(4, group=IN_TRAIN[0]), new(5, group=IN_TRAIN[1])))
    assert splits(site, 4, 5) == ["test", "test"]


def test_the_groups_of_an_earlier_version_are_read_from_listings_where_catalogs_are_deleted(site):
    first_run(site, {"content": picture(1), "group": IN_TRAIN[0], "split": "test"})
    forget_groups(site)
    shutil.rmtree(site.workspace.root / "artifacts")
    site.retrain(site.batch(new(4, group=IN_TRAIN[0])))
    assert splits(site, 4) == ["test"]


def test_an_earlier_version_of_which_nothing_is_left_has_no_groups(site):
    first_run(site, {"content": picture(1), "group": IN_TRAIN[0], "split": "test"})
    forget_groups(site)
    for folder in ("artifacts", "runs", "inputs"):
        shutil.rmtree(site.workspace.root / folder)
    site.retrain(site.batch(new(4, group=IN_TRAIN[0])))
    assert splits(site, 1, 4) == ["test", "train"]


def test_adding_pictures_and_running_again_moves_no_group(site):
    groups = [f"group-{number}" for number in range(30)]
    rows = [{"content": picture(n), "group": group} for n, group in enumerate(groups)]
    first_run(site, *[dict(row) for row in rows])
    before = splits(site, *range(30))
    shutil.rmtree(site.data)
    grown = [{"content": picture(100 + n), "group": group} for n, group in enumerate(groups)]
    first_run(site, *[dict(row) for row in rows], *grown)
    assert splits(site, *range(30)) == before
    assert splits(site, *range(100, 130)) == before

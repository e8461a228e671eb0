"""Deliveries that change what is known of pictures, over several real ingestions."""

from pathlib import Path
from typing import Any

import pytest
from ingesting_pipeline import PictureSite, digest_of, picture

from components.image_example_gen.splits import digest
from pipeline.inputs.snapshot import write_listing

pytestmark = pytest.mark.component

TRAIN, TEST = 1, 2  # a picture in each of these splits


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> PictureSite:
    """A workspace with version 1: a train and a test picture of cats, and 20 others."""
    site = PictureSite(tmp_path)
    splits = {TRAIN: "train", TEST: "test", 3: "eval"}
    splits |= {number: ("train", "test")[number % 2] for number in range(50, 70)}
    rows = []
    for number, split in splits.items():
        path = site.data / "day" / "cat" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(number))
        name = str(path.relative_to(site.data))
        rows.append({"path": name, "domain": "day", "label": "cat", "split": split, "group": name})
    site.workspace.root.mkdir()
    snapshot = write_listing(rows, str(site.data), "data", site.workspace.inputs)
    site.pipeline(site.config(), site.workspace, snapshot)
    return site


def says(number: int, **values: Any) -> dict[str, Any]:
    return {"content": picture(number), "name": f"{number}.png"} | values


def listed(site: PictureSite, number: int) -> list[dict[str, Any]]:
    """Return the rows of a picture in the newest listing."""
    names = (f"/{digest_of(picture(number))}.png", f"day/cat/{number}.png")
    return [row for row in site.pipeline.rows() if row["path"].endswith(names)]


@pytest.mark.parametrize("known", [TRAIN, TEST, 3])
@pytest.mark.parametrize(
    "change", [{"label": "dog"}, {"domain": "night"}, {"label": "dog", "domain": "night"}]
)
def test_a_new_label_or_domain_of_a_known_picture_holds_everywhere_and_its_split_stays(
    site, known, change
):
    before = site.row(picture(known))
    snapshot = site.retrain(site.batch(says(known, **change), says(100)))
    after = site.row(picture(known))
    [row] = listed(site, known)
    for values in (after, row):
        assert values["split"] == before["split"]
        assert {key: values[key] for key in change} == change
    assert after["group"] == before["group"]
    assert row["path"].startswith("batches/")
    [finding] = snapshot.findings
    assert finding.kind == "corrections"
    assert f"{known}.png" in finding.text


def test_a_new_group_of_a_known_picture_binds_the_new_pictures_of_that_group(site):
    site.retrain(site.batch(says(TEST, group="A"), says(100, group="A")))
    assert site.row(picture(TEST))["group"] == digest(b"A")
    assert site.row(picture(100))["split"] == "test"
    site.retrain(site.batch(says(101)))
    site.retrain(site.batch(says(102, group="A")))
    assert site.row(picture(102))["split"] == "test"


def test_a_delivery_that_says_the_same_or_less_changes_nothing(site):
    before = site.known()
    rows = [says(TRAIN), says(TEST, label=""), says(3, label="cat"), says(100)]
    number = site.batch(*rows)
    assert site.read(number).batch_update_counts().nonzero() == {}
    assessed = site.read(number).assessed_rows()
    assert (len(assessed.rows), assessed.known) == (1, {"day": 3})
    assert site.retrain(number).findings == ()
    known = site.known()
    assert {content: known[content] for content in before} == before


def test_the_newest_delivery_wins_over_earlier_ones_whatever_their_states(site):
    site.batch(says(TRAIN, label="dog"), says(100, label="dog"), state="good_enough")
    site.batch(says(TRAIN, label="owl"), says(100, label="owl"), state="too_little_data")
    site.batch(says(TRAIN, label="bat"), says(100, label="bat"), state="rejected")
    assert site.read(site.batch(says(101))).update_counts().labels == 1
    site.retrain(site.batch(says(102)))
    assert [site.row(picture(n))["label"] for n in (TRAIN, 100)] == ["owl", "owl"]
    site.retrain(site.batch(says(TRAIN, label="fox"), says(100, label="fox")))
    assert [site.row(picture(n))["label"] for n in (TRAIN, 100)] == ["fox", "fox"]
    # The first batch still waits as far as its state says, and is older than what is known.
    site.retrain(site.batch(says(103)))
    assert [site.row(picture(n))["label"] for n in (TRAIN, 100)] == ["fox", "fox"]


def test_a_correction_waits_and_is_applied_with_the_next_training(site):
    number = site.batch(says(TEST, label="dog"), state="too_little_data")
    assert site.row(picture(TEST))["label"] == "cat"
    later = site.batch(says(100))
    assert site.read(later).assessed_rows().waiting_changes == 1
    assert site.read(number).assessed_rows().waiting_changes == 0
    snapshot = site.retrain(later)
    assert site.row(picture(TEST))["label"] == "dog"
    assert "'cat' is now 'dog'" in snapshot.findings[0].text


@pytest.mark.parametrize("labels", [("", "dog"), ("dog", ""), ("owl", "dog")])
def test_a_label_that_arrives_before_or_after_the_picture_without_one_counts(site, labels):
    first, second = labels
    site.batch(says(100, label=first), state="too_little_data")
    site.retrain(site.batch(says(100, label=second), says(101)))
    assert site.row(picture(100))["label"] == "dog"


def test_an_unlabelled_picture_of_a_finished_batch_is_new_when_its_label_arrives(site):
    site.retrain(site.batch(says(100, label=""), says(101)))
    site.retrain(site.batch(says(100, label="dog")))
    assert site.row(picture(100))["label"] == "dog"


def test_contradictory_rows_of_one_delivery_are_both_kept_until_the_next_one(site):
    number = site.batch(says(TRAIN, label="dog"), says(TRAIN, label="cat", name="other.png"))
    site.retrain(number)
    assert sorted(row["label"] for row in listed(site, TRAIN)) == ["cat", "dog"]
    site.retrain(site.batch(says(TRAIN, label="owl")))
    assert site.row(picture(TRAIN))["label"] == "owl"


def test_a_correction_holds_though_the_known_file_is_deleted(site):
    (site.data / "day" / "cat" / f"{TEST}.png").unlink()
    site.retrain(site.batch(says(TEST, label="dog"), says(100)))
    row = site.row(picture(TEST))
    assert (row["label"], row["split"]) == ("dog", "test")


def test_unusable_rows_hide_no_correction(site):
    unusable = says(TRAIN, name="no.png", sha256="", reason="cannot be opened: it is locked")
    site.retrain(site.batch(unusable, says(TRAIN, label="dog"), unusable | {"content": b""}))
    assert site.row(picture(TRAIN))["label"] == "dog"


# Redelivery under the same name.


def deliver(site: PictureSite, *rows: dict[str, Any], **values: Any) -> int:
    return site.batch(*rows, name="monday", **values)


def labels(site: PictureSite, *numbers: int) -> list[str]:
    return [site.row(picture(number))["label"] for number in numbers]


FIRST = range(100, 108)


def test_a_corrected_delivery_replaces_a_pushed_one_and_no_picture_is_lost(site):
    site.retrain(deliver(site, *(says(n, label="dog") for n in FIRST)))
    splits = {n: site.row(picture(n))["split"] for n in FIRST}
    corrected = {n: "dog" if n > 102 else "owl" for n in FIRST}
    number = deliver(site, *(says(n, label=label) for n, label in corrected.items()))
    assert len(site.read(number).assessed_rows().rows) == len(FIRST)
    assert site.read(number).batch_update_counts().nonzero() == {"changed_labels": 3}
    snapshot = site.retrain(number)
    assert labels(site, *FIRST) == list(corrected.values())
    assert {n: site.row(picture(n))["split"] for n in FIRST} == splits
    assert all(len(listed(site, n)) == 1 for n in FIRST)
    assert "3 known pictures with another label" in snapshot.findings[0].text


def test_pictures_that_a_redelivery_omits_are_in_no_training_and_keep_their_split(site):
    groups = {n: f"group {n}" for n in FIRST}
    rows = [says(n, group=group, split="test") for n, group in groups.items()]
    site.retrain(deliver(site, *rows))
    number = deliver(site, *(says(n, group=groups[n]) for n in FIRST if n != 100))
    assert site.read(number).batch_update_counts().nonzero() == {"not_delivered_again": 1}
    snapshot = site.retrain(number)
    assert listed(site, 100) == []
    assert "1 known picture not in the new delivery" in snapshot.findings[0].text
    site.retrain(site.batch(says(200, group=groups[100])))
    assert listed(site, 100) == []
    assert site.row(picture(200))["split"] == "test"
    site.retrain(deliver(site, *(says(n, group=groups[n]) for n in FIRST)))  # it is back
    assert [row["split"] for row in listed(site, 100)] == ["test"]


def test_an_omitted_picture_that_another_batch_holds_stays(site):
    site.retrain(deliver(site, says(100, split="test"), says(101)))
    site.retrain(site.batch(says(100), says(102)))
    site.retrain(deliver(site, says(101)))
    assert len(listed(site, 100)) == 1


def test_a_file_that_is_unusable_in_the_redelivery_is_not_omitted(site):
    site.retrain(deliver(site, says(100, split="test"), says(101)))
    unusable = {"content": b"", "name": "100.png", "sha256": "", "reason": "cannot be opened"}
    number = deliver(site, says(101), unusable)
    assert site.read(number).omitted.count == 0
    site.retrain(number)
    assert len(listed(site, 100)) == 1


def test_a_file_that_is_unusable_in_a_redelivery_that_waits_is_not_omitted(site):
    site.retrain(deliver(site, says(100, split="test"), says(101)))
    unusable = {"content": b"", "name": "100.png", "sha256": "", "reason": "cannot be opened"}
    deliver(site, says(101), unusable, state="too_little_data")
    site.retrain(site.batch(says(102)))
    assert len(listed(site, 100)) == 1


@pytest.mark.parametrize("state", ["held", "rejected", "failed"])
def test_a_redelivery_that_was_not_trained_on_replaces_nothing(site, state):
    site.retrain(deliver(site, says(100, split="test"), says(101, split="test")))
    deliver(site, says(101, label="dog"), state=state)
    site.retrain(site.batch(says(200)))
    assert [row["label"] for n in (100, 101) for row in listed(site, n)] == ["cat", "cat"]


@pytest.mark.parametrize("state", ["good_enough", "too_little_data"])
def test_a_redelivery_that_waits_replaces_the_earlier_one_in_the_next_training(site, state):
    site.retrain(deliver(site, says(100, split="test"), says(101, split="test")))
    deliver(site, says(101, label="dog"), state=state)
    site.retrain(site.batch(says(200)))
    assert listed(site, 100) == []
    assert labels(site, 101) == ["dog"]


def test_a_delivery_may_be_corrected_back(site):
    site.retrain(deliver(site, says(100, label="dog"), says(101, label="dog")))
    site.retrain(deliver(site, says(100, label="owl"), says(101, label="dog")))
    site.retrain(deliver(site, says(100, label="dog"), says(101, label="dog", name="b.png")))
    assert labels(site, 100, 101) == ["dog", "dog"]


def test_a_redelivery_moves_pictures_to_another_domain(site):
    site.retrain(deliver(site, says(100, domain="fog"), says(101, domain="fog")))
    number = deliver(site, says(100, domain="rain"), says(101, domain="rain"))
    assert site.read(number).batch_update_counts().nonzero() == {"changed_domains": 2}
    site.retrain(number)
    assert {site.row(picture(n))["domain"] for n in (100, 101)} == {"rain"}
    assert not any(row["domain"] == "fog" for row in site.pipeline.rows())

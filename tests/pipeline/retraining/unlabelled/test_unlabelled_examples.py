"""Unlabelled pictures of a retraining, over real ingestions."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ingesting_pipeline import PictureSite, digest_of, picture

from components.image_example_gen.splits import assign_split, digest
from pipeline.inputs.snapshot import Snapshot, write_listing
from pipeline.retraining.unlabelled import held_out_pictures
from pipeline.retraining.unlabelled.unlabelled_examples import read_list
from trainer_module.data.picture_batches import picture_batches
from trainer_module.data.transformed_examples import read_pictures

pytestmark = pytest.mark.component

#: Every batch needs one more labelled picture than the pictures that a test is about.
SETTINGS: dict[str, Any] = {"image_size": 32, "retrain": {"min_pictures": 1}}


def hashed_to(split: str) -> list[int]:
    """Return numbers of pictures that the hash assigns to a split."""
    return [n for n in range(100, 400) if assign_split(digest(picture(n)), 0.15, 0.15) == split]


TRAIN, EVAL, TEST = (hashed_to(split) for split in ("train", "eval", "test"))


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> PictureSite:
    site = PictureSite(tmp_path)
    known = ((1, "train", "A"), (2, "test", "B"))
    listing = []
    for number, split, group in known:
        path = site.data / "day" / "cat" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(number))
        row = {"path": str(path), "domain": "day", "label": "cat", "bytes": 0, "modified": 0}
        listing.append(row | {"split": split, "group": group})
    inputs = site.workspace.inputs
    site.pipeline(site.config(), site.workspace, write_listing(listing, "/", "data", inputs))
    return site


def unlabelled(number: int, **row: Any) -> dict[str, Any]:
    return {"content": picture(number), "name": f"{number}.png", "label": ""} | row


def labelled(number: int, **row: Any) -> dict[str, Any]:
    return unlabelled(number, label="cat", **row)


def written(snapshot: Snapshot) -> list[str]:
    """Return the digests of the pictures whose examples were written, sorted."""
    pictures = read_pictures([f"{snapshot.unlabelled}/*"], image_size=32)
    assert set(pictures.labels) == {""}
    return sorted(Path(name.decode()).stem for name in pictures.image_ids.tolist())


def digests(*numbers: int) -> list[str]:
    return sorted(digest_of(picture(number)) for number in numbers)


def write(
    site: PictureSite, *rows: dict[str, Any], unverified: tuple[str, ...] = (), **retrain: Any
) -> Snapshot:
    settings = SETTINGS | {"retrain": SETTINGS["retrain"] | retrain}
    number = site.batch(*(dict(row) for row in rows))
    return site.read(number).write(site.config(**settings), unverified)


def test_those_that_a_hash_keeps_for_eval_and_test_are_left_out(site):
    numbers = [*TRAIN[:3], EVAL[0], TEST[0]]
    snapshot = write(site, labelled(5), *(unlabelled(number) for number in numbers))
    assert written(snapshot) == digests(*TRAIN[:3])
    assert snapshot.without_label == 5


def test_a_group_in_test_is_left_out_whatever_the_hash_says(site):
    held_out = [unlabelled(TRAIN[0], group="B"), unlabelled(TRAIN[1], group="C")]
    rows = [*held_out, labelled(6, group="C", split="test"), unlabelled(TEST[0], group="A")]
    snapshot = write(site, *rows, unlabelled(TRAIN[2], split="eval"), unlabelled(TRAIN[3]))
    assert written(snapshot) == digests(TEST[0], TRAIN[3])


def test_what_is_not_trained_on_is_held_out_to_test_with(site):
    numbers = [*TRAIN[:5], *EVAL[:2], *TEST[:2]]
    number = site.batch(labelled(5), *(unlabelled(number) for number in numbers))
    pictures, config = site.read(number), site.config(**SETTINGS)
    held_out = [row["sha256"] for row in pictures.held_out(config)["day"]]
    trained = written(pictures.write(config))
    assert sorted(trained + held_out) == digests(*numbers)
    assert sorted(held_out) == digests(*EVAL[:2], *TEST[:2])


def test_the_examples_have_the_pixels_that_transform_would_write(site):
    snapshot = write(site, labelled(5), unlabelled(TRAIN[0]))
    pictures = read_pictures([f"{snapshot.unlabelled}/*"], image_size=32)
    [(_, _, pixels)] = picture_batches(pictures, batch_size=1)
    colour = (TRAIN[0] % 256, TRAIN[0] // 256 % 256, 77)
    assert np.array_equal(pixels[0], np.broadcast_to(np.uint8(colour), (32, 32, 3)))


def test_no_example_is_written_where_the_option_is_off_or_there_are_too_few(site):
    assert write(site, labelled(5), unlabelled(TRAIN[0]), unlabelled="off").unlabelled == ""
    assert write(site, labelled(7), unlabelled(TEST[0])).unlabelled == ""


def test_pictures_that_cannot_be_decoded_do_not_take_part(site):
    damaged = unlabelled(1, content=b"no picture", split="train")
    assert write(site, labelled(5), damaged).unlabelled == ""
    assert not list(site.workspace.inputs.glob("unlabelled-*"))
    assert written(write(site, labelled(7), damaged, unlabelled(TRAIN[0]))) == digests(TRAIN[0])


def test_a_new_domain_without_any_label_does_not_take_part(site):
    rows = [labelled(5), unlabelled(TRAIN[0], domain="fog")]
    assert write(site, *rows).unlabelled == ""
    assert write(site, *rows, unlabelled="always").unlabelled == ""
    assert written(write(site, *rows, unverified=("fog",))) == digests(TRAIN[0])
    rows += [labelled(TRAIN[1], domain="fog")]
    assert written(write(site, *rows)) == digests(TRAIN[0])


def test_of_very_many_the_digests_decide_which_take_part(site, monkeypatch):
    monkeypatch.setattr(held_out_pictures, "MAX_UNLABELLED", 2)
    snapshot = write(site, labelled(5), *(unlabelled(number) for number in TRAIN[:4]))
    assert written(snapshot) == digests(*TRAIN[:4])[:2]


def test_examples_of_an_earlier_retraining_are_removed(site):
    first = Path(write(site, labelled(5), unlabelled(TRAIN[0])).unlabelled)
    (first.parent / "unlabelled-0.part").mkdir()
    second = Path(write(site, labelled(7), unlabelled(TRAIN[1])).unlabelled)
    assert [path for path in first.parent.glob("unlabelled-*") if path.is_dir()] == [second]
    # Their lists stay: a candidate that awaits labels must not be tested with its own pictures.
    lists = [read_list(path.with_suffix(".txt")) for path in (first, second)]
    assert lists == [{bytes.fromhex(name)[:16]} for name in digests(TRAIN[0]) + digests(TRAIN[1])]


def test_the_key_of_a_snapshot_depends_on_its_unlabelled_pictures(site):
    first = write(site, labelled(5), unlabelled(TRAIN[0]))
    second = write(site, labelled(5), unlabelled(TRAIN[1]))
    alone = write(site, labelled(5))
    assert len({first.key, second.key, alone.key}) == 3
    assert alone.key == alone.digest

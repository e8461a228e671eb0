from collections import Counter
from typing import Any

import pytest

from components.image_example_gen.splits import digest, name_digest
from pipeline.config.run_config import SplitOptions
from pipeline.retraining.pictures.fold_assignment import assign_folds
from trainer_module.contract.listing_row import ListingRow
from trainer_module.cross_fitting.folds import NUM_FOLDS, Folds

pytestmark = pytest.mark.component

OPTIONS = SplitOptions(test=0.15, cross_fit_below=30)


def row(path: str, label: str = "cat", domain: str = "night", **keys: Any) -> ListingRow:
    return {"path": path, "domain": domain, "label": label, **keys}


def new(count: int, label: str = "cat", **keys: Any) -> list[ListingRow]:
    return [row(f"new/{label}/{number}.png", label, **keys) for number in range(count)]


def known(count: int, split: str, **keys: Any) -> list[ListingRow]:
    return [row(f"old/{split}/{n}.png", split=split, known=True, **keys) for n in range(count)]


def assign(rows: list[ListingRow], groups: tuple[str, ...] = (), **options: Any) -> Folds:
    free = {one["path"]: digest(one["path"].encode()) for one in rows if "known" not in one}
    given = OPTIONS.model_copy(update=options)
    return assign_folds(rows, free, [name_digest(group) for group in groups], given)


def test_every_new_picture_of_a_small_domain_gets_a_fold_and_folds_are_balanced():
    rows = new(5, "cat") + new(6, "dog")
    folds = assign(rows)
    assert set(folds.new) == {one["path"] for one in rows}
    assert folds.new == {one["path"]: one["fold"] for one in rows}
    for label in ("cat", "dog"):
        sizes = Counter(one["fold"] for one in rows if one["label"] == label)
        assert len(sizes) == NUM_FOLDS
        assert max(sizes.values()) == 2
    assert not folds.known


def test_the_folds_do_not_depend_on_the_order_of_the_rows():
    assert assign(new(9)).new == assign(new(9)[::-1]).new


@pytest.mark.parametrize(("count", "is_small"), [(199, True), (200, False)])
def test_a_domain_that_would_have_30_test_pictures_is_not_cross_fitted(count, is_small):
    assert bool(assign(new(count))) == is_small


def test_test_pictures_of_a_known_domain_count():
    assert assign(known(27, "test") + new(19))
    assert not assign(known(27, "test") + new(20))


def test_nothing_is_cross_fitted_if_the_option_says_so():
    assert not assign(new(20), cross_fit_below=0)


def test_every_domain_counts_by_itself():
    rows = [*new(200), row("new/fog.png", domain="fog")]
    assert list(assign(rows).new) == ["new/fog.png"]


def test_a_group_shares_a_fold():
    rows = [row(f"new/{number}.png", group=f"group {number // 4}") for number in range(16)]
    assign(rows)
    assert [
        len({one["fold"] for one in rows if one["group"] == f"group {n}"}) for n in range(4)
    ] == [1] * 4
    assert {one["fold"] for one in rows} == set(range(NUM_FOLDS))


def test_a_new_picture_of_a_known_group_has_the_fold_of_the_group_or_none():
    earlier = known(1, "train", fold=3, group="seen")
    rows = [row("new/1.png", group="seen"), row("new/2.png", group="trained on", split="train")]
    folds = assign([*earlier, *rows], groups=("seen", "trained on"))
    assert folds.new == {"new/1.png": 3}
    assert folds.known == {"old/train/0.png": 3}


def test_given_test_pictures_unlabelled_and_unusable_ones_have_no_fold():
    rows = [
        row("new/1.png", split="test"),
        row("new/2.png", label=""),
        row("new/3.png", reason="damaged"),
        row("new/4.png"),
    ]
    assert list(assign(rows).new) == ["new/4.png"]


def test_a_picture_with_a_predicted_label_has_no_fold():
    rows = [row("new/1.png"), row("new/2.png", split="train")]
    folds = assign_folds(rows, {"new/1.png": digest(b"1")}, [], OPTIONS)
    assert list(folds.new) == ["new/1.png"]
    assert "fold" not in rows[1]


def test_known_pictures_keep_their_fold_and_new_ones_fill_the_smaller_folds():
    earlier = known(3, "train", fold=0)
    rows = [*earlier, *new(6)]
    folds = assign(rows)
    assert folds.known == {one["path"]: 0 for one in earlier}
    assert Counter(folds.new.values()) == {1: 2, 2: 2, 3: 2}


def test_known_pictures_stay_in_their_folds_until_there_are_enough_test_pictures():
    earlier = known(150, "train", fold=0)
    # With 60 new ones the domain is large enough for a test split, which has nine pictures so far.
    rows = [*earlier, *new(60)]
    folds = assign(rows)
    assert len(folds.known) == 150
    assert not folds.new
    rows = [*known(150, "train", fold=0), *known(30, "test")]
    assert not assign(rows)
    assert not any("fold" in one for one in rows)

import hashlib
import itertools
from collections import Counter

import numpy as np
import pytest

from components.image_example_gen.split_coverage import EVAL, TEST, TRAIN
from components.image_example_gen.splits import (
    SplitInputs,
    assign_split,
    digest,
    final_splits,
    group_digest,
)


def test_a_content_always_has_the_same_split():
    # Pinned: another hash would move every picture of every workspace.
    splits = [assign_split(digest(key), 0.15, 0.2) for key in (b"a", b"b", b"c", b"d", b"e", b"f")]
    assert splits == ["train", "eval", "test", "test", "eval", "test"]


def test_the_shares_are_about_the_requested_ones():
    counts = Counter(assign_split(digest(b"%d" % number), 0.15, 0.2) for number in range(10_000))
    assert counts["eval"] == pytest.approx(1_500, abs=120)
    assert counts["test"] == pytest.approx(2_000, abs=120)
    assert counts.total() == 10_000


def test_another_eval_share_moves_no_picture_into_or_out_of_test():
    keys = [b"%d" % number for number in range(1_000)]
    before = [assign_split(digest(key), 0.1, 0.2) == "test" for key in keys]
    assert [assign_split(digest(key), 0.5, 0.2) == "test" for key in keys] == before


def group_of(path: str, content: bytes, group_by: str, **columns: str) -> bytes:
    return group_digest({"path": path, **columns}, digest(content), group_by)


def test_by_content_copies_stay_together_and_names_do_not_matter():
    assert group_of("day/cat/a.png", b"1", "content") == group_of("x/y/b.jpg", b"1", "content")
    assert group_of("day/cat/a.png", b"1", "content") != group_of("day/cat/a.png", b"2", "content")


def test_by_stem_files_of_one_name_stay_together_whatever_their_folder_and_content():
    group = group_of("photo/cat/1f600.png", b"1", "stem")
    assert group == group_of("sketch/cat/1f600.jpg", b"2", "stem")
    assert group != group_of("photo/cat/1f601.png", b"1", "stem")


def test_a_stem_that_is_not_utf_8_has_a_group():
    group = group_of("day/cat/caf\udce9.png", b"", "stem")
    assert group == hashlib.sha256(b"caf\xe9").digest()[:16]


@pytest.mark.parametrize(
    ("name", "other", "is_one"),
    [
        ("caf\u00e9", "cafe\u0301", True),
        ("7", "7.0", True),
        ("-12.0", "-12", True),
        ("patient 7", "patient 7.0", False),
        ("7.5", "7.50", False),
        ("7", "07", False),
        ("p1", "P1", False),
    ],
)
def test_spellings_of_one_name_are_one_group_by_manifest_and_by_stem(name, other, is_one):
    by_name = [group_of("a/1.png", b"", "content", group=text) for text in (name, other)]
    by_stem = [group_of(f"a/{text}.png", b"", "stem") for text in (name, other)]
    for one, two in (by_name, by_stem):
        assert (one == two) == is_one


def test_a_group_named_in_a_manifest_takes_precedence_over_content_and_stem():
    for group_by in ("content", "stem"):
        group = group_of("a/1.png", b"1", group_by, group="patient 7")
        assert group == group_of("b/2.png", b"2", group_by, group="patient 7")
        assert group != group_of("a/1.png", b"1", group_by, group="patient 8")


def test_the_digest_of_a_group_takes_precedence_over_content_and_stem_but_not_over_a_name():
    known = digest(b"patient 7")
    for group_by in ("content", "stem"):
        assert group_of("a/1.png", b"1", group_by, group_digest=known.hex()) == known
        named = group_of("a/1.png", b"1", group_by, group_digest=known.hex(), group="patient 8")
        assert named == digest(b"patient 8")


def pictures(
    split: list[int],
    content: list[int] | None = None,
    group: list[int] | None = None,
    label: list[int] | None = None,
    domain: list[int] | None = None,
    given: list[bool] | None = None,
    known: list[bool] | None = None,
    cross_fitted: list[bool] | None = None,
) -> SplitInputs:
    """Pictures that differ in everything that is not given."""
    count = len(split)

    def digests(numbers: list[int] | None) -> np.ndarray:
        return np.array([digest(b"%d" % n) for n in numbers or range(count)], "S16")

    return SplitInputs(
        content=digests(content),
        group=digests(group or content),
        label=np.array(label or [0] * count),
        domain=np.array(domain or [0] * count),
        split=np.array(split),
        given=np.array(given or [False] * count),
        known=np.array(known or [False] * count),
        cross_fitted=np.array(cross_fitted or [False] * count),
    )


ALL = [TRAIN, EVAL, TEST, TRAIN, EVAL, TEST]


def test_pictures_that_are_well_split_stay_where_they_are():
    assert final_splits(pictures(ALL)).tolist() == ALL


def test_copies_whose_groups_differ_leave_train_together():
    # The second and the last picture are one file, the groups put them into train and test.
    made = pictures([TRAIN, TRAIN, EVAL, TEST, TEST], content=[0, 1, 2, 3, 1], group=[*range(5)])
    assert final_splits(made).tolist() == [TRAIN, TEST, EVAL, TEST, TEST]


def test_a_chain_of_copies_and_groups_shares_one_split():
    made = pictures(
        [TRAIN, TRAIN, EVAL, TEST, TRAIN, TRAIN],
        content=[0, 1, 1, 3, 4, 9],
        group=[5, 5, 6, 7, 6, 9],
    )
    assert final_splits(made).tolist() == [EVAL, EVAL, EVAL, TEST, EVAL, TRAIN]


def test_a_split_that_the_manifest_names_applies_to_all_copies():
    made = pictures(
        [TRAIN, TEST, TEST, EVAL], content=[0, 0, 1, 2], given=[True, False, False, False]
    )
    assert final_splits(made).tolist() == [TRAIN, TRAIN, TEST, EVAL]


def test_copies_with_contradictory_splits_in_the_manifest_are_kept_from_training():
    made = pictures([TRAIN, TEST, EVAL, TRAIN], content=[0, 0, 1, 2], given=[True] * 4)
    assert final_splits(made).tolist() == [TEST, TEST, EVAL, TRAIN]


def test_known_pictures_keep_contradictory_splits_and_new_ones_of_their_group_leave_train():
    # The first two are known, of one group by a setting that the earlier run did not have.
    made = pictures(
        [TRAIN, TEST, TRAIN, EVAL],
        content=[0, 1, 2, 3],
        group=[0, 0, 0, 3],
        given=[True, True, False, False],
        known=[True, True, False, False],
    )
    assert final_splits(made).tolist() == [TRAIN, TEST, TEST, EVAL]


def test_a_known_split_applies_to_new_pictures_of_the_group_and_to_their_copies():
    made = pictures(
        [TRAIN, TEST, EVAL, *ALL],
        content=[0, 1, 1, *range(3, 9)],
        group=[0, 0, 2, *range(3, 9)],
        given=[True, *[False] * 8],
        known=[True, *[False] * 8],
    )
    assert final_splits(made).tolist() == [TRAIN, TRAIN, TRAIN, *ALL]


@pytest.mark.parametrize("split", [[TEST, TEST, EVAL], [EVAL, EVAL, TEST], [TEST, TEST, TEST]])
def test_a_class_of_three_is_in_train_and_moves_one_picture_for_it(split):
    label = [1, 1, 1, 0, 0, 0, 0, 0, 0]
    final = final_splits(pictures(split + ALL, label=label))
    assert (final[:3] == TRAIN).sum() == 1
    assert final[3:].tolist() == ALL


def test_a_class_of_two_stays_where_the_hash_puts_it():
    assert final_splits(pictures([TEST, TEST, *ALL], label=[1, 1, 0, 0, 0, 0, 0, 0])).tolist() == [
        *(TEST, TEST),
        *ALL,
    ]


def test_a_domain_of_three_is_in_every_split():
    final = final_splits(pictures([TRAIN, TRAIN, TRAIN, *ALL], domain=[1, 1, 1, 0, 0, 0, 0, 0, 0]))
    assert sorted(final[:3]) == [TRAIN, EVAL, TEST]
    assert final[3:].tolist() == ALL


def test_a_domain_never_takes_the_last_picture_of_a_class_from_train():
    # Every picture of the second domain is the only one of its class in train.
    final = final_splits(
        pictures([TRAIN, TRAIN, TRAIN, *ALL], label=[1, 2, 3, *[0] * 6], domain=[1, 1, 1, *[0] * 6])
    )
    assert final.tolist() == [TRAIN, TRAIN, TRAIN, *ALL]


@pytest.mark.parametrize("split", list(itertools.product(ALL[:3], repeat=3)))
def test_a_class_of_three_is_in_train_and_test_wherever_the_hashes_put_it(split):
    final = final_splits(pictures([*split, *ALL], label=[1] * 3 + [0] * 6))
    assert {TRAIN, TEST} <= set(final[:3])
    assert (final[:3] != split).sum() == len({TRAIN, TEST} - set(split))
    assert final[3:].tolist() == ALL


@pytest.mark.parametrize(("count", "splits"), [(5, {TRAIN, TEST}), (6, {TRAIN, EVAL, TEST})])
def test_a_class_of_six_is_in_eval_too_and_a_smaller_one_keeps_its_pictures_for_train(
    count, splits
):
    final = final_splits(pictures([TRAIN] * count + ALL, label=[1] * count + [0] * 6))
    assert set(final[:count]) == splits
    assert (final[:count] == TRAIN).sum() == count - len(splits) + 1


def random_pictures(num_classes: int, per_class: int, domains: int = 1) -> SplitInputs:
    """Pictures of classes of one size, each in the split of its hash (0.15 test, 0.15 eval)."""
    count = num_classes * per_class
    content = np.frombuffer(np.random.default_rng(17).bytes(16 * count), "S16")
    position = np.frombuffer(content.tobytes(), ">u8")[::2] / 2**64
    return SplitInputs(
        content=content,
        group=content,
        label=np.repeat(np.arange(num_classes), per_class),
        domain=np.arange(count) % domains,
        split=np.select([position < 0.15, position < 0.3], [TEST, EVAL], TRAIN),
        given=np.zeros(count, bool),
        known=np.zeros(count, bool),
        cross_fitted=np.zeros(count, bool),
    )


def in_split(made: SplitInputs, final: np.ndarray, split: int) -> np.ndarray:
    """Number of pictures that each class has in a split."""
    return np.bincount(made.label[final == split], minlength=made.label.max() + 1)


@pytest.mark.parametrize("per_class", [3, 4, 7])
def test_every_one_of_many_small_classes_is_tested_and_most_pictures_stay_in_train(per_class):
    made = random_pictures(300, per_class, domains=3)
    final = final_splits(made)
    assert (in_split(made, made.split, TEST) == 0).sum() > 50  # the hash alone
    assert in_split(made, final, TEST).min() >= 1
    assert in_split(made, final, TRAIN).min() >= 1
    assert in_split(made, final, EVAL).min() == (per_class == 7)
    assert (final == TRAIN).mean() > 0.5


def test_pictures_that_are_cross_fitted_are_moved_to_eval_but_not_to_test():
    final = final_splits(
        pictures(
            [TRAIN] * 8 + ALL,
            label=[1] * 8 + [0] * 6,
            domain=[1] * 8 + [0] * 6,
            cross_fitted=[True] * 8 + [False] * 6,
        )
    )
    assert sorted(final[:8]) == [TRAIN] * 7 + [EVAL]


def test_a_picture_that_is_cross_fitted_follows_its_group_to_test():
    made = pictures([TRAIN, TEST, *ALL], group=[0, 0, *range(2, 8)], content=[*range(8)])
    made.cross_fitted[0] = True
    assert final_splits(made)[:2].tolist() == [TEST, TEST]


def test_the_order_of_the_pictures_does_not_matter():
    made = random_pictures(100, 4, domains=2)
    order = np.random.default_rng(1).permutation(400)
    other = SplitInputs(**{name: values[order] for name, values in vars(made).items()})
    assert final_splits(other).tolist() == final_splits(made)[order].tolist()


@pytest.mark.parametrize("per_class", [3, 6, 12])
def test_a_new_picture_of_a_class_moves_at_most_two_old_ones(per_class):
    made = random_pictures(500, per_class + 1)
    old = np.arange(len(made.split)) % (per_class + 1) < per_class
    before = final_splits(SplitInputs(**{name: v[old] for name, v in vars(made).items()}))
    moved = before != final_splits(made)[old]
    assert np.bincount(made.label[old], weights=moved).max() <= 2
    assert moved.mean() < 0.12


def test_a_class_of_a_single_group_is_in_train_and_one_of_two_groups_also_in_test():
    made = pictures(
        [TEST, TEST, TEST, EVAL, EVAL, TRAIN, *ALL],
        group=[0, 0, 0, 3, 3, 5, *range(6, 12)],
        content=[*range(12)],
        label=[1, 1, 1, 2, 2, 2, *[0] * 6],
    )
    assert final_splits(made).tolist() == [TRAIN, TRAIN, TRAIN, TEST, TEST, TRAIN, *ALL]


def test_groups_of_several_classes_leave_no_class_without_train():
    # Each of the three groups has one picture of each of three classes.
    made = pictures([TRAIN] * 9 + ALL, group=[0, 1, 2] * 3 + [*range(3, 9)], content=[*range(15)])
    made.label[:9] = np.repeat([1, 2, 3], 3)
    final = final_splits(made)
    assert [sorted(final[start : start + 3]) for start in (0, 3, 6)] == [[TRAIN, TRAIN, TEST]] * 3


def test_a_class_gives_no_picture_to_test_where_another_class_would_lose_train():
    # The second class has one picture; it shares its group with each picture of the first one.
    made = pictures([TRAIN] * 4 + ALL, group=[0, 0, 0, 0, *range(4, 10)], content=[*range(10)])
    made.label[:4] = [1, 1, 1, 2]
    assert final_splits(made).tolist() == [TRAIN] * 4 + ALL


def test_a_domain_of_one_group_is_tested_rather_than_trained_on():
    made = pictures([TRAIN] * 3 + ALL, group=[0, 0, 0, *range(3, 9)], content=[*range(9)])
    made.domain[:3] = 1
    assert final_splits(made).tolist() == [TEST] * 3 + ALL


def test_known_pictures_stay_and_a_new_one_of_their_class_is_moved_to_test():
    made = pictures(
        [TRAIN] * 4 + ALL,
        label=[1] * 4 + [0] * 6,
        given=[True] * 3 + [False] * 7,
        known=[True] * 3 + [False] * 7,
    )
    assert final_splits(made).tolist() == [TRAIN, TRAIN, TRAIN, TEST, *ALL]


def test_pictures_with_a_split_in_the_manifest_are_not_moved_for_a_small_class():
    made = pictures([TEST] * 3 + ALL, label=[1] * 3 + [0] * 6, given=[True] * 3 + [False] * 6)
    assert final_splits(made).tolist() == [TEST] * 3 + ALL


def test_no_pictures_are_no_error():
    assert final_splits(pictures([])).tolist() == []

import hashlib
from collections import Counter

import numpy as np
import pytest

from components.image_example_gen.splits import (
    EVAL,
    TEST,
    TRAIN,
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


def test_a_group_named_in_a_manifest_takes_precedence_over_content_and_stem():
    for group_by in ("content", "stem"):
        group = group_of("a/1.png", b"1", group_by, group="patient 7")
        assert group == group_of("b/2.png", b"2", group_by, group="patient 7")
        assert group != group_of("a/1.png", b"1", group_by, group="patient 8")


def pictures(
    split: list[int],
    content: list[int] | None = None,
    group: list[int] | None = None,
    label: list[int] | None = None,
    domain: list[int] | None = None,
    given: list[bool] | None = None,
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


def test_pictures_with_a_split_in_the_manifest_are_not_moved_for_a_small_class():
    made = pictures([TEST] * 3 + ALL, label=[1] * 3 + [0] * 6, given=[True] * 3 + [False] * 6)
    assert final_splits(made).tolist() == [TEST] * 3 + ALL


def test_no_pictures_are_no_error():
    assert final_splits(pictures([])).tolist() == []

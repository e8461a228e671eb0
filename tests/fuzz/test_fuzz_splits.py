"""Random data sets: groups and copies stay together; classes and domains are in the splits."""

import random
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from components.image_example_gen.split_coverage import EVAL, TEST, TRAIN
from components.image_example_gen.splits import SplitInputs, assign_split, digest, final_splits
from trainer_module.contract.example_features import SPLITS


@st.composite
def data_sets(draw: st.DrawFn, known: bool = True) -> SplitInputs:
    """Draw pictures with few contents, groups, classes and domains, so that they share these."""
    count = draw(st.integers(1, 40))
    rng = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311 (faster than drawing arrays)

    def codes(most: int) -> list[int]:
        kinds = rng.randint(1, most)
        return [rng.randrange(kinds) for _ in range(count)]

    content = [digest(b"content %d" % code) for code in codes(2 * count)]
    group = (
        [digest(b"group %d" % code) for code in codes(2 * count)]
        if draw(st.booleans())
        else content
    )
    share = draw(st.sampled_from([0.0, 0.3]))
    is_cross_fitted = np.array([rng.random() < share for _ in range(count)])
    is_known = np.array([known and rng.random() < 0.1 for _ in range(count)])
    # The listing names the split of every picture that the serving version knows.
    given_ = np.array([rng.random() < share for _ in range(count)]) | is_known
    split = [assign_split(one, 0.15, 0.15) for one in group]
    named = [
        rng.choice(SPLITS) if is_given else one for one, is_given in zip(split, given_, strict=True)
    ]
    return SplitInputs(
        content=np.array(content, "S16"),
        group=np.array(group, "S16"),
        label=np.array(codes(4), np.int32),
        domain=np.array(codes(3), np.int32),
        split=np.array([SPLITS.index(one) for one in named], np.int8),
        given=given_,
        known=is_known,
        cross_fitted=is_cross_fitted,
    )


@given(data_sets())
def test_a_known_picture_is_never_moved_and_every_picture_has_a_split(
    pictures: SplitInputs,
) -> None:
    final = final_splits(pictures)
    assert len(final) == len(pictures.split)
    assert set(final) <= {TRAIN, EVAL, TEST}
    assert (final == pictures.split)[pictures.known].all()


@given(data_sets(known=False))
def test_copies_and_groups_share_a_split(pictures: SplitInputs) -> None:
    final = final_splits(pictures)
    for digests in (pictures.content, pictures.group):
        for one in set(digests):
            assert len(set(final[digests == one])) == 1


@given(data_sets(known=False))
def test_every_class_of_three_free_pictures_is_trained_and_tested(pictures: SplitInputs) -> None:
    count = len(pictures.split)
    names = np.array([digest(b"%d" % number) for number in range(count)], "S16")
    none = np.zeros(count, bool)
    free = replace(pictures, content=names, group=names, given=none, cross_fitted=none)
    final = final_splits(free)
    for label in set(free.label[np.bincount(free.label)[free.label] >= 3]):
        assert {TRAIN, TEST} <= set(final[free.label == label])


@given(data_sets(known=False))
def test_a_picture_that_is_cross_fitted_is_in_test_only_with_its_group(
    pictures: SplitInputs,
) -> None:
    count = len(pictures.split)
    names = np.array([digest(b"%d" % number) for number in range(count)], "S16")
    trained = np.where(pictures.cross_fitted & (pictures.split == TEST), TRAIN, pictures.split)
    alone = replace(pictures, content=names, group=names, split=trained)
    assert TEST not in final_splits(alone)[alone.cross_fitted]


@given(data_sets(), st.randoms(use_true_random=False))
def test_the_order_of_the_pictures_does_not_matter(
    pictures: SplitInputs, rng: random.Random
) -> None:
    order = list(range(len(pictures.split)))
    rng.shuffle(order)
    moved = SplitInputs(**{name: values[order] for name, values in vars(pictures).items()})
    assert np.array_equal(final_splits(moved), final_splits(pictures)[order])

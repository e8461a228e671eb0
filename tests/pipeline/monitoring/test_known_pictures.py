import numpy as np
import pytest

from pipeline.monitoring.known_pictures import FOLDS, LEVEL, KnownPictures, upper_bounds
from trainer_module.export.novelty import fit_novelty
from trainer_module.export.reference_embeddings import Reference


@pytest.mark.parametrize(("groups", "size"), [(20, 30), (60, 5), (6, 60)])
@pytest.mark.parametrize("shares", [(2, 18), (20, 180), (1, 1)])
def test_the_greatest_bound_is_above_the_greatest_share(groups, size, shares):
    rng = np.random.default_rng(1)
    sizes = np.full(groups, float(size))
    held = 0
    for _ in range(300):
        true = rng.beta(*shares, groups)
        held += upper_bounds(rng.binomial(size, true).astype(float), sizes).max() >= true.max()
    assert held >= 300 * max(1 - LEVEL, 0.7)


def test_a_group_of_few_pictures_gets_the_bound_of_the_others():
    chosen, sizes = np.array([2.0] * 19 + [0.0]), np.array([40.0] * 19 + [1.0])
    assert upper_bounds(chosen, sizes)[-1] < 0.3


def test_folds_alternate_within_every_group_and_groups_weigh_the_same():
    domains = np.array(["day", "fog"] * 10)
    labels = np.array(["cat"] * 16 + ["dog"] * 4)
    embeddings = np.random.default_rng(2).normal(0, 1, (20, 5))
    known = KnownPictures.of_reference(Reference(embeddings, np.ones(20), domains, labels))
    assert known is not None
    assert known.folds[:12].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 0, 0]
    sums = np.bincount(known.groups, known.weights)
    np.testing.assert_allclose(sums, 0.25)
    np.testing.assert_allclose(known.project(embeddings), known.points)


def test_reference_embeddings_without_classes_give_no_groups():
    assert KnownPictures.of_reference(Reference(np.eye(3), np.ones(3), np.ones(3))) is None


def test_pictures_far_from_all_training_pictures_have_a_great_last_coordinate():
    rng = np.random.default_rng(3)
    embeddings = rng.normal(0, 1, (60, 8)) + np.repeat(np.eye(8)[:2] * 9, 30, axis=0)
    names = np.array(["day"] * 60), np.array(["cat"] * 30 + ["dog"] * 30)
    novelty = fit_novelty(embeddings, *names, embeddings)
    known = KnownPictures.of_reference(Reference(embeddings, np.ones(60), *names), novelty)
    assert known is not None
    np.testing.assert_allclose(known.project(embeddings), known.points, atol=1e-5)
    assert known.project(-embeddings)[:, -1].min() > known.points[:, -1].max()


def test_another_group_weighs_as_much_as_every_known_one():
    domains, labels = np.array(["day", "fog"] * 10), np.array(["cat"] * 16 + ["dog"] * 4)
    embeddings = np.random.default_rng(2).normal(0, 1, (20, 5))
    known = KnownPictures.of_reference(Reference(embeddings, np.ones(20), domains, labels))
    assert known is not None
    more = known.with_group(known.points[:10] + 1)
    np.testing.assert_allclose(np.bincount(more.groups, more.weights), 1 / 5)
    assert set(more.folds[-10:]) == set(range(FOLDS))
    assert known.with_group(known.points[:0]) is known

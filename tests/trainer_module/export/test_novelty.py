import numpy as np
import pytest

from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.model_assets import NOVELTY
from trainer_module.export.novelty import fit_novelty, normalised, read_novelty

DIM = 32


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings of two classes in two domains, with their domains and classes."""
    rng = np.random.default_rng(seed)
    domains, labels = rng.choice(["day", "night"], count), rng.choice(["cat", "dog"], count)
    centres = 3 * np.eye(DIM)[(domains == "day") + 2 * (labels == "cat")]
    return centres + rng.normal(0, 0.3, (count, DIM)), domains, labels


def test_the_novelty_of_known_pictures_is_uniform():
    model = fit_novelty(*pictures(400, 1), pictures(1000, 2)[0])
    novelty = model.novelty(pictures(1000, 3)[0])
    np.testing.assert_allclose(np.quantile(novelty, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.05)


def test_pictures_unlike_all_known_ones_are_more_novel_than_any_of_these():
    model = fit_novelty(*pictures(400, 1), pictures(100, 2)[0])
    unlike = np.random.default_rng(4).normal(0, 1, (50, DIM))
    assert model.novelty(unlike).min() > 100 / 101


def test_a_domain_has_means_of_its_own():
    embeddings, domains, labels = pictures(400, 1)
    day = domains == "day"
    both = fit_novelty(embeddings, domains, labels, embeddings)
    one = fit_novelty(embeddings[day], domains[day], labels[day], embeddings[day])
    assert len(both.means) == 4
    assert np.median(both.novelty(embeddings[~day])) < 0.6
    assert np.median(one.novelty(embeddings[~day])) > 0.99


def test_a_class_with_few_pictures_in_a_domain_has_the_mean_of_all_domains():
    embeddings, domains, labels = pictures(100, 1)
    few = np.flatnonzero((domains == "night") & (labels == "cat"))[4:]
    kept = np.setdiff1d(np.arange(100), few)
    model = fit_novelty(embeddings[kept], domains[kept], labels[kept], embeddings)
    cats = normalised(embeddings[kept][labels[kept] == "cat"])
    assert any(np.allclose(mean, cats.mean(axis=0), atol=1e-6) for mean in model.means)
    assert len(model.means) == 4


@pytest.mark.parametrize("count", [1, 2, 10])
def test_few_eval_pictures_or_equal_ones_give_ascending_distances_and_levels(count):
    embeddings, domains, labels = pictures(40, 1)
    for evaluation in (embeddings[:count], np.tile(embeddings[:1], (count, 1))):
        model = fit_novelty(embeddings, domains, labels, evaluation)
        assert (np.diff(model.distances) > 0).all()
        assert (np.diff(model.levels) >= 0).all()
        assert (model.levels[0], model.levels[-1]) == (0, 1)


def test_what_is_written_is_read(tmp_path):
    model = fit_novelty(*pictures(40, 1), pictures(40, 2)[0])
    model.write(str(tmp_path))
    found = read_novelty(str(tmp_path))
    for name, values in vars(model).items():
        np.testing.assert_array_equal(getattr(found, name), values)


def test_a_model_without_novelty_has_none_and_a_damaged_file_is_an_error(tmp_path):
    assert read_novelty(str(tmp_path)) is None
    path = tmp_path / NOVELTY
    path.parent.mkdir()
    path.write_bytes(b"damaged")
    with pytest.raises(UnavailableError, match="means of the embeddings"):
        read_novelty(str(tmp_path))

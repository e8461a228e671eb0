import numpy as np
import pytest

from pipeline.monitoring.agreement import MIN_PICTURES, SecondClassifier
from pipeline.monitoring.known_pictures import KnownPictures
from trainer_module.export.reference_embeddings import Reference

LABELS = np.array(["cat", "dog", "owl"])


@pytest.fixture(name="known")
def _known() -> KnownPictures:
    """Three classes that are far from each other."""
    numbers = np.arange(90) % 3
    embeddings = np.eye(8)[numbers] * 9 + np.random.default_rng(1).normal(0, 1, (90, 8))
    reference = Reference(embeddings, np.ones(90), np.array(["day"] * 90), LABELS[numbers])
    known = KnownPictures.of_reference(reference)
    assert known is not None
    return known


def test_the_estimate_is_the_share_of_pictures_on_which_both_classifiers_agree(known):
    predicted = LABELS[np.arange(60) % 3]
    predicted[:15] = LABELS[(np.arange(15) + 1) % 3]
    points = known.project(np.eye(8)[np.arange(60) % 3])
    assert SecondClassifier(known).agreement(points, predicted) == 0.75


def test_nothing_is_estimated_of_a_few_pictures(known):
    few = known.points[: MIN_PICTURES - 1]
    assert SecondClassifier(known).agreement(few, known.labels[: len(few)]) is None

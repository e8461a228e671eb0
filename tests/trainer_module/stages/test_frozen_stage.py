import numpy as np
import pytest

from trainer_module.activations.extraction import extract_activations
from trainer_module.stages.frozen_stage import train_frozen

pytestmark = pytest.mark.component


def test_the_head_learns_and_the_backbone_does_not_change(task, splits, classifier):
    before = classifier.backbone.model.get_weights()
    train, evaluation = extract_activations(splits, classifier, None, task)
    stage = train_frozen(classifier, train, evaluation, task, start=0.0)
    assert stage.score.accuracy == 1.0
    assert stage.score.domain_accuracy == {"day": 1.0, "night": 1.0}
    for old, new in zip(before, classifier.backbone.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)

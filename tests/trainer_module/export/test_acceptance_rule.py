import numpy as np
import pytest
import tensorflow as tf

from trainer_module.export.acceptance_rule import AcceptanceRule
from trainer_module.export.novelty import fit_novelty

pytestmark = pytest.mark.component


@pytest.fixture(name="model", scope="module")
def _model():
    rng = np.random.default_rng(1)
    centres = rng.normal(0, 1, (3, 32))
    labels = np.arange(600) % 3
    known = centres[labels] + rng.normal(0, 0.3, (600, 32))
    return fit_novelty(
        known[:300], np.array(["day"] * 300), labels[:300].astype(str), known[300:]
    ), known[300:]


def test_the_graph_computes_the_novelty_of_the_fitted_model(model):
    novelty_model, known = model
    embeddings = np.concatenate([known[:50], -known[:50]]).astype(np.float32)
    probabilities = np.full((100, 3), 1 / 3, np.float32)
    rule = AcceptanceRule(novelty_model, 0.0, 0.9)
    outputs = rule.outputs(tf.constant(embeddings), tf.constant(probabilities))
    np.testing.assert_allclose(outputs["novelty"], novelty_model.novelty(embeddings), atol=1e-3)
    assert outputs["novelty"].dtype == tf.float32
    np.testing.assert_array_equal(outputs["accepted"], outputs["novelty"].numpy() <= 0.9)


def test_a_prediction_below_the_lowest_confidence_is_not_accepted(model):
    novelty_model, known = model
    probabilities = np.array([[0.8, 0.1, 0.1], [0.5, 0.25, 0.25]], np.float32)
    rule = AcceptanceRule(novelty_model, 0.7, 1.0)
    outputs = rule.outputs(tf.constant(known[:2], tf.float32), tf.constant(probabilities))
    assert outputs["accepted"].numpy().tolist() == [True, False]

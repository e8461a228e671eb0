"""Converted models say the same about their predictions as the SavedModel."""

import numpy as np
import pytest
import tensorflow as tf
import tiny_backbone
from tiny_exports import export_tiny
from tiny_pictures import solid

from trainer_module.export.acceptance_rule import read_rule
from trainer_module.export.conversion import convert
from trainer_module.export.saved_model import load_classifier
from trainer_module.export.saved_model_classifier import SavedModelClassifier

pytestmark = [pytest.mark.component, pytest.mark.slow]

#: Greatest difference of a novelty in nine of ten pictures, by format. The embeddings of this
#: backbone, whose weights are random, differ less than those of a real one: 8 bit are few for them,
#: and one picture of a colour may fall into another bin.
TOLERANCE = {"onnx": 1e-3, "tflite-float16": 0.03, "tflite-int8": 0.4}


@pytest.fixture(name="model", scope="module")
def _model(tmp_path_factory):
    with tiny_backbone.tiny_backbone():
        yield export_tiny(tmp_path_factory.mktemp("export") / "model", seed=5, with_rule=True)


@pytest.mark.parametrize("form", list(TOLERANCE))
def test_novelty_and_acceptance_are_those_of_the_saved_model(model, form):
    if form == "onnx":
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(3)
    colours = [tuple(map(int, rng.integers(0, 256, 3))) for _ in range(32)]
    served = SavedModelClassifier(model).predict([solid(colour) for colour in colours])
    pixels = np.stack([np.full((32, 32, 3), colour, np.float32) for colour in colours])
    rule = read_rule(str(model))
    _, run = convert(load_classifier(str(model)), 1.0, form, pixels, rule)
    outputs = run(pixels)
    assert list(outputs) == ["probabilities", "novelty", "accepted"]
    assert outputs["novelty"].dtype == np.float32
    assert outputs["accepted"].dtype == bool
    assert outputs["novelty"].shape == outputs["accepted"].shape == (32,)
    differences = abs(outputs["novelty"] - served.novelties)
    assert np.quantile(differences, 0.9) <= TOLERANCE[form]
    assert np.corrcoef(outputs["novelty"], served.novelties)[0, 1] > 0.85
    near_novelty = abs(served.novelties - rule.max_novelty) < TOLERANCE[form]
    near_confidence = abs(served.confidences - rule.min_confidence) < 0.01
    clear = ~near_novelty & ~near_confidence & (differences <= TOLERANCE[form])
    assert clear.sum() >= 8
    np.testing.assert_array_equal(outputs["accepted"][clear], served.accepted[clear])


@pytest.mark.parametrize("form", ["tflite-float16"])
def test_a_model_that_was_exported_without_a_rule_has_probabilities_alone(model, form):
    pixels = np.zeros((2, 32, 32, 3), np.float32)
    content, run = convert(load_classifier(str(model)), 1.0, form, pixels)
    assert list(run(pixels)) == ["probabilities"]
    assert len(tf.lite.Interpreter(model_content=content).get_output_details()) == 1

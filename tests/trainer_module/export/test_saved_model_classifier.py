"""A loaded SavedModel whose predictions can be worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tiny_exports import LABELS, export_tiny
from tiny_models import ColourModel, example, save_model
from tiny_pictures import solid

from trainer_module.contract.model_assets import DESCRIPTION
from trainer_module.export import saved_model_classifier
from trainer_module.export.acceptance_rule import read_rule
from trainer_module.export.model_description import read_description
from trainer_module.export.saved_model_classifier import (
    SavedModelClassifier,
    decode_text,
    pictures_per_batch,
)

pytestmark = pytest.mark.component

#: Shares of red, green and blue: (0.8, 0.2, 0), (0, 0.25, 0.75), (0, 1, 0).
COLOURS = ((200, 50, 0), (0, 50, 150), (0, 9, 0))
PROBABILITIES = [[0.8, 0.2, 0], [0, 0.25, 0.75], [0, 1, 0]]
IMAGES = [solid(colour) for colour in COLOURS]


@pytest.fixture(name="classifier", scope="module")
def _classifier(tmp_path_factory: pytest.TempPathFactory) -> SavedModelClassifier:
    folder = tmp_path_factory.mktemp("model")
    return SavedModelClassifier(save_model(folder / "model", ColourModel()))


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_predictions_have_the_order_of_the_pictures_in_any_number_of_batches(
    classifier, monkeypatch, batch_size
):
    monkeypatch.setattr(saved_model_classifier, "BATCH_SIZE", batch_size)
    predictions = classifier.predict(IMAGES)
    assert predictions.labels == ["red", "blue", "green"]
    np.testing.assert_allclose(predictions.confidences, [0.8, 0.75, 1])
    np.testing.assert_allclose(predictions.probabilities, PROBABILITIES)


@pytest.mark.parametrize(
    ("image_size", "pictures"), [(1, 64), (256, 64), (257, 63), (512, 16), (2048, 1), (4096, 1)]
)
def test_a_batch_is_bounded_in_pixels(image_size, pictures):
    assert pictures_per_batch(image_size) == pictures


def test_pictures_for_a_large_input_are_sent_through_the_model_a_few_at_a_time(
    classifier, tmp_path, monkeypatch
):
    exported = SavedModelClassifier(export_tiny(tmp_path / "exported", seed=3))
    pixels = read_description(str(tmp_path / "exported"))["image_size"] ** 2
    monkeypatch.setattr(saved_model_classifier, "BATCH_PIXELS", 2 * pixels)
    sizes = []
    call = exported.call
    monkeypatch.setattr(
        exported, "call", lambda name, values: sizes.append(len(values)) or call(name, values)
    )
    assert len(exported.predict(IMAGES).labels) == 3
    assert len(exported.embed(IMAGES)) == 3
    assert sizes == [2, 1, 2, 1]
    # The input of a model of another program is not known.
    assert classifier.batch_size == 64


def test_examples_get_the_predictions_of_their_pictures(classifier):
    examples = [example("day", "red", colour) for colour in COLOURS]
    of_examples, of_images = classifier.predict_examples(examples), classifier.predict(IMAGES)
    assert of_examples.labels == of_images.labels
    np.testing.assert_array_equal(of_examples.probabilities, of_images.probabilities)


@pytest.mark.parametrize("batch_size", [2, 64])
def test_embeddings_have_the_order_of_the_pictures(classifier, monkeypatch, batch_size):
    monkeypatch.setattr(saved_model_classifier, "BATCH_SIZE", batch_size)
    np.testing.assert_array_equal(classifier.embed(IMAGES), COLOURS)


def test_predictions_and_embeddings_can_be_had_together(classifier, tmp_path):
    exported = SavedModelClassifier(export_tiny(tmp_path / "exported", seed=3, temperature=1.7))
    for one in (classifier, exported):
        expected = one.predict(IMAGES)
        predictions, embeddings = one.predict_and_embed(IMAGES)
        assert predictions.labels == expected.labels
        np.testing.assert_allclose(
            predictions.probabilities, expected.probabilities, atol=1e-6, rtol=1e-5
        )
        np.testing.assert_allclose(predictions.confidences, expected.confidences, rtol=1e-5)
        np.testing.assert_array_equal(embeddings, one.embed(IMAGES))
        assert one.predict_and_embed([])[0].labels == []


def test_an_exported_model_is_called_once_for_predictions_and_embeddings(tmp_path, monkeypatch):
    exported = SavedModelClassifier(export_tiny(tmp_path / "exported", seed=3))
    monkeypatch.setattr(exported, "predict", None)
    assert len(exported.predict_and_embed(IMAGES)[0].labels) == len(IMAGES)


def test_without_pictures_there_are_empty_predictions_and_embeddings(classifier):
    predictions = classifier.predict([])
    assert predictions.labels == []
    assert len(predictions.confidences) == len(predictions.probabilities) == 0
    assert len(classifier.embed([])) == 0


def test_every_signature_is_known_by_its_only_input(classifier):
    assert classifier.inputs == {
        "serving_default": "image",
        "serving_examples": "examples",
        "embed": "image",
        "label_id": "examples",
    }


def test_a_call_returns_the_outputs_of_any_signature(classifier):
    outputs = classifier.call("label_id", [example("day", "blue", COLOURS[0])])
    assert {name: values.tolist() for name, values in outputs.items()} == {"label_id": [2]}


def test_a_signature_with_several_inputs_is_an_error(tmp_path):
    spec = tf.TensorSpec([None], tf.string)
    module = tf.Module()
    module.join = tf.function(lambda a, b: {"joined": a + b}, input_signature=[spec, spec])
    tf.saved_model.save(module, str(tmp_path), signatures={"join": module.join})
    with pytest.raises(ValueError, match="signature join has 2 inputs"):
        SavedModelClassifier(tmp_path).inputs  # noqa: B018


def test_the_labels_are_those_of_the_description(tmp_path):
    assert SavedModelClassifier(Path(export_tiny(tmp_path / "model", 1))).labels == list(LABELS)


def test_a_model_without_a_description_has_no_labels(tmp_path):
    folder = save_model(tmp_path / "model", ColourModel())
    (folder / DESCRIPTION).unlink()
    with pytest.raises(OSError, match="No such file"):
        SavedModelClassifier(folder).labels  # noqa: B018


def test_text_that_is_not_utf_8_keeps_its_bytes():
    text = decode_text(b"caf\xe9")
    assert text.encode("utf-8", "surrogateescape") == b"caf\xe9"


def test_a_model_with_a_rule_says_what_it_thinks_of_its_predictions(tmp_path):
    images = [solid(colour) for colour in COLOURS]
    folder = export_tiny(tmp_path / "model", 1, with_rule=True)
    checked = SavedModelClassifier(folder).predict(images)
    assert checked.novelties.dtype == np.float32
    assert checked.accepted.dtype == bool
    assert checked.novelties.shape == checked.accepted.shape == (len(images),)
    outputs = SavedModelClassifier(folder).call("serving_default", images)
    assert set(outputs) == {"label", "confidence", "probabilities", "novelty", "accepted"}
    assert read_rule(str(folder)).max_novelty == 0.9


def test_a_model_without_a_rule_says_nothing_about_its_predictions(tmp_path):
    folder = export_tiny(tmp_path / "model", 1)
    predictions = SavedModelClassifier(folder).predict([solid(COLOURS[0])])
    assert predictions.novelties is None
    assert predictions.accepted is None
    assert read_rule(str(folder)) is None

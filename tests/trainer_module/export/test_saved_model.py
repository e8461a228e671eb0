import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tiny_backbone
from scipy.special import softmax

from trainer_module.classifier import build_classifier
from trainer_module.contract.model_assets import DESCRIPTION
from trainer_module.export.model_description import read_description
from trainer_module.export.saved_model import export_classifier, load_classifier
from trainer_module.training_options import BackboneOptions

pytestmark = pytest.mark.component

SIZE = 32
LABELS = ("chat", "häß \u2603", "<b>")
TEMPERATURE = 40.0


@pytest.fixture(name="exported", scope="module")
def _exported(registered, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("model"))
    made = build_classifier(BackboneOptions(**tiny_backbone.OPTIONS), SIZE, LABELS)
    kernel, bias = made.head.get_weights()
    made.head.set_weights([np.random.default_rng(1).normal(0, 9, kernel.shape), bias])
    export_classifier(made, {"chosen": "frozen"}, folder, TEMPERATURE)
    return made, folder


def logits_of(made, *images: bytes) -> np.ndarray:
    pixels = tf.stack([tf.io.decode_png(image) for image in images])
    return made.head(made.backbone.model(tf.cast(pixels, tf.float32), training=False)).numpy()


def png(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3))
    return tf.io.encode_png(tf.constant(pixels, tf.uint8)).numpy()


def example(image: bytes, label: str) -> bytes:
    made = tf.train.Example()
    made.features.feature["image"].bytes_list.value.append(image)
    made.features.feature["label"].bytes_list.value.append(label.encode())
    return made.SerializeToString()


def test_the_export_divides_logits_by_the_temperature_and_predicts_the_same_label(exported):
    made, folder = exported
    images = [png(seed) for seed in range(4)]
    predictions = tf.saved_model.load(folder).signatures["serving_default"](
        image=tf.constant(images)
    )
    logits = logits_of(made, *images)
    expected = softmax(logits / TEMPERATURE, axis=1)
    np.testing.assert_allclose(predictions["probabilities"], expected, atol=1e-5)
    np.testing.assert_allclose(predictions["confidence"], expected.max(axis=1), atol=1e-5)
    # The temperature changes the probabilities, but not the label.
    assert np.abs(expected - softmax(logits, axis=1)).max() > 0.01
    labels = [label.decode() for label in predictions["label"].numpy()]
    assert labels == [LABELS[best] for best in logits.argmax(axis=1)]


def test_label_ids_are_indices_of_labels_and_minus_one_for_an_unknown_class(exported):
    signature = tf.saved_model.load(exported[1]).signatures["label_id"]
    examples = [example(png(1), label) for label in ("<b>", "chat", "unheard of")]
    assert list(signature(examples=tf.constant(examples))["label_id"].numpy()) == [2, 0, -1]


def test_examples_and_pictures_give_the_same_prediction(exported):
    signatures = tf.saved_model.load(exported[1]).signatures
    images = [png(1), png(2)]
    plain = signatures["serving_default"](image=tf.constant(images))
    records = tf.constant([example(image, "chat") for image in images])
    from_examples = signatures["serving_examples"](examples=records)
    np.testing.assert_allclose(plain["probabilities"], from_examples["probabilities"], atol=1e-6)
    embeddings = signatures["embed"](image=tf.constant(images))["embedding"]
    assert embeddings.shape == (2, tiny_backbone.DIM)


def test_an_export_is_enough_to_continue_training(exported):
    made, folder = exported
    again = load_classifier(folder)
    assert again.labels == LABELS
    description = read_description(folder)
    assert description["training"] == {"chosen": "frozen"}
    assert description["temperature"] == TEMPERATURE
    for old, new in zip(made.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_model_from_before_calibration_has_the_temperature_one(tmp_path):
    path = Path(tmp_path, DESCRIPTION)
    path.parent.mkdir()
    path.write_text(json.dumps({"labels": ["chat"]}))
    assert read_description(str(tmp_path)) == {"labels": ["chat"], "temperature": 1.0}

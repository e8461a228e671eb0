import numpy as np
import pytest
import tensorflow as tf

from trainer_module.classifier import build_classifier
from trainer_module.export import export_classifier, load_classifier, read_description
from trainer_module.options import BackboneOptions

SIZE = 32
LABELS = ("chat", "häß \u2603", "<b>")


@pytest.fixture(name="exported", scope="module")
def _exported(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("model"))
    made = build_classifier(BackboneOptions(), SIZE, LABELS)
    kernel, bias = made.head.get_weights()
    made.head.set_weights([np.random.default_rng(1).normal(0, 9, kernel.shape), bias])
    export_classifier(made, {"chosen": "frozen"}, folder)
    return made, folder


def png(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3))
    return tf.io.encode_png(tf.constant(pixels, tf.uint8)).numpy()


def example(image: bytes, label: str) -> bytes:
    made = tf.train.Example()
    made.features.feature["image"].bytes_list.value.append(image)
    made.features.feature["label"].bytes_list.value.append(label.encode())
    return made.SerializeToString()


def test_the_export_answers_as_the_classifier_does(exported):
    made, folder = exported
    answer = tf.saved_model.load(folder).signatures["serving_default"](image=tf.constant([png(1)]))
    pixels = tf.cast(tf.io.decode_png(png(1))[tf.newaxis], tf.float32)
    logits = made.head(made.backbone.model(pixels, training=False))
    expected = tf.nn.softmax(logits).numpy()
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
    best = expected[0].argmax()
    assert answer["label"].numpy()[0].decode() == LABELS[best]
    assert answer["confidence"].numpy()[0] == pytest.approx(expected[0, best], abs=1e-5)


def test_label_ids_are_positions_and_minus_one_for_the_unknown(exported):
    signature = tf.saved_model.load(exported[1]).signatures["label_id"]
    examples = [example(png(1), label) for label in ("<b>", "chat", "unheard of")]
    assert list(signature(examples=tf.constant(examples))["label_id"].numpy()) == [2, 0, -1]


def test_examples_and_pictures_give_the_same_answer(exported):
    signatures = tf.saved_model.load(exported[1]).signatures
    images = [png(1), png(2)]
    plain = signatures["serving_default"](image=tf.constant(images))
    records = tf.constant([example(image, "chat") for image in images])
    from_examples = signatures["serving_examples"](examples=records)
    np.testing.assert_allclose(plain["probabilities"], from_examples["probabilities"], atol=1e-6)
    assert signatures["embed"](image=tf.constant(images))["embedding"].shape == (2, 1280)


def test_a_version_is_enough_to_go_on_from(exported):
    made, folder = exported
    again = load_classifier(folder)
    assert again.labels == LABELS
    assert read_description(folder)["training"] == {"chosen": "frozen"}
    for old, new in zip(made.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)

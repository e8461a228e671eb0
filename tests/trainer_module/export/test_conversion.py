"""Conversion of classifiers on backbones of every family of keras-hub, against their SavedModel."""

import shutil
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tiny_pictures import encode

from trainer_module.classifier import Classifier, build_classifier
from trainer_module.export.conversion import convert
from trainer_module.export.export_formats import Format
from trainer_module.export.saved_model import export_classifier, load_classifier
from trainer_module.export.saved_model_classifier import SavedModelClassifier
from trainer_module.training_options import BackboneOptions

pytest.importorskip("keras_hub", reason="the extra `hub` is not installed")

from tiny_presets import FAMILIES, SIZE, save_preset

pytestmark = [pytest.mark.component, pytest.mark.slow]

LABELS = ("a", "b", "c")
TEMPERATURE = 1.5


class Exported(NamedTuple):
    """A classifier that was loaded from an export, whose preset is gone.

    Attributes:
        classifier: The classifier.
        pixels: Pictures, RGB 0..255, float32 [rows, size, size, 3].
        probabilities: Probabilities that the SavedModel predicts for them.
    """

    classifier: Classifier
    pixels: np.ndarray
    probabilities: np.ndarray


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """Colours with noise."""
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 64, (12, SIZE, SIZE, 3))
    return (noise + rng.integers(0, 190, (12, 1, 1, 3))).astype(np.uint8)


@pytest.fixture(params=FAMILIES, scope="module")
def exported(
    request: pytest.FixtureRequest, pixels: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> Exported:
    folder: Path = tmp_path_factory.mktemp(request.param)
    keras.utils.set_random_seed(3)
    save_preset(request.param, folder / "preset")
    options = BackboneOptions(name=f"hub:{folder / 'preset'}")
    made = build_classifier(options, SIZE, LABELS)
    set_head(made, pixels)
    export_classifier(made, {}, str(folder / "model"), TEMPERATURE)
    shutil.rmtree(folder / "preset")
    saved_model = SavedModelClassifier(folder / "model")
    predictions = saved_model.predict([encode(Image.fromarray(one)) for one in pixels])
    floats = pixels.astype(np.float32)
    return Exported(load_classifier(str(folder / "model")), floats, predictions.probabilities)


def set_head(classifier: Classifier, pixels: np.ndarray) -> None:
    """Set weights under which the logits of pictures differ, however small the embeddings are."""
    embeddings = np.asarray(classifier.backbone.model(pixels.astype(np.float32)))
    directions = np.random.default_rng(1).normal(size=(embeddings.shape[1], len(LABELS)))
    centred = embeddings - embeddings.mean(axis=0)
    kernel = directions / (centred @ directions).std()
    classifier.head.set_weights([kernel, -embeddings.mean(axis=0) @ kernel])


def test_the_export_is_loaded_without_the_preset_and_predicts_the_same(exported: Exported) -> None:
    classifier, pixels, expected = exported
    assert expected.std(axis=0).max() > 0.1
    logits = classifier.head(classifier.backbone.model(pixels))
    np.testing.assert_allclose(tf.nn.softmax(logits / TEMPERATURE), expected, atol=1e-4)


def test_onnx_predicts_what_the_saved_model_predicts(exported: Exported) -> None:
    pytest.importorskip("tf2onnx")
    pytest.importorskip("onnxruntime")
    check_format("onnx", 1e-4, exported)


# Of other families it has been seen once: they have the same operations.
@pytest.mark.parametrize("exported", ["dinov3", "mobilenet", "vit"], indirect=True)
def test_tflite_predicts_what_the_saved_model_predicts(exported: Exported) -> None:
    check_format("tflite-float16", 5e-3, exported)


def check_format(form: Format, tolerance: float, exported: Exported) -> None:
    classifier, pixels, expected = exported
    _, predict = convert(classifier, TEMPERATURE, form, pixels)
    for rows in (slice(None), slice(1)):  # any batch size
        found = predict(pixels[rows])["probabilities"]
        np.testing.assert_allclose(found, expected[rows], atol=tolerance)

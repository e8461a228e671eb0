"""Size of weights, against the files and the models that have them."""

from pathlib import Path

import keras
import pytest

from pipeline.running.needs.model_size import weights_size
from trainer_module.training_options import BackboneOptions

pytestmark = pytest.mark.component


def test_weights_with_a_name_have_four_bytes_each():
    assert weights_size(BackboneOptions(name="MobileNetV3Small")) == 4 * 939_120


def test_weights_in_a_file_have_its_size(tmp_path: Path):
    image = keras.Input((32, 32, 3))
    model = keras.Model(image, keras.layers.Conv2D(500, 9)(image))
    model.save(tmp_path / "own.keras")
    found = weights_size(BackboneOptions(name=f"keras:{tmp_path / 'own.keras'}"))
    assert found == pytest.approx(4 * model.count_params(), rel=0.05)
    model.save_weights(tmp_path / "own.weights.h5")
    options = BackboneOptions(name="ResNet50", weights=str(tmp_path / "own.weights.h5"))
    assert weights_size(options) == (tmp_path / "own.weights.h5").stat().st_size

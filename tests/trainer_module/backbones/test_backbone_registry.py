import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trainer_module.backbones import (
    backbone_names,
    build_backbone,
    default_image_size,
    min_image_size,
    num_parameters,
)
from trainer_module.backbones.backbone_registry import KERAS_APPLICATIONS, PARAMETERS

pytestmark = pytest.mark.component

_REPOSITORY = Path(__file__).parents[3]


def test_names_and_sizes_are_known_without_importing_keras_or_tensorflow() -> None:
    code = (
        "import sys; from trainer_module.backbones import default_image_size;"
        "print(default_image_size('ResNet50'), {'keras', 'tensorflow', 'numpy'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=_REPOSITORY, capture_output=True, text=True, check=True
    )
    assert run.stdout == "224 set()\n"


def test_names_begin_with_the_packaged_family() -> None:
    assert backbone_names()[:3] == (
        "efficientnet_lite0",
        "efficientnet_lite1",
        "efficientnet_lite2",
    )
    assert len(set(backbone_names())) == len(backbone_names())


def test_an_unknown_name_is_refused_with_the_allowed_ones() -> None:
    with pytest.raises(
        ValueError,
        match=r"must be hub:PRESET, keras:FILE or one of .*Xception. Received: 'resnet50'$",
    ):
        default_image_size("resnet50")


def test_table_holds_the_models_that_keras_offers() -> None:
    import keras

    models = {name for name in dir(keras.applications) if name[0].isupper()}
    assert set(KERAS_APPLICATIONS) == models


def test_every_backbone_has_a_number_of_parameters() -> None:
    assert tuple(PARAMETERS) == backbone_names()


@pytest.mark.parametrize("name", ["efficientnet_lite0", "MobileNetV2", "EfficientNetB0"])
def test_the_number_of_parameters_is_that_of_the_model(name: str) -> None:
    model = build_backbone(name, weights=None, image_size=32).model
    assert num_parameters(name) == model.count_params()


@pytest.mark.parametrize(
    "name", [name for name, model in KERAS_APPLICATIONS.items() if model.module != "mobilenet_v3"]
)
def test_table_holds_the_module_and_the_sizes_of_keras(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras
    from keras.src.applications import imagenet_utils

    class SizeKnownError(Exception):
        pass

    # Each model passes its sizes to this function before it builds anything, and building all
    # of them takes minutes. Stopping there leaves the sizes to be read.
    def stop(*_: Any, default_size: int, min_size: int, **__: Any) -> None:
        raise SizeKnownError(f"{default_size} {min_size}")

    module = KERAS_APPLICATIONS[name].module
    monkeypatch.setattr(imagenet_utils, "obtain_input_shape", stop)
    with pytest.raises(
        SizeKnownError, match=f"^{default_image_size(name)} {min_image_size(name)}$"
    ):
        getattr(getattr(keras.applications, module), name)(weights=None)


def test_mobilenet_v3_has_the_size_of_its_weights() -> None:
    from keras.src.applications import mobilenet_v3

    assert all("_224_" in weights for weights in mobilenet_v3.WEIGHTS_HASHES)
    assert default_image_size("MobileNetV3Small") == default_image_size("MobileNetV3Large") == 224

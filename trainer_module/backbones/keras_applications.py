"""Builds backbones of keras.applications that scale their input and have stable layer names."""

import math
from collections import defaultdict
from typing import Any

import keras

from trainer_module.backbones.backbone_registry import KERAS_APPLICATIONS
from trainer_module.backbones.input_scaling import SCALINGS, scale_input
from trainer_module.compat.keras_internals import normalization_weights
from trainer_module.contract.errors import InputError

#: Mode of `preprocess_input` (keras.applications.imagenet_utils) of each module. Models of other
#: modules scale their input themselves.
_SCALING_MODES = {
    "densenet": "torch",
    "inception_resnet_v2": "tf",
    "inception_v3": "tf",
    "mobilenet": "tf",
    "mobilenet_v2": "tf",
    "nasnet": "tf",
    "resnet": "caffe",
    "resnet_v2": "tf",
    "vgg16": "caffe",
    "vgg19": "caffe",
    "xception": "tf",
}
_RGB_STD = (0.229, 0.224, 0.225)


@keras.saving.register_keras_serializable(package="carryover")
class InputNormalization(keras.layers.Normalization):
    """Normalization of the channels of an image by the current weights of the layer.

    Keras's layer computes with a copy of its weights, which `model.set_weights` does not update.
    """

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Normalize float images of shape `[batch, height, width, channels]`."""
        mean, variance = normalization_weights(self)
        mean = keras.ops.cast(mean, self.compute_dtype)
        variance = keras.ops.cast(variance, self.compute_dtype)
        return (inputs - mean) / keras.ops.maximum(keras.ops.sqrt(variance), keras.config.epsilon())


def build_keras_application(name: str, image_size: int, imagenet: bool) -> keras.Model:
    """Build a model of keras.applications that takes unscaled images.

    Keras numbers many layers by a counter of the process. Here they have the names that they get in
    a new process, so that weights and block names mean the same in every run.

    Args:
        name: Name of a model in keras.applications, for example `ResNet50`.
        image_size: Height and width of the images in pixels.
        imagenet: Whether to load the ImageNet weights, which Keras downloads if they are not in its
            cache. Otherwise the weights are random.

    Returns:
        A functional model from float32 RGB images in 0..255, shape
        `[batch, image_size, image_size, 3]`, to embeddings, shape `[batch, channels]`.

    Raises:
        InputError: The image size is too small for the model.
        ConnectionError: The download failed.
    """
    module = KERAS_APPLICATIONS[name].module
    images = keras.Input((image_size, image_size, 3), name="image", dtype="float32")
    scaling = SCALINGS[_SCALING_MODES.get(module, "none")]
    source = _application(name, scale_input(images, scaling), imagenet)
    names = _stable_names(source)
    copy = keras.models.clone_model(
        source,
        clone_function=lambda operation: _clone(operation, names),
        # Keras divides only if it loads the ImageNet weights. Here the model always divides, so
        # that a weights file means the same with and without them.
        call_function=_divide_by_std if module == "efficientnet" and not imagenet else None,
    )
    model = keras.Model(copy.inputs[0], copy.outputs[0], name=name)
    if imagenet:
        model.set_weights(source.get_weights())
    return model


def _application(name: str, images: keras.KerasTensor, imagenet: bool) -> keras.Model:
    build = getattr(keras.applications, name)
    try:
        return build(
            include_top=False,
            weights="imagenet" if imagenet else None,
            input_tensor=images,
            input_shape=tuple(images.shape[1:]),
            pooling="avg",
        )
    except ValueError as error:
        raise InputError(f"{name} cannot be built at {images.shape[1]} pixels: {error}") from error
    except Exception as error:
        # Keras reports a failed download as a plain Exception or as an OSError.
        if not isinstance(error, OSError) and type(error) is not Exception:
            raise
        reason = " ".join(str(error).split())
        raise ConnectionError(
            f"the ImageNet weights of {name} could not be downloaded: pass the path of a weights "
            f"file, or choose efficientnet_lite0, whose weights are installed. Received: {reason}"
        ) from error


def _stable_names(model: keras.Model) -> dict[str, str]:
    """Map the names that Keras numbered to the names that it gives in a new process."""
    numbered = defaultdict(list)
    for operation in model.operations:
        prefix, number = _prefix_and_number(operation.name)
        if prefix.replace("_", "") == type(operation).__name__.lower():
            numbered[prefix].append((number, operation.name))
    return {
        old: f"{prefix}_{index}" if index else prefix
        for prefix, entries in numbered.items()
        for index, (_, old) in enumerate(sorted(entries))
    }


def _prefix_and_number(name: str) -> tuple[str, int]:
    """Split `conv2d_12` into `conv2d` and 12; the first layer of a type has no number."""
    prefix, _, number = name.rpartition("_")
    return (prefix, int(number)) if prefix and number.isdecimal() else (name, 0)


def _clone(operation: Any, names: dict[str, str]) -> Any:
    """Copy a layer or a raw operation, without its weights, under its name in `names`."""
    kind = type(operation)
    if kind is keras.layers.Normalization and operation.weights:
        kind = InputNormalization
    name = names.get(operation.name, operation.name)
    return kind.from_config({**operation.get_config(), "name": name})


def _divide_by_std(layer: keras.Layer, *args: Any, **kwargs: Any) -> keras.KerasTensor:
    """Call a layer of EfficientNet, and divide after the normalization of its input."""
    outputs = layer(*args, **kwargs)
    if isinstance(layer, keras.layers.Normalization):
        scale = [1 / math.sqrt(std) for std in _RGB_STD]
        return keras.layers.Rescaling(scale, name="rescaling_1")(outputs)
    return outputs

"""How a backbone scales its input; importable without TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import keras

_RGB_MEAN = (0.485, 0.456, 0.406)
_RGB_STD = (0.229, 0.224, 0.225)
_CAFFE_BGR_MEAN = (103.939, 116.779, 123.68)


class Scaling(NamedTuple):
    """Scaling of RGB pixels in 0..255: `pixels * scale + offset`.

    Attributes:
        scale: Factor of all channels, or a list with that of each.
        offset: Summand of all channels, or a list with that of each.
        is_bgr: Whether the order of the channels is reversed first.
    """

    scale: float | list[float] = 1.0
    offset: float | list[float] = 0.0
    is_bgr: bool = False

    @classmethod
    def from_json(cls, values: list[Any]) -> Scaling:
        """Return the scaling that a list of its attributes describes, as JSON keeps it."""
        return cls(*values)


#: Scalings by name. `tf`, `torch` and `caffe` are modes of
#: `keras.applications.imagenet_utils.preprocess_input`; `unit` gives 0..1.
SCALINGS = {
    "none": Scaling(),
    "unit": Scaling(1 / 255),
    "tf": Scaling(1 / 127.5, -1.0),
    "torch": Scaling(
        [1 / (255 * std) for std in _RGB_STD],
        [-mean / std for mean, std in zip(_RGB_MEAN, _RGB_STD, strict=True)],
    ),
    "caffe": Scaling(1.0, [-mean for mean in _CAFFE_BGR_MEAN], is_bgr=True),
}


def scale_input(images: keras.KerasTensor, scaling: Scaling) -> keras.KerasTensor:
    """Return scaled images; the images themselves where nothing is to be scaled.

    Args:
        images: RGB images in 0..255, float32 [batch, size, size, 3].
        scaling: Scaling, which becomes a layer named `scaling`.
    """
    import keras  # here, so that a config is checked without TensorFlow

    if scaling == SCALINGS["none"]:
        return images
    ordered = keras.ops.flip(images, axis=-1) if scaling.is_bgr else images
    return keras.layers.Rescaling(scaling.scale, offset=scaling.offset, name="scaling")(ordered)

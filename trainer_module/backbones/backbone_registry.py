"""Names and default image sizes of the backbones; importable without TensorFlow."""

from typing import NamedTuple

from trainer_module.backbones.saved_network import AUTO, is_saved_network, read_saved_network
from trainer_module.contract.errors import InputError

#: Smallest image size of most backbones, in pixels: they halve a picture five times.
MIN_IMAGE_SIZE = 32


class KerasApplication(NamedTuple):
    """A model of keras.applications.

    Attributes:
        module: Name of its module in keras.applications.
        image_size: Height and width in pixels of the images that it was trained on.
        min_image_size: Smallest height and width that its layers can process.
    """

    module: str
    image_size: int
    min_image_size: int = MIN_IMAGE_SIZE


# Image sizes of the released checkpoints:
# https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
EFFICIENTNET_LITE = {
    "efficientnet_lite0": 224,
    "efficientnet_lite1": 240,
    "efficientnet_lite2": 260,
}

# A literal table, so that a config is checked and --help printed without importing Keras.
KERAS_APPLICATIONS = {
    "ConvNeXtBase": KerasApplication("convnext", 224),
    "ConvNeXtLarge": KerasApplication("convnext", 224),
    "ConvNeXtSmall": KerasApplication("convnext", 224),
    "ConvNeXtTiny": KerasApplication("convnext", 224),
    "ConvNeXtXLarge": KerasApplication("convnext", 224),
    "DenseNet121": KerasApplication("densenet", 224),
    "DenseNet169": KerasApplication("densenet", 224),
    "DenseNet201": KerasApplication("densenet", 224),
    "EfficientNetB0": KerasApplication("efficientnet", 224),
    "EfficientNetB1": KerasApplication("efficientnet", 240),
    "EfficientNetB2": KerasApplication("efficientnet", 260),
    "EfficientNetB3": KerasApplication("efficientnet", 300),
    "EfficientNetB4": KerasApplication("efficientnet", 380),
    "EfficientNetB5": KerasApplication("efficientnet", 456),
    "EfficientNetB6": KerasApplication("efficientnet", 528),
    "EfficientNetB7": KerasApplication("efficientnet", 600),
    "EfficientNetV2B0": KerasApplication("efficientnet_v2", 224),
    "EfficientNetV2B1": KerasApplication("efficientnet_v2", 240),
    "EfficientNetV2B2": KerasApplication("efficientnet_v2", 260),
    "EfficientNetV2B3": KerasApplication("efficientnet_v2", 300),
    "EfficientNetV2L": KerasApplication("efficientnet_v2", 480),
    "EfficientNetV2M": KerasApplication("efficientnet_v2", 480),
    "EfficientNetV2S": KerasApplication("efficientnet_v2", 384),
    "InceptionResNetV2": KerasApplication("inception_resnet_v2", 299, 75),
    "InceptionV3": KerasApplication("inception_v3", 299, 75),
    "MobileNet": KerasApplication("mobilenet", 224),
    "MobileNetV2": KerasApplication("mobilenet_v2", 224),
    "MobileNetV3Large": KerasApplication("mobilenet_v3", 224),
    "MobileNetV3Small": KerasApplication("mobilenet_v3", 224),
    "NASNetLarge": KerasApplication("nasnet", 331),
    "NASNetMobile": KerasApplication("nasnet", 224),
    "ResNet101": KerasApplication("resnet", 224),
    "ResNet101V2": KerasApplication("resnet_v2", 224),
    "ResNet152": KerasApplication("resnet", 224),
    "ResNet152V2": KerasApplication("resnet_v2", 224),
    "ResNet50": KerasApplication("resnet", 224),
    "ResNet50V2": KerasApplication("resnet_v2", 224),
    "VGG16": KerasApplication("vgg16", 224),
    "VGG19": KerasApplication("vgg19", 224),
    "Xception": KerasApplication("xception", 299, 71),
}

#: Numbers of weights of a backbone without a head, those of its batch normalisation included.
PARAMETERS = {
    "efficientnet_lite0": 3_413_024,
    "efficientnet_lite1": 4_189_344,
    "efficientnet_lite2": 4_869_168,
    "ConvNeXtBase": 87_566_464,
    "ConvNeXtLarge": 196_230_336,
    "ConvNeXtSmall": 49_454_688,
    "ConvNeXtTiny": 27_820_128,
    "ConvNeXtXLarge": 348_147_968,
    "DenseNet121": 7_037_504,
    "DenseNet169": 12_642_880,
    "DenseNet201": 18_321_984,
    "EfficientNetB0": 4_049_571,
    "EfficientNetB1": 6_575_239,
    "EfficientNetB2": 7_768_569,
    "EfficientNetB3": 10_783_535,
    "EfficientNetB4": 17_673_823,
    "EfficientNetB5": 28_513_527,
    "EfficientNetB6": 40_960_143,
    "EfficientNetB7": 64_097_687,
    "EfficientNetV2B0": 5_919_312,
    "EfficientNetV2B1": 6_931_124,
    "EfficientNetV2B2": 8_769_374,
    "EfficientNetV2B3": 12_930_622,
    "EfficientNetV2L": 117_746_848,
    "EfficientNetV2M": 53_150_388,
    "EfficientNetV2S": 20_331_360,
    "InceptionResNetV2": 54_336_736,
    "InceptionV3": 21_802_784,
    "MobileNet": 3_228_864,
    "MobileNetV2": 2_257_984,
    "MobileNetV3Large": 2_996_352,
    "MobileNetV3Small": 939_120,
    "NASNetLarge": 84_916_818,
    "NASNetMobile": 4_269_716,
    "ResNet101": 42_658_176,
    "ResNet101V2": 42_626_560,
    "ResNet152": 58_370_944,
    "ResNet152V2": 58_331_648,
    "ResNet50": 23_587_712,
    "ResNet50V2": 23_564_800,
    "VGG16": 14_714_688,
    "VGG19": 20_024_384,
    "Xception": 20_861_480,
}


def backbone_names() -> tuple[str, ...]:
    """Return the names that `build_backbone` accepts, besides those of networks in files.

    Example:
        >>> from trainer_module.backbones import backbone_names
        >>> backbone_names()[:3]
        ('efficientnet_lite0', 'efficientnet_lite1', 'efficientnet_lite2')
    """
    return (*EFFICIENTNET_LITE, *KERAS_APPLICATIONS)


def is_backbone_name(name: str) -> bool:
    """Return whether `build_backbone` accepts a name, if its files exist."""
    is_file = is_saved_network(name) and bool(name.partition(":")[2].strip())
    return is_file or name in backbone_names()


def default_image_size(name: str, scaling: str = AUTO, download: bool = False) -> int:
    """Return the height and width in pixels of the images that a backbone was trained on.

    Args:
        name: One of `backbone_names()`, or the name of a network in files.
        scaling: Scaling of the input of a network in files.
        download: Whether a preset that is not in the local cache may be downloaded.

    Raises:
        InputError: No backbone has this name, or its files do not tell the size.
    """
    if is_saved_network(name):
        size = read_saved_network(name, scaling, download).image_size
        if size is None:
            raise InputError(f"the files of {name} do not tell its image size. Set image_size")
        return size
    if name in EFFICIENTNET_LITE:
        return EFFICIENTNET_LITE[name]
    if name in KERAS_APPLICATIONS:
        return KERAS_APPLICATIONS[name].image_size
    allowed = ", ".join(backbone_names())
    raise InputError(
        f"backbone must be hub:PRESET, keras:FILE or one of {allowed}. Received: {name!r}"
    )


def min_image_size(name: str) -> int:
    """Return the smallest height and width in pixels that a backbone can process.

    Args:
        name: One of `backbone_names()`.
    """
    application = KERAS_APPLICATIONS.get(name)
    return application.min_image_size if application else MIN_IMAGE_SIZE


def num_parameters(name: str) -> int:
    """Return the number of weights of a backbone without a head.

    Args:
        name: One of `backbone_names()`.
    """
    return PARAMETERS[name]

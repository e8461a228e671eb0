"""Every kind of file that people have: read as it looks, or refused for the right reason."""

import io

import numpy as np
import pytest
from odd_pictures import BAD, GOOD, TURNS, Kind, scene
from PIL import Image, ImageChops, ImageOps
from tiny_pictures import encode

from components.image_example_gen.picture_reader import (
    UnusablePictureError,
    read_picture,
    servable_picture,
)
from trainer_module.data.preprocessing import decode_and_resize

pytestmark = pytest.mark.component

IMAGE_SIZE = 64
SCENE = scene("cross", (235, 230, 222), (20, 60, 160), np.random.default_rng(3))

#: Of 255 levels. TensorFlow's JPEG decoder takes a faster cosine transform than Pillow's: over 144
#: scenes the two differed by up to 1.4 on average and 7 in the worst pixel.
DECODERS_MEAN, DECODERS_MAX = 2.0, 10
#: What JPEG and WebP lose of coloured edges: up to 2.3 on average. The mildest wrong reading: 8.6.
LOSSY_MEAN = 4.0

kinds = pytest.mark.parametrize(
    "kind", [pytest.param(kind, id=name) for name, kind in GOOD.items()]
)


def in_training(encoded: bytes) -> np.ndarray:
    """Pixels that are trained on and served; int [IMAGE_SIZE, IMAGE_SIZE, 3]."""
    return decode_and_resize(encoded, IMAGE_SIZE).numpy().astype(int)


def resized(image: Image.Image) -> np.ndarray:
    """The same of a picture that is decoded already."""
    return in_training(encode(image))


def read_by_pillow(content: bytes) -> Image.Image:
    """Upright, on white, 8 bit RGB; without a line of what is tested."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    if image.mode.startswith("I") or image.mode == "F":
        return _grey_8_bit(image)
    layer = image.convert("RGBA")
    ground = Image.new("RGB", layer.size, "white")
    ground.paste(layer, mask=layer)
    return ground


def _grey_8_bit(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image) / (1 if image.mode == "F" else 257)
    transparent = np.asarray(image) == image.info.get("transparency", -1)
    grey = np.where(transparent, 255, pixels.round()).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def same_reading(pixels: np.ndarray, others: np.ndarray) -> bool:
    """Whether two decoders read the same picture."""
    difference = np.abs(pixels - others)
    return bool(difference.mean() <= DECODERS_MEAN and difference.max() <= DECODERS_MAX)


def same_picture(pixels: np.ndarray, others: np.ndarray) -> bool:
    """Whether one is the other but for what lossy formats lose."""
    return bool(np.abs(pixels - others).mean() <= LOSSY_MEAN)


@kinds
def test_tensorflow_sees_in_training_what_pillow_sees_in_the_file(kind: Kind):
    content = kind.encode(SCENE)
    seen = in_training(read_picture(content).encoded)
    assert same_reading(seen, resized(read_by_pillow(content)))


@kinds
def test_tensorflow_sees_in_training_what_was_drawn(kind: Kind):
    seen = in_training(read_picture(kind.encode(SCENE)).encoded)
    assert same_picture(seen, resized(kind.shown(SCENE)))


def _wrong_readings() -> dict[str, Image.Image]:
    turned = {f"turned {number}": SCENE.transpose(turn) for number, turn in TURNS.items()}
    return turned | {
        "inverted": ImageChops.invert(SCENE),
        "alpha ignored": _without_alpha("alpha.png"),
        "cut out ignored": _without_alpha("palette cut out.png"),
        "channels swapped": Image.fromarray(np.asarray(SCENE)[..., ::-1].copy()),
        "grey": SCENE.convert("L").convert("RGB"),
        "YCC taken for RGB": Image.merge("RGB", SCENE.convert("YCbCr").split()),
    }


def _without_alpha(name: str) -> Image.Image:
    return Image.open(io.BytesIO(GOOD[name].encode(SCENE))).convert("RGB")


@pytest.mark.parametrize(
    "wrong", [pytest.param(image, id=name) for name, image in _wrong_readings().items()]
)
def test_a_wrong_reading_is_outside_of_both_bounds(wrong):
    right, seen = resized(SCENE), resized(wrong)
    assert not same_reading(seen, right)
    assert not same_picture(seen, right)


@kinds
def test_a_stored_picture_is_read_again_to_the_same_pixels(kind: Kind):
    kept = read_picture(kind.encode(SCENE)).encoded
    again = read_picture(kept).encoded
    np.testing.assert_array_equal(in_training(again), in_training(kept))


@pytest.mark.parametrize("name", BAD)
def test_an_unusable_file_is_refused_for_the_right_reason(name):
    with pytest.raises(UnusablePictureError) as error:
        read_picture(BAD[name].content)
    assert str(error.value).split(":")[0] == BAD[name].reason


@pytest.mark.parametrize("number", [np.float32, np.int32])
def test_grey_levels_on_an_unusual_scale_are_refused_or_scaled_but_never_black(number):
    # Scientific cameras: floats from 0 to 1, and 8 bit levels in 32 bit.
    levels = np.asarray(SCENE.convert("L"))
    stored = levels / np.float32(255) if number is np.float32 else levels.astype(number)
    try:
        picture = read_picture(encode(Image.fromarray(stored), "TIFF"))
    except UnusablePictureError:
        return
    assert same_picture(in_training(picture.encoded), resized(SCENE.convert("L").convert("RGB")))


@kinds
def test_the_serving_model_gets_the_same_bytes_as_training(kind: Kind):
    content = kind.encode(SCENE)
    trained = read_picture(content)
    assert servable_picture(content) == (trained.encoded, trained.width * trained.height)


@kinds
def test_a_rewritten_picture_has_the_same_pixels_as_in_training(kind: Kind):
    content = kind.encode(SCENE)
    rewritten, _ = servable_picture(content, rewrite=True)
    assert same_reading(in_training(rewritten), in_training(read_picture(content).encoded))


@pytest.mark.parametrize("name", BAD)
def test_rewriting_an_unusable_file_gives_the_same_kind_of_reason(name: str):
    with pytest.raises(UnusablePictureError) as refused:
        servable_picture(BAD[name].content, rewrite=True)
    assert str(refused.value).startswith(BAD[name].reason)

import numpy as np
import pytest
from PIL import Image

from components.image_example_gen import picture_statistics

SIZE = (64, 64)


def measured(image: Image.Image) -> dict[str, float]:
    """Statistics of one picture, in a batch with another one."""
    batch = np.stack([np.asarray(image), np.zeros((*SIZE, 3), np.uint8)])
    return {
        name: float(values[0])
        for name, values in picture_statistics.measure_pictures(batch).items()
    }


def hash_of(image: Image.Image) -> int:
    return int.from_bytes(
        picture_statistics.perceptual_hashes(np.asarray(image)[np.newaxis])[0], "big"
    )


def solid(colour: str) -> dict[str, float]:
    return measured(Image.new("RGB", SIZE, colour))


def halves(left: str, right: str) -> Image.Image:
    image = Image.new("RGB", SIZE, left)
    image.paste(right, (32, 0, 64, 64))
    return image


@pytest.mark.parametrize(("colour", "brightness"), [("black", 0.0), ("white", 1.0), ("#333", 0.2)])
def test_a_flat_grey_picture_has_brightness_and_nothing_else(colour, brightness):
    expected = {"brightness": brightness, "contrast": 0, "sharpness": 0, "colourfulness": 0}
    assert solid(colour) == pytest.approx(expected, abs=1e-4)


def test_brightness_weighs_the_channels_as_luma():
    values = [solid(colour)["brightness"] for colour in ("red", "lime", "blue")]
    assert values == pytest.approx([0.299, 0.587, 0.114], abs=1e-4)


def test_a_white_picture_is_inside_of_the_schemas_limits():
    assert solid("white")["brightness"] <= 1.0


def test_half_black_and_half_white_has_the_greatest_contrast():
    values = measured(halves("black", "white"))
    assert values["contrast"] == pytest.approx(0.5)
    assert values["brightness"] == pytest.approx(0.5)
    # Two columns of 62 see the edge, as +255 and -255.
    assert values["sharpness"] == pytest.approx(255**2 * 2 / 62 / 1000, rel=1e-4)


def test_a_sharp_edge_is_sharper_than_a_soft_one():
    sharp = halves("black", "white")
    soft = sharp.resize((8, 8), Image.Resampling.BILINEAR).resize(SIZE, Image.Resampling.BILINEAR)
    assert measured(soft)["sharpness"] < measured(sharp)["sharpness"] / 10


def test_colourfulness_of_one_colour_is_its_distance_from_grey():
    # Red: red - green = 255, (red + green) / 2 - blue = 127.5, no spread (Hasler, Suesstrunk).
    assert solid("red")["colourfulness"] == pytest.approx(
        0.3 * (255**2 + 127.5**2) ** 0.5, rel=1e-4
    )


def test_many_colours_are_more_colourful_than_one():
    assert measured(halves("red", "blue"))["colourfulness"] > solid("red")["colourfulness"]


def test_pictures_that_look_alike_have_hashes_few_bits_apart_and_others_have_not():
    rng = np.random.default_rng(3)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8))
    image = coarse.resize(SIZE, Image.Resampling.BICUBIC)
    brighter = image.point(lambda value: min(255, value + 12))
    other = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert (hash_of(image) ^ hash_of(brighter)).bit_count() <= 24
    assert (hash_of(image) ^ hash_of(other)).bit_count() >= 64

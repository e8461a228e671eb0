"""Size of resized pictures, against what Transform writes."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from pipeline.running.needs.listed_pictures import ListedPictures
from pipeline.running.needs.stored_size import USUAL_JPEG, stored_size
from trainer_module.contract.listing_row import ListingRow
from trainer_module.data.picture_encoding import encode_pixels
from trainer_module.data.preprocessing import decode_and_resize

pytestmark = pytest.mark.component


def listed(*names: str) -> ListedPictures:
    rows = [ListingRow(path=name, domain="day", label="cat") for name in names]
    return ListedPictures(len(rows), 0, 0, 0, rows)


def write_clouds(path: Path, seed: int) -> None:
    """Write a picture with few and with many details."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8)).resize((300, 200))
    noise = random.normal(0, 6, (200, 300, 3))
    Image.fromarray((np.asarray(coarse) + noise).clip(0, 255).astype(np.uint8)).save(path)


def test_a_raw_picture_has_three_bytes_per_pixel(tmp_path):
    assert stored_size(listed(), "raw", 224, str(tmp_path), 10**6) == 3 * 224 * 224


def test_the_size_of_a_jpeg_is_that_of_a_sample(tmp_path):
    names = [f"{seed}.png" for seed in range(4)] + ["5.jpg"]
    for seed, name in enumerate(names):
        write_clouds(tmp_path / name, seed)
    written = [
        len(
            encode_pixels(
                decode_and_resize(tf.io.read_file(str(tmp_path / name)), 96), "jpeg"
            ).numpy()
        )
        for name in names
    ]
    estimate = stored_size(listed(*names), "jpeg", 96, str(tmp_path), 10**6)
    assert estimate == pytest.approx(sum(written) / len(written), rel=0.05)


def test_files_that_are_no_pictures_are_left_out(tmp_path):
    write_clouds(tmp_path / "a.png", 0)
    (tmp_path / "b.png").write_bytes(b"no picture")
    alone = stored_size(listed("a.png"), "jpeg", 64, str(tmp_path), 10**6)
    rest = listed("a.png", "b.png", "missing.png")
    assert stored_size(rest, "jpeg", 64, str(tmp_path), 10**6) == alone
    assert stored_size(listed("b.png"), "jpeg", 64, str(tmp_path), 10**6) == USUAL_JPEG * 64**2

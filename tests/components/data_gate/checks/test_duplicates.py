import csv
import io
from collections.abc import Callable
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image
from repository import ROOT
from tiny_catalog import LOOK_BITS, random_look, row, with_flipped, write_chunks

from components.data_gate.checks.duplicates import (
    Duplicates,
    Picture,
    find_duplicates,
    write_pairs,
)
from components.data_gate.checks.hamming_search import MAX_SHARE, MIN_SET_SHARE, hamming_search

pytestmark = pytest.mark.component

PICTURES = ROOT / "data" / "pictures"


@pytest.fixture(name="find")
def _find(tmp_path: Path) -> Callable[..., Duplicates]:
    return lambda *chunks: find_duplicates(write_chunks(tmp_path, *chunks))


def hash_of(picture: Image.Image) -> np.ndarray:
    luma = picture.resize((64, 64), Image.Resampling.BOX).convert("L")
    return imagehash.phash(luma, hash_size=16).hash.ravel()


def compressed(picture: Image.Image) -> Image.Image:
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=60)
    return Image.open(content)


def test_bundled_drawings_look_like_themselves_compressed_and_like_no_other():
    paths = [sorted(folder.glob("*.png"))[0] for folder in sorted((PICTURES / "noto").iterdir())]
    drawings = [Image.open(path).convert("RGBA") for path in paths]
    whites = [Image.new("RGBA", drawing.size, "white") for drawing in drawings]
    pictures = [
        Image.alpha_composite(white, drawing).convert("RGB")
        for white, drawing in zip(whites, drawings, strict=True)
    ]
    hashes = [hash_of(picture) for picture in (*pictures, *map(compressed, pictures))]
    first, second, _ = hamming_search(np.packbits(hashes, axis=1), int(256 * MAX_SHARE), 1_000)
    count = len(pictures)
    assert count > 5
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == [
        (number, number + count) for number in range(count)
    ]


@pytest.mark.parametrize(
    "varying",
    [
        np.zeros((64, 64)),
        np.full((64, 64), 255),
        np.tile(np.arange(64) * 4, (64, 1)),
        np.tile(np.arange(64)[::-1] * 3, (64, 1)).T,
        np.repeat(np.random.default_rng(0).integers(0, 256, (64, 1)), 64, axis=1),
    ],
    ids=["black", "white", "left to right", "bottom to top", "stripes"],
)
def test_the_hash_of_a_picture_without_a_shape_has_hardly_any_bit_set(varying):
    # What the search relies on to leave such pictures out.
    assert hash_of(Image.fromarray(varying.astype(np.uint8))).sum() < 256 * MIN_SET_SHARE / 2


def test_a_shapeless_picture_that_is_there_twice_is_a_copy(find):
    blank = np.zeros(LOOK_BITS, int)
    found = find([row(b"day/cat/a.png", 1, blank), row(b"day/cat/b.png", 1, blank)])
    assert found.copies == 1


def test_a_picture_under_three_labels_is_one_conflict_of_two_pairs(find):
    look = random_look(0)
    ids = (b"day/cat/a.png", b"day/dog/b.png", b"day/cow/c.png")
    found = find([row(image_id, 1, look) for image_id in ids])
    assert found.conflicts == 1
    assert [pair.kind for pair in found.pairs] == ["label_conflict", "label_conflict"]


def test_a_copy_of_a_lookalike_is_reached_through_its_first(find):
    look = random_look(0)
    near = with_flipped(look, 2)
    found = find(
        [
            row(b"day/cat/a.png", 1, look),
            row(b"day/cat/b.png", 2, near),
            row(b"day/cat/c.png", 2, near),
        ]
    )
    assert [(pair.first.image_id, pair.second.image_id, pair.bits) for pair in found.pairs] == [
        (b"day/cat/b.png", b"day/cat/c.png", 0),
        (b"day/cat/a.png", b"day/cat/b.png", 2),
    ]


def test_many_pictures_of_one_hash_make_one_pair_less_than_there_are_pictures(find):
    look = random_look(0)
    found = find([row(b"day/cat/%d.png" % number, number, look) for number in range(3_000)])
    assert (found.total, found.copies, found.truncated) == (2_999, 0, False)


def test_the_pairs_are_written_with_everything_that_is_known(find, tmp_path):
    look = random_look(0)
    found = find(
        [
            row(b"day/cat/caf\xe9.png", 1, look),
            row(b"night/dog/b, c.png", 2, with_flipped(look, 2), "test"),
        ]
    )
    path = tmp_path / "pairs.csv"
    write_pairs(found, str(path))
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {
            "first": "day/cat/caf\udce9.png",
            "second": "night/dog/b, c.png",
            "kind": "lookalike",
            "bits": "2",
            "first_domain": "day",
            "first_label": "cat",
            "first_split": "train",
            "second_domain": "night",
            "second_label": "dog",
            "second_split": "test",
        }
    ]
    assert found.pairs[0].first == Picture(b"day/cat/caf\xe9.png", "day", "cat", "train")

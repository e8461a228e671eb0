import csv
import io

import imagehash
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from repository import ROOT

from components.data_gate.checks import duplicates
from components.data_gate.checks.duplicates import (
    MAX_SHARE,
    MIN_SET_SHARE,
    Picture,
    duplicate_findings,
    find_duplicates,
    lookalikes,
    write_pairs,
)
from components.image_example_gen.catalog import SCHEMA, write_catalog

PICTURES = ROOT / "data" / "pictures"

LOOK = SCHEMA.field("look").type
LOOK_BITS = LOOK.bit_width
MAX_BITS = int(LOOK_BITS * MAX_SHARE)


def random_look(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, LOOK_BITS)


def with_flipped(look: np.ndarray, bits: int) -> np.ndarray:
    return np.r_[1 - look[:bits], look[bits:]]


def row(image_id: bytes, content: int, look: np.ndarray, split: str = "train") -> dict:
    """Domain and label are taken from the id."""
    domain, label, _ = image_id.decode("utf-8", "replace").split("/")
    packed = pa.array([np.packbits(look).tobytes()], pa.binary(LOOK_BITS // 8))
    return {
        "image_id": image_id,
        "domain": domain,
        "label": label,
        "split": split,
        "content": content.to_bytes(16, "big"),
        "look": packed.view(LOOK)[0].as_py(),
    }


@pytest.fixture
def find(tmp_path):
    def write_and_find(*chunks: list[dict]) -> duplicates.Duplicates:
        for number, rows in enumerate(chunks):
            write_catalog(str(tmp_path), f"{number:05d}", rows)
        return find_duplicates(str(tmp_path))

    return write_and_find


def said(found: duplicates.Duplicates) -> dict[str, tuple[str, str]]:
    return {one.kind: (one.severity, one.text) for one in duplicate_findings(found)}


def near_duplicates(width: int, count: int) -> np.ndarray:
    """Random hashes, and each again with 0 to 40 bits flipped; all different."""
    random = np.random.default_rng(0)
    bits = random.integers(0, 2, (count, width * 8), np.uint8)
    flipped = bits.copy()
    for number, changed in enumerate(flipped):
        changed[random.choice(width * 8, number % 41, replace=False)] ^= 1
    return np.unique(
        np.packbits(np.concatenate([bits, flipped]), axis=-1).reshape(-1, width), axis=0
    )


def pairs_by_brute_force(looks: np.ndarray, max_bits: int) -> set[tuple[int, int]]:
    bits = np.unpackbits(looks, axis=1).astype(np.float32)
    equal = bits @ bits.T + (1 - bits) @ (1 - bits).T
    first, second = np.nonzero(np.triu(equal >= looks.shape[1] * 8 - max_bits, 1))
    return set(zip(first.tolist(), second.tolist(), strict=True))


@pytest.mark.parametrize(("width", "max_bits"), [(32, 24), (32, 25), (8, 6), (8, 7)])
def test_the_search_finds_exactly_what_comparing_all_with_all_finds(width, max_bits):
    looks = near_duplicates(width, 600)
    first, second, more = lookalikes(looks, max_bits)
    expected = pairs_by_brute_force(looks, max_bits)
    assert set(zip(first.tolist(), second.tolist(), strict=True)) == expected
    assert len(first) == len(expected)
    assert len(expected) > 50
    assert not more


def test_the_search_takes_blocks_of_any_size(monkeypatch):
    looks = near_duplicates(8, 300)
    monkeypatch.setattr(duplicates, "BLOCK", 7)
    first, second, _ = lookalikes(looks, 6)
    assert set(zip(first.tolist(), second.tolist(), strict=True)) == pairs_by_brute_force(looks, 6)


def test_where_too_many_hashes_share_a_band_the_search_is_cut_and_says_so(monkeypatch):
    looks = near_duplicates(8, 300)
    monkeypatch.setattr(duplicates, "MAX_COMPARISONS", 0)
    first, _, more = lookalikes(looks, 6)
    assert not len(first)
    assert more


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
    first, second, _ = lookalikes(np.packbits(hashes, axis=1), int(256 * MAX_SHARE))
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


def test_pictures_without_a_shape_are_no_lookalikes(find):
    blank = np.r_[1, np.zeros(LOOK_BITS - 1, int)]
    found = find(
        [
            row(b"day/cat/a.png", 1, blank),
            row(b"day/dog/b.png", 2, blank, "test"),
            row(b"night/dog/c.png", 3, with_flipped(blank, 2)),
        ]
    )
    assert found.pairs == []
    assert duplicate_findings(found) == []


def test_a_shapeless_picture_that_is_there_twice_is_a_copy(find):
    blank = np.zeros(LOOK_BITS, int)
    found = find([row(b"day/cat/a.png", 1, blank), row(b"day/cat/b.png", 1, blank)])
    assert found.copies == 1


def test_copies_are_counted_across_the_parts_of_a_catalog(find):
    look = random_look(0)
    found = find(
        [row(b"day/cat/a.png", 1, look), row(b"day/cat/b.png", 2, random_look(1))],
        [],
        [row(b"day/cat/c.png", 1, look), row(b"day/cat/d.png", 1, look)],
    )
    assert (found.copies, found.conflicts, found.total) == (2, 0, 2)
    assert [(pair.first.image_id, pair.second.image_id, pair.kind) for pair in found.pairs] == [
        (b"day/cat/a.png", b"day/cat/c.png", "copy"),
        (b"day/cat/a.png", b"day/cat/d.png", "copy"),
    ]
    severity, text = said(found)["copies"]
    assert severity == "information"
    assert text.startswith("Found 2 files with the content of another file;")


def test_the_same_picture_under_two_labels_is_a_conflict(find):
    look = random_look(0)
    found = find([row(b"day/cat/a.png", 1, look), row(b"day/dog/b.png", 1, look)])
    assert (found.copies, found.conflicts) == (1, 1)
    severity, text = said(found)["label_conflict"]
    assert severity == "warning"
    assert text.startswith("Found 1 picture under more than one label;")
    assert text.endswith("the same picture is 'cat' and 'dog': 'day/cat/a.png', 'day/dog/b.png'.")


def test_a_picture_under_three_labels_is_one_conflict_of_two_pairs(find):
    look = random_look(0)
    ids = (b"day/cat/a.png", b"day/dog/b.png", b"day/cow/c.png")
    found = find([row(image_id, 1, look) for image_id in ids])
    assert found.conflicts == 1
    assert [pair.kind for pair in found.pairs] == ["label_conflict", "label_conflict"]


def test_the_same_picture_in_two_domains_under_one_label_is_information_only(find):
    look = random_look(0)
    found = find([row(b"day/cat/a.png", 1, look), row(b"night/cat/a.png", 1, look)])
    assert {kind: severity for kind, (severity, _) in said(found).items()} == {
        "copies": "information",
        "lookalike_domains": "information",
    }


def test_lookalikes_differ_in_so_many_bits_and_no_more(find):
    look, other = random_look(0), random_look(1)
    found = find(
        [
            row(b"day/cat/a.png", 1, look),
            row(b"day/cat/b.png", 2, with_flipped(look, MAX_BITS)),
            row(b"day/cat/c.png", 3, other),
            row(b"day/cat/d.png", 4, with_flipped(other, MAX_BITS + 1)),
        ]
    )
    (pair,) = found.pairs
    assert (pair.first.image_id, pair.second.image_id) == (b"day/cat/a.png", b"day/cat/b.png")
    assert (pair.kind, pair.bits) == ("lookalike", MAX_BITS)
    assert duplicate_findings(found) == []  # in one split and one domain they do no harm


def test_lookalikes_in_two_splits_are_a_warning(find):
    look = random_look(0)
    found = find(
        [
            row(b"day/cat/a.png", 1, look),
            row(b"day/cat/b.png", 2, with_flipped(look, 2), "test"),
        ]
    )
    (finding,) = duplicate_findings(found)
    assert (finding.kind, finding.severity) == ("lookalike_splits", "warning")
    assert finding.text.startswith("Found 1 pair of pictures that look alike but are in different")
    assert finding.text.endswith("'day/cat/a.png' (train) and 'day/cat/b.png' (test).")


def test_lookalikes_in_two_domains_are_information(find):
    look = random_look(0)
    found = find(
        [row(b"day/cat/a.png", 1, look), row(b"night/cat/b.png", 2, with_flipped(look, 2))]
    )
    (finding,) = duplicate_findings(found)
    assert (finding.kind, finding.severity) == ("lookalike_domains", "information")
    assert finding.text.endswith("'day/cat/a.png' (day) and 'night/cat/b.png' (night).")


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
    assert (found.total, found.copies, found.more) == (2_999, 0, False)


def test_findings_name_three_pairs_and_count_all(find):
    look = random_look(0)
    splits = ("train", *["test"] * 5)
    ids = [b"day/cat/%d.png" % number for number in range(6)]
    rows = zip(ids, range(6), splits, strict=True)
    found = find([row(image_id, content, look, split) for image_id, content, split in rows])
    _, text = said(found)["lookalike_splits"]
    assert text.startswith("Found 5 pairs ")
    assert text.count("(test)") == 3


def test_where_not_all_pairs_are_listed_the_most_serious_are(find, monkeypatch):
    monkeypatch.setattr(duplicates, "MAX_PAIRS", 2)
    look = random_look(0)
    found = find(
        [
            row(b"day/cat/a.png", 1, look),
            row(b"day/cat/b.png", 1, look),
            row(b"night/cat/c.png", 1, look),
            row(b"day/cat/d.png", 1, look, "test"),
            row(b"day/dog/e.png", 1, look),
        ]
    )
    assert [pair.second.image_id for pair in found.pairs] == [b"day/dog/e.png", b"day/cat/d.png"]
    assert (found.total, found.copies, found.more) == (4, 4, False)
    assert said(found)["many_lookalikes"] == (
        "information",
        "Found 4 pairs of copies and lookalikes, and listed the 2 most serious in lookalikes.csv; "
        "deal with those, and run again.",
    )


def test_where_the_search_stopped_counts_are_lower_bounds(find, monkeypatch):
    monkeypatch.setattr(duplicates, "MAX_PAIRS", 2)
    look = random_look(0)
    near = [with_flipped(look, bits) for bits in range(4)]
    found = find(
        [row(b"day%d/cat/a.png" % number, number, look) for number, look in enumerate(near)]
    )
    assert (found.total, found.more) == (2, True)
    texts = said(found)
    assert texts["lookalike_domains"][1].startswith("Found at least 2 pairs of pictures")
    assert texts["many_lookalikes"][1].startswith("Found at least 2 pairs of copies")


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


def test_an_id_that_is_no_utf_8_can_be_named_in_a_text(find):
    look = random_look(0)
    found = find([row(b"day/cat/caf\xe9.png", 1, look), row(b"day/dog/b.png", 1, look)])
    assert "'day/cat/caf\ufffd.png'" in said(found)["label_conflict"][1]

"""Files that would cost a decoder much are refused before they are decoded; usual ones are not."""

import struct

import pytest
from costly_pictures import LAST_SCAN, directory, png_with, progressive, text_bomb, with_segments
from PIL import Image
from repository import ROOT
from tiny_pictures import encode, png_of, solid

from components.image_example_gen.picture_reader import (
    UnusablePictureError,
    read_picture,
    servable_picture,
)
from components.image_example_gen.pixels import decoding_limits, jpeg_damage
from components.image_example_gen.pixels.decoding_limits import (
    CostlyPictureError,
    check_cost,
    has_costly_texts,
    read_jpeg_scans,
)

EXIF, MPF, XMP = b"Exif\0\0", b"MPF\0", b"http://ns.adobe.com/xap/1.0/\0"


def reason(content: bytes) -> str:
    with pytest.raises(UnusablePictureError) as error:
        servable_picture(content)
    return str(error.value)


def test_the_scans_and_pixels_of_a_jpeg_picture_are_counted():
    assert read_jpeg_scans(solid("red", form="JPEG"))[:2] == (12, 1)
    content = progressive((40, 30), more_scans=7)
    scans = read_jpeg_scans(content)
    assert (scans.num_pixels, scans.num_scans, scans.scanned_pixels) == (1200, 17, 20_400)
    assert content[scans.start : scans.start + 2] == b"\xff\xda"


@pytest.mark.parametrize("repeated", [0, 90])
def test_as_many_scans_as_the_limit_are_allowed(repeated):
    assert servable_picture(progressive((40, 30), repeated))[1] == 1200


@pytest.mark.parametrize("repeated", [91, 8_990])
def test_more_scans_are_refused(repeated):
    assert reason(progressive((40, 30), repeated)) == "too many scans: the limit is 100"


def test_fewer_scans_are_allowed_for_more_pixels(monkeypatch):
    monkeypatch.setattr(decoding_limits, "MAX_SCANNED_PIXELS", 12_000)
    assert servable_picture(progressive((40, 30)))[1] == 1200
    assert reason(progressive((40, 30), 1)) == (
        "too many scans for so many pixels: 11 scans of 1,200 pixels, "
        "the limit is 12,000 pixels in all scans"
    )


@pytest.mark.parametrize("marker", [0xFE, 0xE0, 0xE5, 0xDB])
def test_segments_of_every_kind_are_limited(marker):
    with pytest.raises(CostlyPictureError, match="too many segments: the limit is 2,000"):
        check_cost(with_segments(2_001, marker))


def test_fill_bytes_and_restart_markers_in_millions_are_read_at_once():
    picture = solid("red", form="JPEG")
    for filling in (b"\xff" * 10**6, b"\xff\xd0" * 10**6, b"\xff\x00" * 10**6):
        check_cost(picture[:-2] + filling + picture[-2:])
        assert read_jpeg_scans(picture[:2] + filling + picture[2:]).num_scans == 1


@pytest.mark.parametrize(
    "content",
    [
        directory(2_000, 60_000),
        with_segments(1, 0xE1, EXIF + directory(500, 50_000)),
        with_segments(1, 0xE2, MPF + directory(500, 50_000)),
    ],
)
def test_values_of_a_directory_that_overlap_are_refused(content):
    assert reason(content) == "too much metadata: its values overlap"


def test_a_big_directory_of_either_byte_order_is_checked():
    for order, start in (("<", b"II+\0"), (">", b"MM\0+")):
        entry = struct.pack(order + "HHQQ", 40_000, 1, 1000, 400)
        head = start + struct.pack(order + "HHQQ", 8, 0, 16, 10)
        with pytest.raises(CostlyPictureError, match="its values overlap"):
            check_cost((head + entry * 10).ljust(1400, b"x"))


def test_values_that_lie_outside_the_file_are_left_to_pillow():
    exif = EXIF + directory(500, 50_000)[:6_500]
    assert servable_picture(with_segments(1, 0xE1, exif))[1] == 64


def test_the_metadata_of_a_jpeg_picture_are_limited():
    with pytest.raises(CostlyPictureError, match="too much metadata: the limit is 4,194,304 bytes"):
        check_cost(with_segments(65, 0xED, b"Photoshop 3.0\0" + bytes(65_000)))
    check_cost(with_segments(100, 0xE1, XMP + bytes(65_000)))  # Pillow takes XMP as it is
    check_cost(with_segments(100, 0xE2, b"ICC_PROFILE\0" + bytes(65_000)))


def test_tags_and_strips_of_a_tiff_picture_are_limited():
    head = b"MM\0+" + struct.pack(">HHQQ", 8, 0, 16, 70_000)
    with pytest.raises(CostlyPictureError, match="too much metadata: the limit is 65,535 tags"):
        check_cost(head)
    strips = struct.pack("<HHLL", 273, 4, 200_001, 26)
    with pytest.raises(CostlyPictureError, match="too many strips: 200001, the limit is 200,000"):
        check_cost(b"II*\0" + struct.pack("<LH", 8, 1) + strips)


def test_chunks_of_a_png_picture_are_limited():
    assert reason(png_with([(b"tEXt", b"a\0b")] * 2_001)) == (
        "too many chunks: 2003, the limit is 2000"
    )


@pytest.mark.parametrize("after", [False, True])
def test_a_png_picture_with_texts_that_become_large_is_rewritten_without_them(after):
    content = png_with(text_bomb(num_bytes=1_000_000, num_texts=40), after)
    assert len(content) < 50_000
    assert has_costly_texts(content)
    prepared, num_pixels = servable_picture(content)
    assert num_pixels == 64
    assert b"zTXt" not in prepared
    assert read_picture(content).rewritten


@pytest.mark.parametrize("after", [False, True])
def test_a_png_picture_with_texts_that_pillow_refuses_is_refused(after):
    content = png_with(text_bomb(num_bytes=7_900_000, num_texts=5), after)
    assert reason(content).startswith("damaged: Decompressed data too large")


@pytest.mark.parametrize("name", [b"zTXt", b"tEXt"])
def test_a_png_picture_with_usual_texts_is_kept(name):
    content = png_with([(name, b"k\0\0x\x9c\x03\0\0\0\0\x01")] * 20)
    assert servable_picture(content)[0] is content


def test_zeros_in_many_scans_are_decoded_within_a_limit(monkeypatch):
    black = encode(Image.new("RGB", (600, 600)), "JPEG", progressive=True, quality=100)
    last_scan = LAST_SCAN.search(black[:-2])
    assert last_scan
    content = black[:-2] + last_scan[0] * 50 + black[-2:]
    decoded = []
    original = jpeg_damage._decode
    monkeypatch.setattr(jpeg_damage, "_decode", lambda c: decoded.append(1) or original(c))
    jpeg_damage.check_jpeg(content)
    assert len(decoded) <= 1 + 2 * 60
    monkeypatch.setattr(jpeg_damage, "MAX_DECODED", 0)
    decoded.clear()
    jpeg_damage.check_jpeg(content)
    assert decoded == []


def test_none_of_the_bundled_pictures_is_refused():
    pictures = [path for path in (ROOT / "data").rglob("*") if path.suffix in (".png", ".jpg")]
    assert len(pictures) > 100
    for path in pictures:
        check_cost(path.read_bytes())


def test_what_is_no_picture_is_left_to_pillow():
    for content in (
        b"",
        b"\xff\xd8",
        b"II*\0",
        b"\x89PNG\r\n\x1a\n",
        b"MM\0+\xff",
        png_of(1, 1, 8, 2),
    ):
        check_cost(content)

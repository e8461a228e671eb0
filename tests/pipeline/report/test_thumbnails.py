import base64
import io
import os

import pytest
from PIL import Image
from tiny_pictures import encode, solid

from pipeline.report import thumbnails
from pipeline.report.thumbnails import SIDE, thumbnail, thumbnail_of


def opened(uri: str) -> Image.Image:
    """The picture in a data URI."""
    head, _, body = uri.partition(",")
    assert head == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(body)))


def test_a_large_picture_becomes_a_small_one_of_the_same_shape():
    uri = thumbnail(encode(Image.new("RGB", (1600, 800), "red"), "JPEG"))
    assert uri
    assert opened(uri).size == (SIDE, SIDE // 2)
    red, green, blue = opened(uri).convert("RGB").getpixel((10, 10))
    assert red > 220 > 40 > max(green, blue)


def test_a_turned_picture_is_set_upright_and_a_transparent_one_is_put_on_white():
    turned = Image.Exif()
    turned[0x0112] = 6
    upright = thumbnail(encode(Image.new("RGB", (40, 20)), "JPEG", exif=turned))
    assert upright
    assert opened(upright).size == (SIDE // 2, SIDE)
    clear = thumbnail(encode(Image.new("RGBA", (20, 20), (0, 0, 0, 0))))
    assert clear
    assert min(opened(clear).convert("RGB").getpixel((10, 10))) > 250


@pytest.mark.parametrize("content", [b"", b"no picture", solid("red")[:40]])
def test_what_is_no_picture_has_no_thumbnail(content):
    assert thumbnail(content) is None


def test_a_file_has_a_thumbnail_unless_it_is_large_missing_or_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(solid("red"))
    assert thumbnail_of(str(tmp_path), "a.png") == thumbnail(solid("red"))
    assert thumbnail_of(str(tmp_path), "b.png") is None
    assert thumbnail_of("gs://bucket", "a.png") is None
    monkeypatch.setattr(thumbnails, "MOST_BYTES", 10)
    assert thumbnail_of(str(tmp_path), "a.png") is None


def test_a_pipe_that_was_rejected_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert thumbnail_of(str(tmp_path), "pipe.png") is None

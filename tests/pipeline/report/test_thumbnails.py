import base64
import io
import os

import pytest
from PIL import Image
from tiny_pictures import encode, solid

from pipeline.report import thumbnails
from pipeline.report.thumbnails import SIDE, encode_thumbnail, file_thumbnail


def opened(uri: str) -> Image.Image:
    """The picture in a data URI."""
    head, _, body = uri.partition(",")
    assert head == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(body)))


def test_a_thumbnail_keeps_the_aspect_ratio():
    uri = encode_thumbnail(encode(Image.new("RGB", (1600, 800), "red"), "JPEG"))
    assert uri
    assert opened(uri).size == (SIDE, SIDE // 2)
    red, green, blue = opened(uri).convert("RGB").getpixel((10, 10))
    assert red > 220 > 40 > max(green, blue)


def test_exif_rotation_is_applied_and_transparency_becomes_white():
    turned = Image.Exif()
    turned[0x0112] = 6
    upright = encode_thumbnail(encode(Image.new("RGB", (40, 20)), "JPEG", exif=turned))
    assert upright
    assert opened(upright).size == (SIDE // 2, SIDE)
    clear = encode_thumbnail(encode(Image.new("RGBA", (20, 20), (0, 0, 0, 0))))
    assert clear
    assert min(opened(clear).convert("RGB").getpixel((10, 10))) > 250


@pytest.mark.parametrize("content", [b"", b"no picture", solid("red")[:40]])
def test_bytes_that_are_not_a_picture_have_no_thumbnail(content):
    assert encode_thumbnail(content) is None


def test_a_file_has_a_thumbnail_unless_it_is_large_missing_or_remote(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(solid("red"))
    assert file_thumbnail(str(tmp_path), "a.png") == encode_thumbnail(solid("red"))
    assert file_thumbnail(str(tmp_path), "b.png") is None
    assert file_thumbnail("gs://bucket", "a.png") is None
    monkeypatch.setattr(thumbnails, "MAX_BYTES", 10)
    assert file_thumbnail(str(tmp_path), "a.png") is None


def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert file_thumbnail(str(tmp_path), "pipe.png") is None

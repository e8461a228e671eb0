import base64
import io
import os

import pytest
from costly_pictures import large
from PIL import Image
from tiny_pictures import encode, photo, solid
from tiny_traffic import record

from pipeline.overview import thumbnail_process, unusual_pictures
from pipeline.overview.thumbnail_process import ThumbnailProcess
from pipeline.overview.unusual_pictures import MAX_PICTURES, UnusualPictures

#: Program that ends at a picture `die`, as one whose decoder crashes.
DYING = """
import os, sys
from pipeline.overview.thumbnail_process import SIZE
while header := sys.stdin.buffer.read(SIZE.size):
    content = sys.stdin.buffer.read(*SIZE.unpack(header))
    if content == b"die":
        os.abort()
    print('"' + content.decode() + '"', flush=True)
"""


@pytest.fixture(name="unusual")
def _unusual() -> UnusualPictures:
    return UnusualPictures(ThumbnailProcess())


def decoded(thumbnail: str) -> Image.Image:
    """The picture of a data URI."""
    start = "data:image/webp;base64,"
    assert thumbnail.startswith(start)
    return Image.open(io.BytesIO(base64.b64decode(thumbnail.removeprefix(start))))


def test_the_most_unusual_come_first_and_usual_ones_are_left_out(unusual):
    for number, novelty in enumerate([0.96, 0.94, 0.99, None, 0.99, float("nan")]):
        unusual.offer(record(float(number), solid((number, 0, 0)), novelty=novelty))
    described = unusual.describe()
    assert [one["novelty"] for one in described] == [0.99, 0.99, 0.96]
    assert [one["time"][11:19] for one in described] == ["00:00:04", "00:00:02", "00:00:00"]


def test_at_most_a_dozen_are_kept_and_the_same_picture_once(unusual):
    for number in range(30):
        unusual.offer(record(float(number), solid((number % 20, 0, 0)), novelty=0.96))
    assert len(unusual.describe()) == MAX_PICTURES


def test_old_ones_are_forgotten(unusual):
    for number in (1, 2):
        unusual.offer(record(float(number), solid((number, 0, 0)), novelty=0.96))
    unusual.forget(2.0)
    assert len(unusual.describe()) == 1


def test_thumbnails_are_small_and_encoded_anew(unusual):
    content = encode(photo(), "JPEG", comment=b"secret")
    unusual.offer(record(1.0, content, novelty=1.0))
    [one] = unusual.describe()
    thumbnail = decoded(one["thumbnail"])
    assert (thumbnail.format, thumbnail.size) == ("WEBP", (160, 120))
    assert b"secret" not in base64.b64decode(one["thumbnail"].partition(",")[2])
    assert unusual.describe() == [one]


@pytest.mark.parametrize(
    "content",
    [b"", b"no picture", solid("red")[:30], large("PNG", 20_000)],
    ids=["empty", "no picture", "cut off", "large"],
)
def test_what_is_no_picture_or_too_large_a_one_has_no_thumbnail(unusual, content):
    unusual.offer(record(1.0, content, novelty=0.97))
    unusual.offer(record(2.0, solid("red"), novelty=0.96))
    without, one = unusual.describe()
    assert without["thumbnail"] is None
    assert decoded(one["thumbnail"]).size


def test_files_that_are_too_large_are_not_decoded(unusual, monkeypatch):
    monkeypatch.setattr(unusual_pictures, "MAX_BYTES", 10)
    unusual.offer(record(1.0, solid("red"), novelty=0.97))
    assert unusual.describe()[0]["thumbnail"] is None


def test_a_picture_at_which_the_program_ends_takes_no_other_thumbnail(tmp_path, monkeypatch):
    (tmp_path / "dying_program.py").write_text(DYING)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.getenv("PYTHONPATH", "")]))
    monkeypatch.setattr(thumbnail_process, "_PROGRAM", "dying_program")
    assert ThumbnailProcess().encode([b"a", b"die", b"b", b"die"]) == ["a", None, "b", None]


def test_after_the_stop_no_program_is_started():
    process = ThumbnailProcess()
    process.stop()
    assert process.encode([solid("red")]) == [None]

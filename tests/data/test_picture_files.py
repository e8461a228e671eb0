import io
from pathlib import Path

import pytest
from emoji_pictures.drawing import encode
from emoji_pictures.picture_files import check, read_committed, write
from PIL import Image


def png(picture: Image.Image) -> bytes:
    target = io.BytesIO()
    picture.save(target, "PNG")
    return target.getvalue()


def square(colour: str) -> Image.Image:
    return Image.new("RGB", (4, 4), colour)


def test_other_compression_is_a_notice_and_no_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = "pictures/noto/face/a.png"
    write({path: png(square("red"))}, tmp_path)
    other = encode(square("red"))
    assert other != png(square("red"))
    assert check({path: other}, tmp_path) == 0
    assert "the same in every pixel, only compressed differently" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("committed", "complaint"),
    [
        ({"pictures/noto/face/a.png": png(square("blue"))}, "different in their pixels"),
        ({"pictures/noto/face/a.png": b"no picture"}, "different in their pixels"),
        ({}, "missing"),
        (
            {
                "pictures/noto/face/a.png": png(square("red")),
                "pictures/noto/face/b.png": png(square("red")),
            },
            "not built from the packages",
        ),
    ],
)
def test_other_pixels_or_other_files_are_an_error(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    committed: dict[str, bytes],
    complaint: str,
) -> None:
    write(committed, tmp_path)
    built = {"pictures/noto/face/a.png": png(square("red"))}
    assert check(built, tmp_path) == 1
    assert complaint in capsys.readouterr().err


def test_writing_removes_what_was_not_built(tmp_path: Path) -> None:
    write({"pictures/noto/face/a.png": b"a", "pictures/noto/face/b.png": b"b"}, tmp_path)
    write({"pictures/noto/face/a.png": b"c"}, tmp_path)
    assert read_committed(tmp_path) == {"pictures/noto/face/a.png": b"c"}

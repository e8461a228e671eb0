import os

import pytest
from tiny_pictures import encode, gradient, write_files

from components.image_example_gen.picture_reader import UnusablePictureError
from pipeline.labelling.picture_content import displayable_picture


@pytest.mark.parametrize(
    ("form", "media_type"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("TIFF", "image/png"), ("PPM", "image/png")],
)
def test_every_browser_shows_what_is_returned(tmp_path, form, media_type):
    content = encode(gradient(), form)
    write_files(tmp_path, {"picture": content})
    shown, found = displayable_picture(tmp_path / "picture")
    assert found == media_type
    assert (shown == content) == (form in ("JPEG", "PNG"))


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnusablePictureError, match="not a regular file"):
        displayable_picture(tmp_path / "pipe")


def test_a_missing_file_has_a_reason(tmp_path):
    with pytest.raises(UnusablePictureError, match="cannot be opened: No such file"):
        displayable_picture(tmp_path / "missing")

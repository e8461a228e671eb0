import os

import pytest
from tiny_pictures import solid

from components.image_example_gen.picture_reader import UnusablePictureError
from pipeline.retraining.deliveries.file_copies import FileCopies


@pytest.fixture(name="umask", params=[0o022, 0o077, 0o000])
def _umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o640, 0o666, 0o755, 0o444])
def test_a_copy_is_never_readable_for_more_users_than_the_original(tmp_path, umask, mode):
    source = tmp_path / "1.PNG"
    source.write_bytes(solid("red"))
    source.chmod(mode)
    path, sha256 = FileCopies(tmp_path / "copies", None, lambda _: "").add(str(source))
    copy = tmp_path / "copies" / path
    assert copy.name == f"{sha256}.png"
    assert copy.read_bytes() == solid("red")
    assert copy.stat().st_mode & 0o777 == (mode & 0o666 | 0o600) & ~umask


@pytest.mark.parametrize("modes", [(0o644, 0o600), (0o600, 0o644)])
def test_a_copy_of_two_files_has_the_permissions_that_both_have(tmp_path, modes):
    copies = FileCopies(tmp_path / "copies", None, lambda _: "")
    paths = set()
    for number, mode in enumerate(modes):
        source = tmp_path / f"{number}.png"
        source.write_bytes(solid("red"))
        source.chmod(mode)
        paths.add(copies.add(str(source))[0])
    [path] = paths
    assert (tmp_path / "copies" / path).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"root:x:0:0", b"", solid("red")[:30]])
def test_what_is_no_picture_is_not_copied(tmp_path, content):
    (tmp_path / "1.png").write_bytes(content)
    with pytest.raises(UnusablePictureError):
        FileCopies(tmp_path / "copies", None, lambda _: "").add(str(tmp_path / "1.png"))
    assert not (tmp_path / "copies").exists()


def test_a_file_that_must_not_be_read_is_not_copied(tmp_path):
    (tmp_path / "1.png").write_bytes(solid("red"))
    (tmp_path / "link").symlink_to("1.png")
    faults = {str(tmp_path / "1.png"): "outside"}
    with pytest.raises(UnusablePictureError, match="outside"):
        FileCopies(tmp_path / "copies", None, faults.__getitem__).add(str(tmp_path / "link"))
    assert not (tmp_path / "copies").exists()

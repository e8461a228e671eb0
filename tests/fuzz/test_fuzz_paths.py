"""Paths of any characters: checked in one line, and confined to the roots of a delivery."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.config.path_check import check_encodable, check_no_pattern
from pipeline.inputs.allowed_roots import AllowedRoots
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import is_uri, local_path, locate

PARTS = st.sampled_from(
    [
        "..",
        ".",
        "",
        "a",
        "inbox",
        "outside",
        "link",
        "loop",
        "a.png",
        "~",
        "%2e%2e",
        "\0",
        "caf\udce9",
        "*",
    ]
)
PATHS = st.builds(
    lambda start, parts: start + "/".join(parts),
    st.sampled_from(
        ["", "/", "//", "file:///", "FILE://localhost/", "file://", "s3://bucket/", "s3:/"]
    ),
    st.lists(PARTS | st.text(max_size=3), max_size=6),
)


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an inbox with links to outside of it, and to themselves."""
    root = tmp_path_factory.mktemp("site")
    (root / "inbox" / "a").mkdir(parents=True)
    (root / "inbox" / "a" / "a.png").touch()
    (root / "outside").mkdir()
    (root / "outside" / "a.png").touch()
    (root / "inbox" / "link").symlink_to(root / "outside")
    (root / "inbox" / "a" / "link").symlink_to("../../outside/a.png")
    (root / "inbox" / "loop").symlink_to("loop")
    return root / "inbox"


@example("link/a.png")
@example("a/link")
@example("file:///%2e%2e/etc/passwd")
@given(PATHS)
def test_no_delivery_names_a_file_outside_of_its_roots(inbox: Path, path: str) -> None:
    roots = AllowedRoots(inbox, ["s3://bucket/pictures"])
    location = locate(str(inbox), local_path(path))
    if roots.find_fault(location):
        return
    if is_uri(location):
        assert location.startswith("s3://bucket/pictures")
        assert ".." not in location.split("/")
    elif "\0" not in location:
        real = os.path.realpath(location)
        assert real == str(inbox) or real.startswith(f"{inbox}/")


@given(PATHS.filter(bool))
def test_a_path_is_taken_or_refused_in_one_line(path: str) -> None:
    for check in (check_no_pattern, check_encodable):
        try:
            check("workspace", path, "Rename it.")
        except InputError as error:
            assert str(error).isprintable()
            assert str(error).endswith("Rename it.")
        else:
            assert check is check_no_pattern or path.encode()  # UTF-8 can hold it

"""Folders that are deliveries: where their links may lead, and how deep and large they may be."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ordinary_user import open_folder, ordinary_user
from poisoned_deliveries import add_deep_folders
from tiny_pictures import write_files

from pipeline.inputs import folder as folder_module
from pipeline.inputs.allowed_roots import OUTSIDE, AllowedRoots
from pipeline.inputs.file_status import UNREADABLE, read_file_status
from pipeline.inputs.folder import LISTED, LOOP, MAX_DEPTH, NESTED, list_folder
from trainer_module.contract.errors import InputError, UnavailableError


@pytest.fixture(name="batch")
def _batch(tmp_path):
    write_files(tmp_path / "data", {"2.png": b"2", "cat/3.png": b"3"})
    return write_files(tmp_path / "inbox" / "batch", {"day/cat/1.png": b"1"})


def reasons(batch: Path, roots: AllowedRoots | None) -> dict[str, str]:
    return {row["path"]: row.get("reason", "") for row in list_folder(batch, roots=roots)}


def test_links_of_a_delivery_stay_in_the_allowed_roots(batch):
    data = batch.parent.parent / "data"
    (batch / "day" / "cat" / "2.png").symlink_to(data / "2.png")
    (batch / "day" / "dog").symlink_to(data / "cat")
    (batch / "day" / "cat" / "0.png").symlink_to("1.png")
    inside = {"day/cat/0.png": "", "day/cat/1.png": ""}
    assert reasons(batch, AllowedRoots(batch.parent)) == inside | {
        "day/cat/2.png": f"{OUTSIDE}: {data}",
        "day/dog": f"{OUTSIDE}: {data}",
    }
    everything = inside | {"day/cat/2.png": "", "day/dog/3.png": ""}
    assert reasons(batch, AllowedRoots(batch.parent, [str(data)])) == everything
    assert reasons(batch, None) == everything  # a folder that the user names is not confined


def test_what_is_outside_is_not_looked_up(batch):
    (batch / "day" / "cat" / "2.png").symlink_to("/etc/passwd")
    (batch / "day" / "cat" / "3.png").symlink_to("/no/such/file")
    rows = {row["path"]: row for row in list_folder(batch, roots=AllowedRoots(batch.parent))}
    assert rows["day/cat/2.png"]["bytes"] == rows["day/cat/2.png"]["modified"] == 0
    assert rows["day/cat/3.png"]["reason"] == f"{OUTSIDE}: /no/such"


def test_a_folder_is_entered_through_one_link_alone(batch):
    (batch / "day" / "a").symlink_to("cat")
    (batch / "day" / "b").symlink_to("cat")
    assert reasons(batch, AllowedRoots(batch.parent)) == {
        "day/a/1.png": "",
        "day/b": LISTED,
        "day/cat/1.png": "",
    }


def test_links_that_multiply_end_in_time(batch):
    for level in range(30):
        (batch / "day" / str(level)).mkdir()
        for name in "abc":
            (batch / "day" / str(level) / name).symlink_to(f"../{level + 1}")
    (batch / "day" / "30").mkdir()
    start = time.monotonic()
    assert LISTED in reasons(batch, AllowedRoots(batch.parent)).values()
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("target", [".", "..", "../..", "../../.."])
def test_loops_are_told(batch, target):
    (batch / "day" / "cat" / "loop").symlink_to(target)
    for roots in (None, AllowedRoots(batch.parent)):
        assert reasons(batch, roots) == {"day/cat/1.png": "", "day/cat/loop": LOOP}


@pytest.mark.parametrize(("name", "levels"), [("d", 1100), ("d" * 200, 40), (".d", 1100)])
@pytest.mark.parametrize("is_delivery", [True, False])
def test_folders_that_are_too_deep_are_one_unusable_file(name, levels, is_delivery):
    # Not in `tmp_path`: pytest cannot remove folders that are so deep.
    root = Path(tempfile.mkdtemp(prefix="deep-"))
    try:
        write_files(root, {"day/cat/1.png": b"1"})
        add_deep_folders(root / "day", name, levels)
        found = reasons(root, AllowedRoots(root.parent) if is_delivery else None)
        assert found.pop("day/cat/1.png") == ""
        if name.startswith("."):
            assert not found
        else:
            [(path, reason)] = found.items()
            assert reason.startswith(f"{NESTED}: ")
            assert path.count("/") <= MAX_DEPTH
    finally:
        subprocess.run(["/bin/rm", "-rf", str(root)], check=True)


def test_a_delivery_of_too_many_files_is_refused(batch, monkeypatch):
    monkeypatch.setattr(folder_module, "MAX_FILES", 3)
    write_files(batch, {f"day/dog/{number}.png": b"" for number in range(2)})
    assert len(list_folder(batch, roots=AllowedRoots(batch.parent))) == 3
    write_files(batch, {"day/dog/3.png": b""})
    with pytest.raises(
        InputError, match=r"holds more than 3 files\. Deliver it in several batches"
    ):
        list_folder(batch, roots=AllowedRoots(batch.parent))
    assert len(list_folder(batch)) == 4


@pytest.fixture(name="shared")
def _shared() -> Iterator[Path]:
    """A folder of pictures that the block of an ordinary user may read."""
    with open_folder() as folder:
        yield write_files(folder, {"day/cat/1.png": b"1", "night/cat/1.png": b"1"})


def test_a_file_without_permission_has_a_reason_and_another_listing_once_it_may_be_read(shared):
    picture = shared / "night/cat/1.png"
    picture.chmod(0)
    with ordinary_user():
        assert reasons(shared, None)["night/cat/1.png"] == f"{UNREADABLE}Permission denied"
        assert read_file_status(str(picture)).reason == f"{UNREADABLE}Permission denied"
    picture.chmod(0o444)
    with ordinary_user():
        assert reasons(shared, None)["night/cat/1.png"] == ""
        assert read_file_status(str(picture)).reason is None


@pytest.mark.parametrize("mode", [0, 0o111, 0o444])
@pytest.mark.parametrize("closed", [".", "night", "night/cat"])
@pytest.mark.parametrize("is_delivery", [True, False])
def test_a_folder_without_permission_is_named(shared, mode, closed, is_delivery):
    roots = AllowedRoots(shared.parent) if is_delivery else None
    (shared / closed).chmod(mode)
    with ordinary_user():
        if (closed, mode) == ("night/cat", 0o444):  # its files can be listed, and no more
            reason = f"{UNREADABLE}Permission denied"
            assert reasons(shared, roots) == {"day/cat/1.png": "", "night/cat/1.png": reason}
            return
        with pytest.raises(UnavailableError) as error:
            list_folder(shared, roots=roots)
    inner = {".": "day", "night": "night/cat"}[closed] if mode == 0o444 else closed
    assert str(error.value) == (
        f"folder {shared / inner} cannot be read: Permission denied. Make it readable."
    )

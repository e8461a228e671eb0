import pytest

from pipeline.inputs.allowed_roots import (
    OUTSIDE,
    AllowedRoots,
    advise_allowing,
    outside_folders,
)
from trainer_module.contract.locations import locate


@pytest.fixture(name="inbox")
def _inbox(tmp_path):
    for name in ("inbox/day", "inbox-2", "data/pictures"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "inbox" / "day" / "out").symlink_to(tmp_path / "data")
    (tmp_path / "inbox" / "day" / "in").symlink_to("../day")
    (tmp_path / "inbox" / "day" / "1.png").symlink_to("/etc/passwd")
    (tmp_path / "inbox" / "day" / "2.png").symlink_to("3.png")
    return tmp_path / "inbox"


@pytest.mark.parametrize(
    ("path", "is_allowed"),
    [
        ("a.png", True),
        ("day/no/such/file.png", True),
        ("day/2.png", True),
        ("day/in/in/2.png", True),
        ("day/../a.png", True),
        ("", True),
        ("../inbox/a.png", True),
        ("day/1.png", False),
        ("day/in/1.png", False),
        ("day/out/a.png", False),
        ("day/out", False),
        ("day/out/../inbox/a.png", True),
        ("..", False),
        ("../inbox-2/a.png", False),
        ("day/../../data/a.png", False),
        ("/etc/passwd", False),
        ("/proc/self/environ", False),
        ("a\0b", True),
        ("../a\0b", False),
    ],
)
def test_files_are_allowed_in_the_inbox_wherever_links_lead(inbox, path, is_allowed):
    fault = AllowedRoots(inbox).find_fault(locate(str(inbox), path))
    assert fault.startswith(OUTSIDE) != is_allowed
    assert (fault == "") == is_allowed


def test_further_folders_are_allowed(inbox):
    data = inbox.parent / "data"
    roots = AllowedRoots(inbox, [str(data)])
    assert roots.find_fault(str(inbox / "day" / "out" / "pictures" / "a.png")) == ""
    assert roots.find_fault(str(data / ".." / "a.png")) == f"{OUTSIDE}: {inbox.parent}"
    linked = inbox.parent / "link"
    linked.symlink_to(data)
    assert AllowedRoots(inbox, [str(linked)]).find_fault(str(data / "a.png")) == ""


@pytest.mark.parametrize(
    ("root", "uri", "is_allowed"),
    [
        ("gs://bucket/pictures", "gs://bucket/pictures/1.png", True),
        ("gs://bucket/pictures/", "gs://bucket/pictures/1.png", True),
        ("gs://bucket", "gs://bucket/any/1.png", True),
        ("gs://", "gs://bucket/1.png", True),
        ("gs://bucket/pictures", "gs://bucket/pictures-2/1.png", False),
        ("gs://bucket/pictures", "gs://bucket/pictures/../1.png", False),
        ("gs://bucket", "gs://bucket-2/1.png", False),
        ("gs://bucket", "s3://bucket/1.png", False),
        ("gs://", "s3://bucket/1.png", False),
        ("/", "gs://bucket/1.png", False),
    ],
)
def test_uris_are_allowed_by_whole_parts_of_a_prefix(inbox, root, uri, is_allowed):
    assert (AllowedRoots(inbox, [root]).find_fault(uri) == "") == is_allowed
    assert AllowedRoots(inbox).find_fault(uri) == f"{OUTSIDE}: {uri.rpartition('/')[0]}"


@pytest.mark.parametrize(
    ("folders", "suggested"),
    [
        (["/data/a"], "/data/a"),
        (["/data/a", "/data/b/c"], "/data"),
        (["/etc", "/proc/self"], "/etc"),
        (["gs://bucket/a/b", "gs://bucket/a/c"], "gs://bucket/a"),
        (["gs://one/a", "gs://two/a"], "gs://one/a"),
    ],
)
def test_the_folder_to_allow_is_named(folders, suggested):
    assert outside_folders(["no picture", *(f"{OUTSIDE}: {one}" for one in folders)]) == folders
    assert advise_allowing(folders) == (
        f"If the batch may read it, add {suggested} to the config key retrain.allowed_roots: "
        f"--set 'retrain.allowed_roots=[{suggested}]'"
    )
